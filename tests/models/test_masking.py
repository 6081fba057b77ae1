"""Masking: personal data goes, everything a unit needs to act stays, and masking twice changes nothing."""

import csv
import re
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalog import load_catalog
from models.locations import catalog_dir
from models.masking import KINDS, find_personal, mask
from models.masking_numbers import check_digit, luhn
from models.places import PlaceFinder
from models.text import normalise

DATA = Path(__file__).resolve().parents[1] / "data" / "personal.csv"
EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "tickets" / "examples.csv"
MARK = re.compile(rf"\[({'|'.join(KINDS)})\]")
FLOORS = {"dev": (0.99, 0.99), "test": (0.98, 0.94), "fresh": (0.98, 0.96)}
HOLDING = {"dev": (180, 90), "test": (180, 90), "fresh": (152, 68)}
"""How many sentences a set has, and how many of them hold something personal."""
"""Precision and recall over spans with the right kind and the right ends.

The rules were written with the `dev` sentences in sight, so its figures say little. The `test` sentences were written
after the rules, by the same author, and measured once before any look at what failed: precision 0.990 (100 of 101),
recall 0.917 (100 of 109). That is the honest figure. Four general faults that its misses pointed to were mended since
(names among the ordinary words, characters that end given names, 员 and 人 before a name, double surnames): 0.990 and
0.954 now, the floor below, no longer blind. The `fresh` sentences were written later still, half of them to mislead:
precision 0.973 (73 of 75), recall 0.912 (73 of 80) at first sight, 1.000 and 0.988 after the faults that they showed
(seldom surnames, names right after 举报 or 联系, disability cards, shops called after their owner, public buildings).
"""

chinese = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), max_size=30)
digits = st.text("0123456789", min_size=17, max_size=17)


def written(name: str) -> list[tuple[str, set[tuple[int, int, str]]]]:
    """Texts of a set with their spans, read back from the masked text."""
    with DATA.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["set"] == name]
    out = []
    for row in rows:
        kinds, between = MARK.findall(row["masked"]), MARK.split(row["masked"])[::2]
        match = re.fullmatch("(.+?)".join(map(re.escape, between)), row["text"])
        assert match, row
        out.append((row["text"], {(*match.span(i + 1), kind) for i, kind in enumerate(kinds)}))
    return out


@pytest.mark.parametrize("name", list(FLOORS))
def test_precision_and_recall_on_written_sentences_do_not_fall(name: str) -> None:
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for text, gold in written(name):
        found = {(s.start, s.end, s.kind) for s in find_personal(text)}
        right.update(kind for *_, kind in found & gold)
        wrong.update(kind for *_, kind in found - gold)
        missed.update(kind for *_, kind in gold - found)
    precision = right.total() / (right.total() + wrong.total())
    recall = right.total() / (right.total() + missed.total())
    assert (precision, recall) >= FLOORS[name], (wrong, missed)
    assert precision >= FLOORS[name][0], wrong
    assert recall >= FLOORS[name][1], missed


def test_half_of_the_written_sentences_hold_nothing_personal() -> None:
    for name, counts in HOLDING.items():
        holding = [bool(gold) for _, gold in written(name)]
        assert (len(holding), sum(holding)) == counts


def test_the_written_examples_of_calls_pass_nearly_unchanged() -> None:
    """They hold no telephone, card or full name; a few name a room or somebody's surname."""
    with EXAMPLES.open(encoding="utf-8", newline="") as file:
        texts = [normalise(r["text"]) for r in csv.DictReader(file)]
    changed = [t for t in texts if mask(t) != t]
    assert len(changed) <= 0.003 * len(texts)
    assert not [t for t in changed if any(m in mask(t) for m in ("[身份证]", "[银行卡]", "[邮箱]", "[车牌]"))]


def test_every_place_of_the_list_stays() -> None:
    for place in load_catalog(catalog_dir()).places:
        text = f"我在{place.name}这边,路灯不亮"
        assert mask(text) == text


def test_a_place_is_found_in_the_masked_text() -> None:
    finder = PlaceFinder(load_catalog(catalog_dir()).places)
    said = "我叫王小明,住城西区虎台街道5号楼2单元501,电话13897412356"
    place = finder.locate(mask(said))
    assert (place.district, place.street) == ("城西区", "虎台街道")
    road = finder.locate(mask("南山路50号院3号楼二单元四零二暖气不热"))
    assert (road.road, road.house_number) == ("南山路", "50号院")


