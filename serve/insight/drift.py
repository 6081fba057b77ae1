"""Model drift: whether what comes in and how sure the model is have moved since the period before."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from serve.insight.cases import Call, Rows

STEADY, MOVED = 0.1, 0.25
"""Population stability index below which nothing happened, and from which it has moved (the usual reading of
the index in credit scoring: Siddiqi, Credit Risk Scorecards, 2006)."""
LEAST = 100
"""Calls that either period must have; below, the index is mostly noise."""

DEFINITION = (
    "群体稳定性指数 Σ(本期占比 − 上期占比)× ln(本期占比 ÷ 上期占比),上期为紧邻的等长期间;"
    f"< {STEADY} 平稳,{STEADY} 至 {MOVED} 留意,≥ {MOVED} 已漂移;任一期不足 {LEAST} 件不判"
)

MEASURES: tuple[tuple[str, str, Callable[[Call], Hashable]], ...] = (
    ("category", "一级分类的构成", lambda c: c.code[:2]),
    ("category_confidence", "分类把握的分布", lambda c: min(int(c.category_confidence * 10), 9)),
    ("answer_confidence", "答复把握的分布", lambda c: min(int(c.answer_confidence * 10), 9)),
    ("depth", "有把握的级数", lambda c: c.depth),
)


def stability(now: Sequence[Hashable], before: Sequence[Hashable]) -> float:
    """Return the population stability index of two samples; half a row is added to every class, so none is empty."""
    a, b = Counter(now), Counter(before)
    classes = set(a) | set(b)
    total = 0.0
    for k in classes:
        p = (a[k] + 0.5) / (len(now) + 0.5 * len(classes))
        q = (b[k] + 0.5) / (len(before) + 0.5 * len(classes))
        total += (p - q) * math.log(p / q)
    return total


def drift(rows: Rows, before: Rows) -> dict[str, Any]:
    """Return the index of each measure and what it says; `verdict` is 件数不足, 平稳, 留意 or 已漂移."""
    enough = min(len(rows.calls), len(before.calls)) >= LEAST
    found = []
    for name, title, key in MEASURES:
        index = stability([key(c) for c in rows.calls], [key(c) for c in before.calls]) if enough else None
        verdict = "件数不足"
        if index is not None:
            verdict = "平稳" if index < STEADY else "留意" if index < MOVED else "已漂移"
        found.append({"name": name, "title": title, "index": index, "verdict": verdict})
    return {
        "definition": DEFINITION,
        "calls": len(rows.calls),
        "calls_before": len(before.calls),
        "bundles": sorted({c.bundle for c in rows.calls}),
        "measures": found,
    }
