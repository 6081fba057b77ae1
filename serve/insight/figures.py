"""The figures of the dashboard: each with its definition, its value, its course by day and the rows it counts."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from serve.insight.cases import Call, Case, Opinion, Rows

QUESTION = "咨询"
"""The request type that asks for an answer."""
UNKNOWN = "未注明"

Row = Case | Call | Opinion


@dataclass(frozen=True)
class Figure:
    """A share (or, without `part`, a number): which rows are the whole and which of them count."""

    name: str
    title: str
    definition: str
    whole: Callable[[Rows], Iterable[Row]]
    part: Callable[[Any], bool] | None = None
    weight: Callable[[Any], float] | None = None
    """What a counted row counts for; 1 unless given."""

    def counted(self, rows: Iterable[Row]) -> float:
        """Return how much of `rows` counts."""
        if self.part is None:
            return float(sum(1 for _ in rows))
        return float(sum(self.weight(r) if self.weight else 1 for r in rows if self.part(r)))

    def value(self, rows: Sequence[Row]) -> float | None:
        """Return the number, or the share in [0, 1]; None for a share of nothing."""
        if self.part is None:
            return float(len(rows))
        return self.counted(rows) / len(rows) if rows else None


def _accepted(field: str) -> Callable[[Rows], Iterable[Row]]:
    return lambda r: [o for o in r.opinions if o.field == field and o.verdict in ("accept", "correct")]


def _acceptance(field: str, title: str) -> Figure:
    return Figure(
        f"accepted_{field}",
        f"{title}采纳率",
        f"坐席采纳{title}的件数 ÷ 采纳与改正的件数;同一来电以最后一次为准,撤销的与“不确定”的不计",
        _accepted(field),
        lambda o: o.verdict == "accept",
    )


def _weight(partly: float) -> Callable[[Any], float]:
    return lambda c: 1.0 if c.satisfaction == "满意" else partly


def figures(*, satisfaction_of: str = "followed", partly: float = 0.6) -> tuple[Figure, ...]:
    """Return the figures under a city's formula of satisfaction."""
    of_decided = satisfaction_of == "decided"
    followed = "满意、基本满意、不满意的件数" if of_decided else "回访有效件(问到联系、解决或满意之一的)"
    return (
        Figure("received", "受理量", "受理时间在此期间的工单件数", lambda r: r.cases),
        Figure(
            "closed", "办结率", "已有办结时间的工单 ÷ 受理的工单;期末在途的使其低于 100%",
            lambda r: r.cases, lambda c: c.closed_at is not None,
        ),
        Figure(
            "first_dispatch", "一次派单准确率",
            "首派后没有退回、也没有改派的工单 ÷ 已派单的工单(有承办单位的)",
            lambda r: [c for c in r.cases if c.unit or c.first_unit], lambda c: not c.transferred,
        ),
        Figure(
            "transfers", "退单改派率", "被退回或改派过的工单 ÷ 已派单的工单;原因见下",
            lambda r: [c for c in r.cases if c.unit or c.first_unit], lambda c: c.transferred,
        ),
        Figure("calls", "来电量", "系统看过并已结束的来电件数(边打字边查的不计)", lambda r: r.calls),
        Figure(
            "answered", "知识库答复率", f"给出答复的来电 ÷ 应当答复的来电(给出了答复,或类型为{QUESTION})",
            lambda r: [c for c in r.calls if c.answered or c.request_type == QUESTION], lambda c: c.answered,
        ),
        Figure(
            "unanswered", "知识库弃答率", "没有把握而不作答的来电 ÷ 应当答复的来电",
            lambda r: [c for c in r.calls if c.answered or c.request_type == QUESTION], lambda c: not c.answered,
        ),
        Figure(
            "unclassified", "分类弃判率", "一级都没有把握的来电 ÷ 来电", lambda r: r.calls, lambda c: c.depth == 0
        ),
        _acceptance("category", "分类"),
        _acceptance("route", "派单"),
        _acceptance("answer", "答复"),
        _acceptance("request_type", "类型"),
        Figure(
            "response", "响应率", "承办单位联系过诉求人的 ÷ 回访问到是否联系的工单",
            lambda r: [c for c in r.cases if c.contacted is not None], lambda c: bool(c.contacted),
        ),
        Figure(
            "solved", "解决率", "诉求人认为已解决的 ÷ 回访问到是否解决的工单",
            lambda r: [c for c in r.cases if c.solved is not None], lambda c: bool(c.solved),
        ),
        Figure(
            "satisfied", "满意率", f"(满意 + {partly:g} × 基本满意)÷ {followed};口径由设置定",
            lambda r: [c for c in r.cases if c.satisfaction or (not of_decided and _followed(c))],
            lambda c: c.satisfaction in ("满意", "基本满意"), _weight(partly),
        ),
    )  # fmt: skip


