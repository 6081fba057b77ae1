"""What a benchmark hands back: a table under a title, or the reason why there is none; nothing is run or drawn here.

Beside the table, which is text, stand the numbers that the page draws and that its overview is made of.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

NOT_RUN = "未运行"
METHODS = {
    "tfidf": "TF-IDF(字)", "bm25": "BM25(字)", "dense": "只用向量", "char": "字 TF-IDF + 线性 SVM",
    "amsterdam": "词 TF-IDF + 逻辑回归(阿姆斯特丹)", "yousu": "有诉",
}  # fmt: skip
ANSWERS, CLASSES, ROUTES, SPEED, SCALE, OTHERS = "答复检索", "分类", "派单", "速度", "规模", "同类程序"
TOPICS = (ANSWERS, CLASSES, ROUTES, SPEED, SCALE, OTHERS)
"""The questions that the report answers, in the order of the page."""


@dataclass(frozen=True)
class Figure:
    """A figure of ours that decides a question, and the one it is held against where there is one.

    Without `unit` it is a share between 0 and 1. `rival` says that the other is a way of doing the same, so that
    staying behind it has to be told; else it is only a measure, such as the encoder alone.
    """

    what: str
    ours: float
    unit: str = ""
    beside: str = ""
    other: float | None = None
    rival: bool = True
    aside: str = ""

    def said(self, value: float) -> str:
        """Return a value with the unit."""
        return f"{value:,.{0 if value >= 100 else 1}f} {self.unit}" if self.unit else f"{value:.3f}"

    @property
    def ratio(self) -> str:
        """How many times the other ours is; empty where there is no other."""
        return "" if self.other is None else ratio(self.ours, self.other)


@dataclass(frozen=True)
class Panel:
    """What is drawn over the sizes of a chart: lines by name, each with a value for every size."""

    title: str
    unit: str
    lines: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Chart:
    """How something grows with the number `of` something; sizes in `not_run` are told and never drawn."""

    of: str
    sizes: tuple[int, ...]
    panels: tuple[Panel, ...]
    not_run: tuple[int, ...] = ()


@dataclass
class Section:
    """A table of the report: what it is about, its head, its rows, or why it was not run.

    `ours` is the number of our row; `bars` hold, by the number of a column, a value a row (None: no bar), drawn from 0
    to `full`. `load` is the highest load of the machine that the command told.
    """

    title: str
    head: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list)
    why_not: str = ""
    note: str = ""
    topic: str = ""
    ours: int | None = None
    bars: dict[int, tuple[float | None, ...]] = field(default_factory=dict)
    full: float = 1.0
    figures: tuple[Figure, ...] = ()
    chart: Chart | None = None
    load: float = 0.0


@dataclass(frozen=True)
class Question:
    """What the overview says on one topic: its figures, each with its section, and what was not run and why."""

    topic: str
    figures: list[tuple[Figure, Section]]
    not_run: list[str]


class NotRunError(Exception):
    """A benchmark that could not be run; the message says why."""


def shown(value: float | None) -> str:
    """Return a share, or a dash where there is none."""
    return "—" if value is None else f"{value:.3f}"


def attempt(title: str, run: Callable[[], Section], topic: str = "") -> Section:
    """Return the section that `run` makes, or one that says why it was not run."""
    started = time.perf_counter()
    try:
        section = run()
    except NotRunError as reason:
        return Section(title, why_not=str(reason), topic=topic)
    section.topic = topic
    section.note = ";".join(filter(None, [section.note, f"用时 {time.perf_counter() - started:.0f} 秒"]))
    return section


def ratio(value: float, best_other: float) -> str:
    """Return how many times the best baseline a figure is."""
    return f"{value / best_other:.2f}×" if best_other else "—"


def compared(
    title: str, found: dict[str, dict[str, float]], names: tuple[tuple[str, str], ...], on: str = ""
) -> Section:
    """Return a table of methods by figures, with the ratio of the first figure to that of the best baseline.

    `on` is the set that was measured on, for the overview.
    """
    first = names[0][0]
    others = {method: row[first] for method, row in found.items() if method != "yousu"}
    best = max(others, key=lambda method: others[method]) if others else ""
    rows = [
        (
            METHODS.get(method, method), *(f"{row[key]:.3f}" for key, _ in names),
            ratio(row[first], others[best]) if method == "yousu" and others else "",
        )
        for method, row in found.items()
    ]  # fmt: skip
    made = Section(title, ("", *(name for _, name in names), "与最好的基线之比"), rows)
    made.bars = {at: tuple(row[key] for row in found.values()) for at, (key, _) in enumerate(names, start=1)}
    if "yousu" in found:
        made.ours = list(found).index("yousu")
        what = ",".join(filter(None, [on, names[0][1]]))
        made.figures = (
            Figure(what, found["yousu"][first], beside=METHODS.get(best, best), other=others.get(best)),
        )  # fmt: skip
    return made


def overview(sections: Sequence[Section]) -> list[Question]:
    """Return what decides each question; of figures of the same name only that beside the strongest rival."""
    return [_question(topic, [s for s in sections if s.topic == topic]) for topic in TOPICS]


def _question(topic: str, sections: Sequence[Section]) -> Question:
    strongest: dict[str, tuple[Figure, Section]] = {}
    reasons: dict[str, list[str]] = {}
    for s in sections:
        for figure in s.figures:
            before = strongest.get(figure.what)
            if before is None or (figure.other or 0) > (before[0].other or 0):
                strongest[figure.what] = (figure, s)
        if s.why_not:
            reasons.setdefault(s.why_not, []).append(s.title)
        if s.chart and s.chart.not_run:
            sizes = "、".join(f"{size:,}" for size in s.chart.not_run)
            reasons.setdefault("太久,加 --long 才跑", []).append(f"{s.title} {sizes}")
    not_run = [f"{'、'.join(titles)}({why})" for why, titles in reasons.items()]
    return Question(topic, list(strongest.values()), not_run if sections else ["这一次没有要求测"])