@pytest.mark.parametrize(
    "text",
    [
        "12345、12315、12333、12350都打过了",
        "110、119、120、122",
        "95598和96110",
        "拨打0971-12345没人接",
        "客服400-820-8820,800-810-1234",
        "2023年12月4日,2023-12-04,20231204",
        "欠我128000元,押金3000块",
        "青政办〔2023〕12号",
        "工单号20231204001234,订单号1234567890123456",
        "G2745次、63路、CA1206、3号线",
        "三楼漏水,5号楼二单元没水",
    ],
)
def test_service_numbers_dates_amounts_and_document_numbers_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("幺三八,九七幺二,三四五六", "[电话]"),
        ("一三九,三个八,五二三四一", "[电话]"),
        ("我的手机１３８１２３４５６７８", "我的手机[电话]"),
        ("电话6123456、6123457", "电话[电话]、[电话]"),
        ("身份证号六三零一零二一九九零零一零一幺二三四", "身份证号[身份证]"),
        ("5号楼2单元501", "5号楼[房号]"),
        ("李女士和王建国先生", "[姓名]女士和[姓名]先生"),
        ("已经是[姓名]的[电话]了", "已经是[姓名]的[电话]了"),
    ],
)
def test_one_mark_stands_for_one_piece_of_personal_data(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "方便的话请回电,时间太长了",
        "司机马虎大意,老师安排座位,业主任何意见都不听",
        "经理明天才上班,校长金口难开,医生高兴得很",
        "名字叫错了,姓名和电话都登记了,叫人来修",
        "2号楼三百户没水,4单元16户也没水,三单元101到601都没水",
        "编号为630102001的路灯杆坏了,水卡号12345678",
    ],
)
def test_words_that_begin_like_names_and_numbers_of_things_stay(text: str) -> None:
    assert mask(text) == text


@given(st.text(max_size=200))
def test_any_string_is_masked_and_masking_twice_changes_nothing(text: str) -> None:
    once = mask(text)
    assert mask(once) == once
    spans = find_personal(text)
    assert len(once) <= len(text) + 4 * len(spans)
    assert all(0 <= a.start < a.end <= len(text) for a in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


LOOKALIKE = "王马李扎西卓玛先生叫我电话姓名号楼单元室0123456789一二三幺-.,:,@aX青A尾微信\ue000[]"


@given(st.lists(st.sampled_from(list(LOOKALIKE)), max_size=80))
def test_what_looks_like_personal_data_is_masked_once(pieces: list[str]) -> None:
    once = mask("".join(pieces))
    assert mask(once) == once


@given(st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=20))
def test_lone_surrogates_are_left_alone(text: str) -> None:
    assert mask(text) == text


@given(chinese, chinese, st.integers(3, 9), st.integers(0, 10**9 - 1), st.sampled_from(["", " ", "-"]))
def test_a_mobile_number_never_survives(before: str, after: str, second: int, rest: int, gap: str) -> None:
    number = f"1{second}{rest:09}"
    spoken = f"{number[:3]}{gap}{number[3:7]}{gap}{number[7:]}"
    assert spoken not in mask(before + spoken + after)


@given(chinese, chinese, st.dates(), st.sampled_from(["630102", "632123", "110101", "440305"]), st.integers(0, 999))
def test_an_identity_card_never_survives(before: str, after: str, born, region: str, order: int) -> None:
    if not 1900 <= born.year <= 2016:
        born = born.replace(year=1980, day=min(born.day, 28))
    body = f"{region}{born:%Y%m%d}{order:03}"
    number = body + check_digit(body)
    assert number not in mask(before + number + after)


@given(chinese, chinese, st.sampled_from(["62", "4", "5"]), digits, st.integers(16, 19))
def test_a_bank_card_never_survives(before: str, after: str, prefix: str, rest: str, length: int) -> None:
    body = (prefix + rest)[: length - 1]
    number = next(body + d for d in "0123456789" if luhn(body + d))
    assert number not in mask(before + number + after)


HOSTILE = "1|1 |1一|1-|一三八|王|王先生|扎西|我叫|a.|a@|青A|1单元|1号楼|[姓名]|欧阳|13812345678|尾号|138****|6222 "


def cost(text: str) -> float:
    """Processor time of this thread alone, the least of three: another program's load does not count."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        mask(text)
        spent.append(time.thread_time() - began)
    return min(spent)


@pytest.mark.parametrize("piece", HOSTILE.split("|"))
def test_hostile_text_of_eight_times_the_length_costs_far_less_than_eight_squared(piece: str) -> None:
    short, long = ((piece * length)[:length] for length in (2_500, 20_000))
    assert cost(long) < 24 * cost(short) + 0.02
