"""From a question to an answer an operator can read out, with evidence and a confidence, or an honest no answer."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.index import Hit, HybridIndex
from kb.relations import Relation
from models.text import sentences

FEATURES = ("dense", "question", "question_gap", "lexical_gap", "score_gap", "length")
CLIP = 3.0
"""Standard deviations beyond which a feature counts no more: small collections give extreme gaps."""


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


def features(text: str, hits: Sequence[Hit]) -> NDArray[np.float64]:
    """Return what the confidence is computed from, in the order of `FEATURES`."""
    first = hits[0]
    rest = hits[1:] or [first]
    return np.array(
        [
            first.dense,
            first.question,
            first.question - max(h.question for h in rest),
            first.lexical - max(h.lexical for h in rest),
            first.score - rest[0].score,
            math.log(1 + len(text)),
        ]
    )


class Answerer:
    """Answers from entries that are published, valid on the day and for the district.

    `relations` are the conflicting and superseding entries by id (`kb.relations.Relations.told`); a warning is given
    when the other entry could answer the same call. `calibration` holds `mean`, `scale`, `weights`, `bias` of a
    logistic model over `FEATURES` and `threshold`.
    """

    def __init__(
        self,
        index: HybridIndex,
        calibration: Mapping[str, Any],
        relations: Mapping[str, Sequence[Relation]] | None = None,
    ) -> None:
        self.index = index
        self.relations = relations or {}
        self._mean, self._scale, self._weights = (np.array(calibration[k]) for k in ("mean", "scale", "weights"))
        self._bias = float(calibration["bias"])
        self.threshold = float(calibration["threshold"])

    def answer(
        self, text: str, vector: NDArray[np.float32], *, on: datetime.date, district: str = "", top: int = 3
    ) -> AnswerResult:
        """Return the answers to a prepared question; nothing is answered below the threshold."""
        found = self.index.search(text, vector, top=50)
        hits = [h for h in found if h.entry.valid(on, district)]
        if not hits or not text:
            return AnswerResult(False, ())
        x = np.clip((features(text, hits[:10]) - self._mean) / self._scale, -CLIP, CLIP)
        first = 1 / (1 + math.exp(-float(x @ self._weights + self._bias)))
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