def _followed(c: Case) -> bool:
    return c.contacted is not None or c.solved is not None


def figure_json(figure: Figure, rows: Rows, before: Rows | None = None, year: Rows | None = None) -> dict[str, Any]:
    """Return a figure with its parts, its course by day and, where rows are given, its earlier values."""
    whole = list(figure.whole(rows))
    by_day: dict[datetime.date, list[Row]] = {d: [] for d in rows.period.each()}
    for row in whole:
        by_day[row.day].append(row)
    return {
        "name": figure.name,
        "title": figure.title,
        "definition": figure.definition,
        "kind": "count" if figure.part is None else "share",
        "value": figure.value(whole),
        "part": figure.counted(whole),
        "whole": len(whole),
        "before": figure.value(list(figure.whole(before))) if before else None,
        "year_before": figure.value(list(figure.whole(year))) if year else None,
        "days": [{"day": str(d), "part": figure.counted(some), "whole": len(some)} for d, some in by_day.items()],
    }


DIMENSIONS: dict[str, tuple[str, Callable[[Case, Rows], tuple[str, str]]]] = {
    "category": ("一级分类", lambda c, r: (c.code[:2], r.names.get(c.code[:2], UNKNOWN))),
    "leaf": ("末级分类", lambda c, r: (c.code, r.names.get(c.code, UNKNOWN))),
    "district": ("区县", lambda c, r: (c.district, c.district or UNKNOWN)),
    "unit": ("承办单位", lambda c, r: (c.unit, c.unit or UNKNOWN)),
    "type": ("诉求类型", lambda c, r: (c.request_type, c.request_type or UNKNOWN)),
}
"""What tickets are counted by: title, and (key, name) of a ticket."""


def breakdown(by: str, rows: Rows, before: Rows | None = None, *, most: int = 20) -> list[dict[str, Any]]:
    """Return the tickets by a dimension, the most frequent first, with those of the period before."""
    key = DIMENSIONS[by][1]
    counts = Counter(key(c, rows) for c in rows.cases)
    earlier = Counter(key(c, before)[0] for c in before.cases) if before else Counter()
    return [
        {"key": k, "name": name, "count": n, "before": earlier[k] if before else None}
        for (k, name), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    ]


def causes(rows: Rows) -> list[dict[str, Any]]:
    """Return why tickets were returned or passed on, the most frequent first."""
    counts = Counter(c.reason or "未注明原因" for c in rows.cases if c.transferred)
    return [{"reason": reason, "count": n} for reason, n in counts.most_common()]


def moves(rows: Rows) -> list[dict[str, Any]]:
    """Return from which unit to which tickets moved, the most frequent first."""
    counts = Counter((c.first_unit, c.unit) for c in rows.cases if c.first_unit and c.unit and c.first_unit != c.unit)
    return [{"first_unit": a, "unit": b, "count": n} for (a, b), n in counts.most_common(20)]


def behind(figure: Figure, rows: Rows, *, which: str = "whole") -> list[Row]:
    """Return the rows behind a figure: its whole, the part that counts, or the `rest` that does not."""
    whole = list(figure.whole(rows))
    if which == "whole" or figure.part is None:
        return whole
    return [r for r in whole if figure.part(r) == (which == "part")]
