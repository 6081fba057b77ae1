"""How the engine behaves when the words change and the matter does not, and when they take something back.

Shares are printed (`pytest -s`); each floor stands below what was measured. The texts are written single calls that
no head was trained on.
"""

import csv
from collections.abc import Sequence

import numpy as np
import pytest

from models.text import normalise, strip_fillers
from tests.conftest import ROOT

WITHDRAWN = (
    "{},现在已经处理好了,我要撤单", "我前面反映{},不投诉了,帮我撤了吧", "{},这个事解决了不用管了,取消工单",
)  # fmt: skip
CORRECTED = (
    "在{a},不对,是{b},{text}",
    "{a}的,说错了,应该是{b},{text}",
    "我在{a}哦不{b},{text}",
    "不是{a},是{b}的,{text}",
)
SAFE = (
    "没有着火,就是问消防证怎么办", "家里没有煤气味,就是灶打不着", "没人受伤,就是想问保险怎么赔",
    "电梯没困人,就是一直响", "没有人中毒,就想问问煤炉能不能用", "没有打架,就是吵了几句", "楼没塌,就是墙上有条缝",
    "不是要自杀,我就是气得慌,想问问医保",
)  # fmt: skip


@pytest.fixture(scope="module")
def texts() -> list[str]:
    with (ROOT / "tests/data/several.csv").open(encoding="utf-8", newline="") as file:
        return [normalise(r["text"]) for r in csv.DictReader(file) if r["kind"] == "single" and len(r["text"]) < 90][
            :40
        ]


def groups(engine, said: Sequence[str]) -> list[str]:
    prepared = [strip_fillers(normalise(t)) for t in said]
    vectors = engine.embed(prepared)
    found = [engine.bundle.categorise(t, v) for t, v in zip(prepared, vectors, strict=True)]
    return [c.path[1] for c in found]


def held(name: str, same: Sequence[bool], floor: float) -> None:
    share = float(np.mean(same))
    print(f"{name}: {share:.3f} of {len(same)} hold")
    assert share >= floor, f"{name}: {share:.3f}"


def test_fillers_do_not_change_the_category(engine, texts: list[str]) -> None:
    padded = [f"喂你好,那个,就是说,{t},你知道吧,麻烦你们了谢谢" for t in texts]
    held("fillers added", [a == b for a, b in zip(groups(engine, texts), groups(engine, padded), strict=True)], 0.85)


def test_another_place_does_not_change_the_category(engine, texts: list[str]) -> None:
    districts = engine.catalog.districts
    here, there = ([f"我在{districts[k]},{t}" for t in texts] for k in (0, 2))
    held("place swapped", [a == b for a, b in zip(groups(engine, here), groups(engine, there), strict=True)], 0.85)


def test_a_corrected_or_denied_place_gives_way_to_the_right_one(engine, texts: list[str]) -> None:
    one, other = engine.catalog.districts[0], engine.catalog.districts[2]
    said = [form.format(a=one, b=other, text=t) for t in texts for form in CORRECTED]
    held("place corrected", [engine.place_finder.locate(s).district == other for s in said], 0.9)


def test_a_withdrawn_call_is_a_withdrawal(engine, texts: list[str]) -> None:
    said = [strip_fillers(WITHDRAWN[i % 3].format(t[:40].rstrip(",。"))) for i, t in enumerate(texts)]
    bundle, vectors = engine.bundle, engine.embed(said)
    proba = bundle.request_types(said, vectors, bundle.category.predict_proba(said, vectors))
    # low: the complaint that stands before the withdrawal outweighs it
    held("withdrawn", list(bundle.request_type.classes_[proba.argmax(1)] == "撤单"), 0.5)


def test_a_denied_danger_is_no_emergency(engine) -> None:
    held("danger denied", [not any(r.active for r in engine.assist(t, record=False).risk) for t in SAFE], 0.7)
