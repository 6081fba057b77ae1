"""A body is cut into passages at the ends of sentences, and nothing of it is lost."""

from hypothesis import given
from hypothesis import strategies as st

from kb.passages import passages


@given(st.text("办理。!\n材料 ", max_size=400), st.integers(10, 60))
def test_passages_joined_give_the_text_and_none_is_much_too_long(text: str, size: int) -> None:
    found = passages(text, size)
    assert "".join(found) == (text if text.strip() else "")
    assert all(len(p) <= 1.25 * size for p in found)


def test_cuts_fall_at_sentence_ends() -> None:
    sentence = "申请人应当提交身份证明。"
    assert passages(sentence * 10, 40) == [sentence * 3] * 3 + [sentence]


def test_a_short_text_is_left_whole_and_a_blank_one_gives_nothing() -> None:
    assert passages("带身份证。到社区办。", 320) == ["带身份证。到社区办。"]
    assert passages(" \n", 320) == []


def test_a_sentence_without_an_end_is_cut_by_length() -> None:
    assert [len(p) for p in passages("甲" * 1000, 320)] == [320, 320, 360]
