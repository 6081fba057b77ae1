"""Hit test (命中测试): for questions with the entry expected, at which rank it is found and whether it is answered."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.answering import Answerer
from kb.index import HybridIndex
from kb.sheets import FileError, read_table
from models.embedder import Embedder
from models.masking import mask
from models.text import normalise, strip_fillers

TOP = 5
COLUMNS = (
    "question", "expected", "found", "rank", "answered", "confidence",
    *(f"top{i}{part}" for i in range(1, TOP + 1) for part in ("", "_question", "_score")),
)  # fmt: skip


@dataclass(frozen=True)
class Tested:
    """A question, the best entries as (id, question, score), and the rank of the expected one (0 = not among them)."""

    question: str
    expected: str
    top: tuple[tuple[str, str, float], ...]
    rank: int
    answered: bool
    confidence: float

    def row(self) -> dict[str, str]:
        """Return the cells of a result file."""
        found = "" if not self.expected else "true" if self.rank else "false"
        cells = {"question": self.question, "expected": self.expected, "found": found, "rank": str(self.rank or "")}
        cells |= {"answered": str(self.answered).lower(), "confidence": f"{self.confidence:.4f}"}
        for i in range(TOP):
            entry_id, question, score = self.top[i] if i < len(self.top) else ("", "", None)
            cells |= {f"top{i + 1}": entry_id, f"top{i + 1}_question": question}
            cells[f"top{i + 1}_score"] = "" if score is None else f"{score:.4f}"
        return {c: cells[c] for c in COLUMNS}


def hit_test(
    rows: Sequence[tuple[str, str]], answerer: Answerer, embedder: Embedder, *, on: datetime.date, district: str = ""
) -> list[Tested]:
    """Test (question, expected entry or empty) rows; only entries in force on the day and for the district count.

    Where several entries answer, `;` parts their ids and the first that is found counts.
    """
    prepared = [strip_fillers(mask(normalise(q))) for q, _ in rows]
    vectors = embedder.encode(prepared, kind="query")
    tested = []
    for (question, expected), text, vector in zip(rows, prepared, vectors, strict=True):
        hits = [h for h in answerer.index.search(text, vector, top=50) if h.entry.valid(on, district)]
        ids = [h.entry.id for h in hits[:TOP]]
        result = answerer.answer(text, vector, on=on, district=district)
        tested.append(
            Tested(
                question=mask(question),
                expected=expected,
                top=tuple((h.entry.id, h.entry.question, h.dense) for h in hits[:TOP]),
                rank=next((i for i, found in enumerate(ids, 1) if found in expected.split(";")), 0),
                answered=result.answered,
                confidence=result.answers[0].confidence if result.answers else 0.0,
            )
        )
    return tested


def missing(tested: Tested, index: HybridIndex, *, on: datetime.date, district: str = "") -> str:
    """Return why the expected entry cannot be found at all — not published, another day or district — or nothing."""
    wanted = [index.get(i) for i in tested.expected.split(";") if i]
    known = [e for e in wanted if e is not None]
    if tested.rank or not wanted or any(e.valid(on, district) for e in known):
        return ""
    if not known:
        return "未发布或没有此条目"
    entry = known[0]
    if entry.region and entry.region != district:
        return f"只适用于{entry.region}"
    return f"有效期为 {entry.effective_from or '不限'} 至 {entry.effective_to or '不限'}"


def totals(tested: Sequence[Tested]) -> dict[str, float | int | None]:
    """Return counts and shares: hits at 1, 3, 5, mean reciprocal rank, answered, right among answered.

    Questions without an expected entry count as off topic: `off_topic_answered` is the share wrongly answered.
    """
    wanted = [t for t in tested if t.expected]
    off_topic = [t for t in tested if not t.expected]
    answered = [t for t in wanted if t.answered]
    wrongly = [t for t in off_topic if t.answered]

    def share(part: float, whole: Sequence[object]) -> float | None:
        return round(part / len(whole), 4) if whole else None

    return {
        "questions": len(tested),
        "with_expected": len(wanted),
        **{f"hit@{k}": share(sum(0 < t.rank <= k for t in wanted), wanted) for k in (1, 3, 5)},
        "mrr@5": share(sum(1 / t.rank for t in wanted if t.rank), wanted),
        "answered": share(len(answered), wanted),
        "right_among_answered": share(sum(t.rank == 1 for t in answered), [*answered, *wrongly]),
        "off_topic": len(off_topic),
        "off_topic_answered": share(len(wrongly), off_topic),
    }


TOLD_AS = {
    "questions": "问题", "with_expected": "有期望条目", "hit@1": "首条命中", "hit@3": "前三命中", "hit@5": "前五命中",
    "mrr@5": "平均倒数排名", "answered": "答复率", "right_among_answered": "答对率", "off_topic": "不该答的问题",
    "off_topic_answered": "误答率",
}  # fmt: skip
"""The names of the totals as an editor reads them."""


def read_questions(path: Path, mapping: Sequence[str], encoding: str = "utf-8") -> list[tuple[str, str]]:
    """Return (question, expected entry) of a file; `mapping` are `表头=question` or `表头=expected` options."""
    headings, rows = read_table(path, encoding)
    names = {"question": ("question", "问题", "text"), "expected": ("expected", "entry_id", "期望条目", "条目编号")}
    for option in mapping:
        heading, _, column = option.rpartition("=")
        if column not in names or heading not in headings:
            raise FileError(f"--map {option}: 应为 现有表头=question 或 现有表头=expected,现有列:{'、'.join(headings)}")
        names[column] = (heading,)
    columns = {c: next((h for h in guesses if h in headings), "") for c, guesses in names.items()}
    if not columns["question"]:
        raise FileError(f"{path}: 缺少 question(问题),现有列:{'、'.join(headings)};可用 --map 表头=question 指定")
    found = [(r.cells[columns["question"]].strip(), r.cells.get(columns["expected"], "").strip()) for r in rows]
    return [(q, e) for q, e in found if q]
