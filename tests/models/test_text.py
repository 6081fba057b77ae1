"""Text preparation: one written form, fillers gone, negations and facts kept."""

from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import MAX_CHARACTERS, has_words, is_chinese, normalise, sentences, storable, strip_fillers


@given(st.text(max_size=300))
def test_any_string_can_be_prepared_and_preparing_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "".join(sentences(once)) == once
    strip_fillers(once)


@given(st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=20))
def test_lone_surrogates_do_no_harm(text: str) -> None:
    normalise(text).encode("utf-8")


def test_a_very_long_text_is_cut() -> None:
    assert len(normalise("停电" * 20_000)) == MAX_CHARACTERS


def test_full_width_forms_and_spaces_become_one_form() -> None:
    assert normalise("我 家 ＷＩＦＩ　坏 了\u200b") == "我家 WIFI 坏了"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("喂你好,我想反映一下情况,我家没有停水,是水压小,谢谢", "没有停水"),
        ("那个,就是说,不是暖气不热,是漏水", "不是暖气不热"),
        ("请问,这个,孩子上学要不要户口", "要不要户口"),
    ],
)
def test_fillers_go_and_negations_stay(said: str, kept: str) -> None:
    stripped = strip_fillers(normalise(said))
    assert kept in stripped
    assert len(stripped) < len(said)


def test_a_text_of_fillers_alone_is_returned_as_it_is() -> None:
    assert strip_fillers("你好") == "你好"


@pytest.mark.parametrize("text", ["", "???!!!", "12345", "😀😀"])
def test_punctuation_and_digits_are_no_words(text: str) -> None:
    assert not has_words(normalise(text))


def test_another_language_is_told_from_chinese() -> None:
    assert not is_chinese("hello can you speak english")
    assert is_chinese("wifi连不上")


def test_markup_and_what_excel_leaves_behind_is_removed() -> None:
    assert normalise("<p>路灯<b>不亮</b></p>&nbsp;_x000D_三天了") == "路灯不亮三天了"


def test_drawn_out_speech_is_cut_and_numbers_are_not() -> None:
    assert normalise("热热热热热死了,交了10000元,13800001234") == "热热热死了,交了10000元,13800001234"


@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_what_is_storable_goes_into_xml_and_utf8_and_stays_as_it_is(text: str) -> None:
    made = storable(text)
    ElementTree.fromstring(f"<t>{escape(made)}</t>".encode())
    assert len(made) <= len(text)
    assert storable(made) == made


def test_storing_keeps_tabs_and_ends_lines_in_one_way() -> None:
    assert storable("甲\r\n乙\r丙\t丁\n\x00\x7f\ud83d😀") == "甲\n乙\n丙\t丁\n   😀"
