"""What a benchmark hands back: a table under a title, or the reason why there is none; nothing is run or drawn here."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

NOT_RUN = "未运行"
METHODS = {
    "tfidf": "TF-IDF(字)", "bm25": "BM25(字)", "dense": "只用向量", "char": "字 TF-IDF + 线性 SVM",
    "amsterdam": "词 TF-IDF + 逻辑回归(阿姆斯特丹)", "yousu": "有诉",
}  # fmt: skip


@dataclass
class Section:
    """A table of the report: what it is about, its head, its rows, or why it was not run."""

    title: str
    head: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    why_not: str = ""
    note: str = ""


class NotRunError(Exception):
    """A benchmark that could not be run; the message says why."""


def shown(value: float | None) -> str:
    """Return a share, or a dash where there is none."""
    return "—" if value is None else f"{value:.3f}"


def attempt(title: str, run: Callable[[], Section]) -> Section:
    """Return the section that `run` makes, or one that says why it was not run."""
    started = time.perf_counter()
    try:
        section = run()
    except NotRunError as reason:
        return Section(title, why_not=str(reason))
    section.note = ";".join(filter(None, [section.note, f"用时 {time.perf_counter() - started:.0f} 秒"]))
    return section


def ratio(value: float, best_other: float) -> str:
    """Return how many times the best baseline a figure is."""
    return f"{value / best_other:.2f}×" if best_other else "—"


def compared(title: str, found: dict[str, dict[str, float]], names: tuple[tuple[str, str], ...]) -> Section:
    """Return a table of methods by figures, with the ratio of the first figure to that of the best baseline."""
    first = names[0][0]
    others = [row[first] for method, row in found.items() if method != "yousu"]
    rows = [
        (
            METHODS.get(method, method), *(f"{row[key]:.3f}" for key, _ in names),
            ratio(row[first], max(others)) if method == "yousu" and others else "",
        )
        for method, row in found.items()
    ]  # fmt: skip
    return Section(title, ("", *(name for _, name in names), "与最好的基线之比"), rows)
