"""From a question to an answer an operator can read out, with evidence and a confidence, or an honest no answer."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.confidence import Confidence
from kb.entry import KnowledgeEntry
from kb.index import HybridIndex
from kb.relations import Relation
from models.text import sentences

CONSIDERED = 50
"""Hits that are looked at for a question."""


@dataclass(frozen=True)
class Answer:
    """An entry that may answer; `confidence` is the calibrated probability that it does."""

    entry_id: str
    question: str
    answer: str
    highlight: str
    confidence: float
    basis: str
    department: str
    effective_from: str
    effective_to: str
    verification: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerResult:
    """`answers` are sorted by confidence; `answered` says whether the first may be read out.

    `understood` is the whole question that a follow-up ("那退休的呢") was taken for, or empty.
    """

    answered: bool
    answers: tuple[Answer, ...]
    understood: str = ""


class Answerer:
    """Answers from entries that are published, valid on the day and for the district.

    `relations` are the conflicting and superseding entries by id (`kb.relations.Relations.told`); a warning is given
    when the other entry could answer the same call. `calibration` is the record of a
    `kb.confidence.Confidence`.
    """

    def __init__(
        self,
        index: HybridIndex,
        calibration: Mapping[str, Any],
        relations: Mapping[str, Sequence[Relation]] | None = None,
    ) -> None:
        self.index = index
        self.relations = {} if relations is None else relations  # one that is empty now is filled later
        self.confidence = Confidence(calibration)
        self.threshold = self.confidence.threshold

    def answer(
        self, text: str, vector: NDArray[np.float32], *, on: datetime.date, district: str = "", top: int = 3
    ) -> AnswerResult:
        """Return the answers to a prepared question; nothing is answered below the threshold."""
        found = self.index.search(text, vector, top=CONSIDERED)
        hits = [h for h in found if h.entry.valid(on, district)]
        if not hits or not text:
            return AnswerResult(False, ())
        first = self.confidence(text, vector, hits, self.index.rarities(text))
        answers = []
        for i, hit in enumerate(hits[:top]):
            share = first if i == 0 else min(first, (1 - first) * max(hit.score, 0.0) / (i + 1))
            related = [r for r in self.relations.get(hit.entry.id, ()) if r.entry.valid(on, district)]
            answers.append(_answer(hit.entry, text, share, on, related))
        return AnswerResult(first >= self.threshold, tuple(answers))


def _answer(
    entry: KnowledgeEntry, text: str, confidence: float, on: datetime.date, related: Sequence[Relation]
) -> Answer:
    warnings = []
    if entry.effective_to and (entry.effective_to - on).days <= 30:
        warnings.append(f"{entry.effective_to} 到期")
    warnings += [r.warning for r in related]
    if entry.verified_at is None:
        warnings.append("条目尚未核定,答复时请说明以现行公布为准")
    return Answer(
        entry_id=entry.id,
        question=entry.question,
        answer=entry.answer,
        highlight=_closest(entry.answer, text),
        confidence=confidence,
        basis=entry.basis,
        department=entry.department,
        effective_from=str(entry.effective_from or ""),
        effective_to=str(entry.effective_to or ""),
        verification=entry.verification,
        warnings=tuple(warnings),
    )


def _closest(answer: str, text: str) -> str:
    """Return the sentence of `answer` that shares most character pairs with `text`."""
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    return max(sentences(answer), key=lambda s: sum(s[i : i + 2] in pairs for i in range(len(s) - 1)))
