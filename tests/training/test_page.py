"""The first screen of a report: what is weak, what was not used, what is advised, in words for a department head."""

from __future__ import annotations

from typing import Any

from training.page import _said, _simulator


def report(**changes: Any) -> dict[str, Any]:
    classes = [
        {"name": name, "support": support, "recall": recall}
        for name, support, recall in (("教育", 30, 0.69), ("住建", 12, 0.5), ("医保", 8, 0.0), ("交警", 20, 0.9))
    ]
    usual: dict[str, Any] = {
        "classification": {"levels": [{"accuracy": 0.57}]}, "baseline": {"name": "教育", "accuracy": 0.22},
        "data": {"read": 200, "left_out": {}, "from": "2025-01-01", "to": "2025-06-30", "trained": 160, "held_out": 40,
                 "split_by": "time"},
        "simulator": {"chosen": {"threshold": 0.94, "tickets": 3, "automatic": 0.1, "accuracy": 0.9, "gain": 1.0},
                      "points": [], "outcomes_known": False,
                      "costs": {"wrong_cost": 10, "transfer_days": 2, "manual_days": 0.1}},
        "classes": classes, "target": "unit", "suspects": [],
    }  # fmt: skip
    return {**usual, **changes}


def test_where_most_tickets_go_astray_is_named_first() -> None:
    [weak] = [line for line in _said(report()) if line.startswith("还不可靠")]
    assert weak.index("教育") < weak.index("医保") < weak.index("住建")
    assert "医保(100 件里找出 0 件)" in weak
    assert "交警" not in weak


def test_many_rows_that_were_not_used_are_told_and_few_are_not() -> None:
    said = "".join(_said(report()))
    assert "没有用上" not in said
    data = {**report()["data"], "left_out": {"没有标签": 110}}
    assert "读入的 200 行里有 110 行没有用上(110 行没有标签)" in "".join(_said(report(data=data)))


def test_no_threshold_is_named_where_none_is_advised() -> None:
    assert "暂不自动派单" in "".join(_said(report()))
    text = _simulator(report())
    assert "没有选定门槛" in text
    assert "0.94" not in text
