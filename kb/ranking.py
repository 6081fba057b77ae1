"""Texts to ranked slots: the views of a searchable thing, the candidates and their fused order; no entries here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.fusion import Fusion, Views, best
from kb.lexical import Bm25Index, LexicalQuery
from kb.passages import passages
from kb.vectors import GrowingIndex, Grown, Make
from models.embedder import Embedder

SPARE = 14
"""Neighbours asked for beyond the candidates, because an approximate index swaps some near the cut."""


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
    BM25 score as a share of the best any text could have, `score` orders within one query."""

    slot: int
    score: float
    dense: float
    question: float
    lexical: float


class _Rows:
    """Vectors of several texts per slot as float16, for exact comparison with a few slots; a slot may have none."""

    def __init__(self, dimension: int) -> None:
        self._vectors = Grown((dimension,), np.float16)
        self._starts = Grown((), np.int64)
        self._sizes = Grown((), np.int64)
        self._owners = Grown((), np.int32)

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of texts of every slot."""
        return self._sizes.array

    @property
    def owners(self) -> NDArray[np.int32]:
        """The slot of every row."""
        return self._owners.array

    def extend(self, vectors: NDArray[np.float32], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the slots that come next and return the rows of their texts."""
        first, slot = len(self.owners), len(self.sizes)
        self._vectors.extend(vectors)
        self._starts.extend(first + np.cumsum(sizes) - sizes)
        self._owners.extend(np.repeat(np.arange(slot, slot + len(sizes), dtype=np.int32), sizes))
        self._sizes.extend(sizes)
        return np.arange(first, first + len(vectors))

    def rows(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of `slots`, one after the other."""
        sizes = self.sizes[slots]
        return np.arange(sizes.sum()) + np.repeat(self._starts.array[slots] - (np.cumsum(sizes) - sizes), sizes)

    def compare(
        self, vector: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the highest and the mean cosine of each of `slots` to `vector`; NaN where it has no text."""
        # einsum, unlike @, starts no threads: waiting for a busy core costs more than the product
        cosines = np.einsum("ij,j->i", self._vectors.array[self.rows(slots)].astype(np.float32), vector)
        sizes = self.sizes[slots]
        means = _reduce(np.add, cosines, sizes)
        means /= np.maximum(sizes, 1)
        return _reduce(np.maximum, cosines, sizes), means


def _reduce(how: np.ufunc, cosines: NDArray[np.float32], sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return `how` over each run of `sizes` values, NaN for an empty run."""
    out = np.full(len(sizes), np.nan, np.float32)
    owning = np.flatnonzero(sizes)
    if len(owning):
        out[owning] = how.reduceat(cosines, np.concatenate([[0], np.cumsum(sizes[owning])[:-1]]))
    return out


class Ranker:
    """Ranks searchable things for a question; slots are given out in order and never used again.

    Candidates are the nearest by passage or by the mean of their questions, and the best by BM25. The vector indexes
    made by `make` only nominate: all that is scored is compared exactly, so an approximate one loses a candidate at
    the cut at worst. Not to be changed while another thread searches.
    """

    def __init__(self, embedder: Embedder, fusion: Fusion | None = None, make: Make = GrowingIndex) -> None:
        self.embedder = embedder
        self.fusion = fusion or Fusion()
        self.lexical = Bm25Index()
        self._questions, self._passages = _Rows(embedder.dimension), _Rows(embedder.dimension)
        self._by_mean, self._by_passage = make(embedder.dimension), make(embedder.dimension)
        self._alive = Grown((), bool)
        self._count = 0

    def __len__(self) -> int:
        """Number of things that are searched."""
        return self._count

    def add(self, things: Sequence[Searchable]) -> NDArray[np.int64]:
        """Make `things` findable and return their slots, shape (n_things,)."""
        slots = self.lexical.add([t.whole for t in things])
        if not len(slots):
            return slots
        sizes = np.array([len(t.questions) for t in things], np.int64)
        vectors = self.embedder.encode([q for t in things for q in t.questions], kind="query")
        self._questions.extend(vectors, sizes)
        asked = np.flatnonzero(sizes)
        if len(asked):
            starts = np.concatenate([[0], np.cumsum(sizes[asked])[:-1]])
            means = np.add.reduceat(vectors, starts) / sizes[asked, None]
            self._by_mean.add(slots[asked], means.astype(np.float32))
        parts = [t.parts for t in things]
        vectors = self.embedder.encode([p for ps in parts for p in ps], kind="passage")
        rows = self._passages.extend(vectors, np.array([len(ps) for ps in parts], np.int64))
        self._by_passage.add(rows, vectors)
        self._alive.extend(np.ones(len(things), bool))
        self._count += len(things)
        return slots

    def remove(self, slots: Sequence[int] | NDArray[np.int64]) -> None:
        """Stop finding what is in `slots`."""
        gone = np.unique(np.asarray(slots, np.int64))
        self.lexical.remove(gone)
        self._by_mean.remove(gone)
        self._by_passage.remove(self._passages.rows(gone))
        self._count -= int(self._alive.array[gone].sum())
        self._alive.array[gone] = False

    def cosines(self, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the best cosine of every slot to `vector` (dimension,), shape (slots,); -inf where removed."""
        every = np.arange(len(self._alive.array))
        found = np.fmax(self._questions.compare(vector, every)[0], self._passages.compare(vector, every)[0])
        return np.where(self._alive.array, found, -np.inf)

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Ranked]:
        """Return the best slots for a question `text` with embedding `vector` (dimension,), the best first."""
        if not len(self):
            return []
        query = self.lexical.query(text)
        slots, question, mean, passage = self._nominated(query, vector)
        lexical = query.scores[slots]
        sizes = self._passages.sizes[slots].astype(np.float32)
        scores = self.fusion.scores(Views(question, mean, passage, lexical, sizes))
        cosine = np.fmax(question, passage)
        order = np.argsort(-scores, kind="stable")[:top]
        asked = np.nan_to_num(question, nan=-1.0)
        share = lexical / query.most if query.most > 0 else np.zeros(len(slots))
        return [
            Ranked(int(slots[i]), float(scores[i]), float(cosine[i]), float(asked[i]), float(share[i])) for i in order
        ]

    def _nominated(
        self, query: LexicalQuery, vector: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return (slots, best question, mean question, best passage) of the candidates, in the order of the slots."""
        want = self.fusion.candidates
        if want >= len(self):
            slots = np.flatnonzero(self._alive.array)
            return (slots, *self._questions.compare(vector, slots), self._passages.compare(vector, slots)[0])
        wide = want + SPARE
        near = np.union1d(self._by_mean.search(vector, wide)[0], self._near_passages(vector, wide))
        by_words = query.best(want)
        slots = np.union1d(near, by_words)
        question, mean = self._questions.compare(vector, slots)
        passage = self._passages.compare(vector, slots)[0]
        chosen = np.isin(slots, by_words)
        chosen[best(np.fmax(mean, passage), want)] = True
        return slots[chosen], question[chosen], mean[chosen], passage[chosen]

    def _near_passages(self, vector: NDArray[np.float32], want: int) -> NDArray[np.int64]:
        """Return at least `want` slots, if there are as many, whose passages are the nearest."""
        k = want
        while True:
            slots = np.unique(self._passages.owners[self._by_passage.search(vector, k)[0]])
            if len(slots) >= min(want, len(self)) or k >= len(self._by_passage):
                return slots.astype(np.int64)
            k *= 4
