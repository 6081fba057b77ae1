"""Texts to ranked slots: the views of a searchable thing, the candidates and their fused order; no entries here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kb.fusion import Fusion, Views, best
from kb.lexical import Bm25Index
from kb.passages import passages
from models.embedder import Embedder


@dataclass(frozen=True)
class Searchable:
    """One thing that can be found: the `questions` it answers (none for a bare document) and its `body`."""

    body: str
    questions: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The text that BM25 reads."""
        return " ".join((*self.questions, self.body))

    @property
    def parts(self) -> list[str]:
        """The passages that the encoder reads, each led by the first question as its title; at least one."""
        found = passages(self.body) or [""]
        return [f"{self.questions[0]} {p}" for p in found] if self.questions else found


@dataclass(frozen=True)
class Ranked:
    """A slot found; `dense` is its best cosine, `question` that of its questions (-1 when it has none), `lexical` its
    BM25 score, `score` orders within one query."""

    slot: int
    score: float
    dense: float
    question: float
    lexical: float


@dataclass
class _Rows:
    """Vectors of several texts per slot, in the order of the slots; a slot may have none."""

    vectors: NDArray[np.float32]
    sizes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def extend(self, vectors: NDArray[np.float32], sizes: Sequence[int] | NDArray[np.int64]) -> None:
        self.vectors = np.concatenate([self.vectors, vectors.astype(np.float32)])
        self.sizes = np.concatenate([self.sizes, np.asarray(sizes, np.int64)])

    def best(self, vector: NDArray[np.float32], slots: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Return the highest cosine of every slot, or of `slots`, to `vector`; NaN where it has no text."""
        if slots is None:
            return _reduce(self.vectors @ vector, self.sizes)
        first = np.cumsum(self.sizes) - self.sizes
        rows = [np.arange(first[s], first[s] + self.sizes[s]) for s in slots]
        return _reduce(self.vectors[np.concatenate(rows)] @ vector, self.sizes[slots])


def _reduce(cosines: NDArray[np.float32], sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the maximum of each run of `sizes` values, NaN for an empty run."""
    out = np.full(len(sizes), np.nan, np.float32)
    owning = np.flatnonzero(sizes)
    if len(owning):
        out[owning] = np.maximum.reduceat(cosines, np.concatenate([[0], np.cumsum(sizes[owning])[:-1]]))
    return out


class Ranker:
    """Ranks searchable things for a question; slots are given out in order and never used again.

    Candidates are the nearest by passage or by the mean of their questions, and the best by BM25; only for these
    the single questions are compared. The scan over the vectors is exact: an index that nominates by an
    approximate search instead need only pass the views of its candidates to the same `Fusion`.
    """

    def __init__(self, embedder: Embedder, fusion: Fusion | None = None) -> None:
        self.embedder = embedder
        self.fusion = fusion or Fusion()
        self.lexical = Bm25Index()
        empty = np.zeros((0, embedder.dimension), np.float32)
        self._questions, self._passages = _Rows(empty), _Rows(empty)
        self._means = empty
        self._alive = np.zeros(0, bool)

    def __len__(self) -> int:
        """Number of things that are searched."""
        return int(self._alive.sum())

    def add(self, things: Sequence[Searchable]) -> NDArray[np.int64]:
        """Make `things` findable and return their slots, shape (n_things,)."""
        parts = [t.parts for t in things]
        sizes = np.array([len(t.questions) for t in things], np.int64)
        vectors = self.embedder.encode([q for t in things for q in t.questions], kind="query")
        sums = np.zeros((len(things), self.embedder.dimension), np.float32)
        np.add.at(sums, np.repeat(np.arange(len(things)), sizes), vectors)
        self._questions.extend(vectors, sizes)
        self._means = np.concatenate([self._means, sums / np.maximum(sizes, 1)[:, None].astype(np.float32)])
        flat = [p for ps in parts for p in ps]
        self._passages.extend(self.embedder.encode(flat, kind="passage"), [len(ps) for ps in parts])
        self._alive = np.concatenate([self._alive, np.ones(len(things), bool)])
        return self.lexical.add([t.whole for t in things])

    def remove(self, slots: Sequence[int] | NDArray[np.int64]) -> None:
        """Stop finding what is in `slots`."""
        self.lexical.remove(slots)
        self._alive[np.asarray(slots, np.int64)] = False

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the best cosine of every slot to `vector` (dimension,), shape (slots,); -inf where removed."""
        return np.where(self._alive, np.fmax(self._questions.best(vector), self._passages.best(vector)), -np.inf)

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Ranked]:
        """Return the best slots for a question `text` with embedding `vector` (dimension,), the best first."""
        if not len(self):
            return []
        mean = np.where(self._questions.sizes > 0, self._means @ vector, np.nan)
        passage = self._passages.best(vector)
        dense = np.where(self._alive, np.fmax(mean, passage), -np.inf)
        lexical = self.lexical.scores(text)
        nominated = np.union1d(
            best(dense, self.fusion.candidates), best(np.where(self._alive, lexical, -1), self.fusion.candidates)
        )
        slots = nominated[self._alive[nominated]]
        question = self._questions.best(vector, slots)
        sizes = self._passages.sizes[slots].astype(np.float32)
        scores = self.fusion.scores(Views(question, mean[slots], passage[slots], lexical[slots], sizes))
        cosine = np.fmax(question, passage[slots])
        order = np.argsort(-scores, kind="stable")[:top]
        asked = np.nan_to_num(question, nan=-1.0)
        return [
            Ranked(int(slots[i]), float(scores[i]), float(cosine[i]), float(asked[i]), float(lexical[slots[i]]))
            for i in order
        ]
