"""The net under the risk rules, on written calls that neither the patterns nor the net were made with."""

from __future__ import annotations

import csv

from tests.conftest import ROOT

CHECK, EVERYDAY = "data/tickets/risk_check.csv", "tests/data/risk_calls_4.csv"


def calls(file: str, part: str) -> list[dict[str, str]]:
    with (ROOT / file).open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["set"] == part]


def measure(engine, part: str, file: str = CHECK) -> tuple[float, float]:
    """Return (share of dangerous calls that are handed over, share of the others that are too)."""
    found = [(r["active"] == "yes", any(f.active for f in engine.assist(r["text"]).risk)) for r in calls(file, part)]
    danger = [raised for active, raised in found if active]
    calm = [raised for active, raised in found if not active]
    recall, alarms = sum(danger) / len(danger), sum(calm) / len(calm)
    print(f"set {part}: recall {recall:.3f} of {len(danger)}, false alarms {alarms:.3f} of {len(calm)}")
    return recall, alarms


def test_danger_in_words_no_rule_lists_is_handed_over(engine) -> None:
    recall, alarms = measure(engine, "2")
    assert recall >= 0.9
    assert alarms <= 0.15


def test_the_net_does_not_undo_what_the_rules_know(engine) -> None:
    recall, alarms = measure(engine, "1")
    assert recall >= 0.97
    assert alarms <= 0.1


def test_everyday_calls_with_the_words_of_danger_raise_few_alarms(engine) -> None:
    recall, alarms = measure(engine, "4", EVERYDAY)
    assert recall >= 0.9
    assert alarms <= 0.12


def test_a_finding_of_the_net_says_why_and_whom_to_call(engine) -> None:
    a = engine.assist("我奶奶洗澡半天没出来,喊她也不答应,燃气热水器一直开着")
    active = [r for r in a.risk if r.active]
    assert active
    assert active[0].why
    assert active[0].handover


def test_an_ordinary_complaint_raises_no_alarm(engine) -> None:
    for text in ("物业费涨价没有通知业主", "孩子上小学报名要什么材料", "快递放驿站不送上门", "公交车半天等不来"):
        assert not [r.risk for r in engine.assist(text).risk if r.active], text
