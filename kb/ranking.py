"""Texts to ranked slots: the views of a searchable thing, the candidates and their fused order; no entries here."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.fusion import Fusion, Views, best
from kb.lexical import Bm25Index
from kb.passages import passages
from kb.postings import LexicalQuery
from kb.vectors import GrowingIndex, Grown, Make
from models.embedder import Embedder

log = logging.getLogger(__name__)
FIXED = 32767
"""Steps between 0 and 1 in which components of vectors are kept."""
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


@dataclass(frozen=True)
class Prepared:
    """Things with their vectors: all that takes time to make, made before the index is held up.

    `questions` and `passages` are the vectors of the things' texts one after the other, shape (n_texts, dimension);
    `question_sizes` and `passage_sizes` say how many are whose, shape (n_things,).
    """

    wholes: tuple[str, ...]
    questions: NDArray[np.float32]
    question_sizes: NDArray[np.int64]
    passages: NDArray[np.float32]
    passage_sizes: NDArray[np.int64]


class _Rows:
    """Vectors of several texts per slot, for exact comparison with a few slots; a slot may have none.

    A component, between -1 and 1, is kept as a whole number of 1 / `FIXED`: as small as float16, off by no more, and
    made float32 again in a sixth of the time.
    """

    def __init__(self, dimension: int) -> None:
        self._vectors = Grown((dimension,), np.int16)
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
        self._vectors.extend(np.rint(np.clip(vectors, -1, 1) * FIXED).astype(np.int16))
        self._starts.extend(first + np.cumsum(sizes) - sizes)
        self._owners.extend(np.repeat(np.arange(slot, slot + len(sizes), dtype=np.int32), sizes))
        self._sizes.extend(sizes)
        return np.arange(first, first + len(vectors))

    def only(self, slots: NDArray[np.int64]) -> _Rows:
        """Return the texts of `slots` alone, under slots from 0 on in the order given."""
        other = _Rows(self._vectors.array.shape[1])
        other.extend(self.vectors(slots), self.sizes[slots])
        return other

    def vectors(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of `slots`, one after the other, as they are kept."""
        return self._vectors.array[self.rows(slots)].astype(np.float32) * np.float32(1 / FIXED)

    def rows(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows of `slots`, one after the other."""
        sizes = self.sizes[slots]
        return np.arange(sizes.sum()) + np.repeat(self._starts.array[slots] - (np.cumsum(sizes) - sizes), sizes)

    def compare(
        self, vector: NDArray[np.float32], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the highest and the mean cosine of each of `slots` to `vector`; NaN where it has no text."""
        # einsum, unlike @, starts no threads: waiting for a busy core costs more than the product
        kept = self._vectors.array[self.rows(slots)].astype(np.float32)
        cosines = np.einsum("ij,j->i", kept, vector * np.float32(1 / FIXED))
        sizes = self.sizes[slots]
        means = _reduce(np.add, cosines, sizes)
        means /= np.maximum(sizes, 1)
        return _reduce(np.maximum, cosines, sizes), means


def _either(*slots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what any of the arrays of `slots` names, ascending, each once."""
    named = np.sort(np.concatenate(slots))
    return named[np.flatnonzero(np.diff(named, prepend=-1))]


def _reduce(how: np.ufunc, values: NDArray[np.float32], sizes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return `how` over each run of `sizes` values (or rows), NaN for an empty run."""
    out = np.full((len(sizes), *values.shape[1:]), np.nan, np.float32)
    owning = np.flatnonzero(sizes)
    if len(owning):
        out[owning] = how.reduceat(values, np.concatenate([[0], np.cumsum(sizes[owning])[:-1]]))
    return out


class Ranker:
    """Ranks searchable things for a question; slots are given out in order and never used again.

    Candidates are the nearest by passage or by the mean of their questions, and the best by BM25. The vector indexes
    made by `make` only nominate: all that is scored is compared exactly, so an approximate one loses a candidate at
    the cut at worst, and one whose server is gone loses those that share no word (`lost` says so from then on).
    Not to be changed while another thread searches; `prepare` and `compacted` change nothing.
    """

    def __init__(self, embedder: Embedder, fusion: Fusion | None = None, make: Make = GrowingIndex) -> None:
        self.embedder = embedder
        self.fusion = fusion or Fusion()
        self.lexical = Bm25Index()
        self.lost = False
        self._make = make
        self._questions, self._passages = _Rows(embedder.dimension), _Rows(embedder.dimension)
        self._by_mean, self._by_passage = make(embedder.dimension), make(embedder.dimension)
        self._alive = Grown((), bool)
        self._count = 0

    def __len__(self) -> int:
        """Number of things that are searched."""
        return self._count

    @property
    def slots(self) -> int:
        """Number of slots given out, removed ones included."""
        return len(self._alive.array)

    def prepare(self, things: Sequence[Searchable]) -> Prepared:
        """Return `things` with their vectors."""
        parts = [t.parts for t in things]
        return Prepared(
            tuple(t.whole for t in things),
            self.embedder.encode([q for t in things for q in t.questions], kind="query"),
            np.array([len(t.questions) for t in things], np.int64),
            self.embedder.encode([p for ps in parts for p in ps], kind="passage"),
            np.array([len(ps) for ps in parts], np.int64),
        )

    def add(self, things: Sequence[Searchable] | Prepared) -> NDArray[np.int64]:
        """Make `things` findable and return their slots, shape (n_things,)."""
        new = things if isinstance(things, Prepared) else self.prepare(things)
        slots = self.lexical.add(new.wholes)
        if not len(slots):
            return slots
        self._questions.extend(new.questions, new.question_sizes)
        rows = self._passages.extend(new.passages, new.passage_sizes)
        self._nominate(slots, new.questions, new.question_sizes, rows, new.passages)
        self._alive.extend(np.ones(len(slots), bool))
        self._count += len(slots)
        return slots

    def _nominate(
        self, slots: NDArray[np.int64], questions: NDArray[np.float32], sizes: NDArray[np.int64],
        rows: NDArray[np.int64], passages: NDArray[np.float32],
    ) -> None:  # fmt: skip
        asked = np.flatnonzero(sizes)
        with self._engine():
            if len(asked):
                means = _reduce(np.add, questions, sizes)[asked] / sizes[asked, None]
                self._by_mean.add(slots[asked], means.astype(np.float32))
            self._by_passage.add(rows, passages)

    def compacted(self) -> tuple[Ranker, NDArray[np.int64]]:
        """Return a Ranker without what was removed, and the new slot of every old one, -1 for the removed."""
        other, kept = copy.copy(self), np.flatnonzero(self._alive.array)
        other.lexical = copy.copy(self.lexical)
        renamed = other.lexical.compact()
        other._questions, other._passages = self._questions.only(kept), self._passages.only(kept)
        other._by_mean, other._by_passage = (self._make(self.embedder.dimension) for _ in range(2))
        other._alive, every, other.lost = Grown((), bool), np.arange(len(kept)), False
        other._alive.extend(np.ones(len(kept), bool))
        if len(kept):
            rows = other._passages.rows(every)
            questions, passages = other._questions.vectors(every), other._passages.vectors(every)
            other._nominate(every, questions, other._questions.sizes, rows, passages)
        return other, renamed

    def first_questions(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of the first questions of `slots`, which have some, shape (n_slots, dimension)."""
        sizes = self._questions.sizes[slots]
        return self._questions.vectors(slots)[np.cumsum(sizes) - sizes]

    def close(self) -> None:
        """Release what the vector indexes hold outside this process."""
        self._by_mean.close()
        self._by_passage.close()

    def remove(self, slots: Sequence[int] | NDArray[np.int64]) -> None:
        """Stop finding what is in `slots`."""
        gone = np.unique(np.asarray(slots, np.int64))
        self.lexical.remove(gone)
        with self._engine():
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
        lexical = query.of(slots)
        sizes = self._passages.sizes[slots].astype(np.float32)
        scores = self.fusion.scores(Views(question, mean, passage, lexical, sizes))
        cosine = np.fmax(question, passage)
        order = np.argsort(-scores, kind="stable")[:top]
        asked = np.where(np.isnan(question), np.float32(-1), question)
        share = lexical / query.most if query.most > 0 else np.zeros(len(slots))
        columns = (c[order].tolist() for c in (slots, scores, cosine, asked, share))
        return [Ranked(*row) for row in zip(*columns, strict=True)]

    def _nominated(
        self, query: LexicalQuery, vector: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return (slots, best question, mean question, best passage) of the candidates, in the order of the slots."""
        want = self.fusion.candidates
        if want >= len(self):
            slots = np.flatnonzero(self._alive.array)
            return (slots, *self._questions.compare(vector, slots), self._passages.compare(vector, slots)[0])
        wide = want + SPARE
        by_words = query.best(want)
        near = self._near(vector, wide)
        slots = _either(near, by_words)
        question, mean = self._questions.compare(vector, slots)
        passage = self._passages.compare(vector, slots)[0]
        chosen = np.zeros(len(slots), bool)
        chosen[np.searchsorted(slots, by_words)] = True
        chosen[best(np.fmax(mean, passage), want)] = True
        return slots[chosen], question[chosen], mean[chosen], passage[chosen]

    def _near(self, vector: NDArray[np.float32], want: int) -> NDArray[np.int64]:
        """Return the slots that the vector indexes nominate; none once their server cannot be reached."""
        with self._engine():
            if not self.lost:
                return _either(self._by_mean.search(vector, want)[0], self._near_passages(vector, want))
        return np.zeros(0, np.int64)

    @contextmanager
    def _engine(self) -> Iterator[None]:
        """Note that the vector engine is lost when its server cannot be reached; what is kept here stays whole."""
        try:
            yield
        except ConnectionError:
            if not self.lost:
                log.exception("the vector engine is gone: candidates by words alone until the index is made anew")
            self.lost = True

    def _near_passages(self, vector: NDArray[np.float32], want: int) -> NDArray[np.int64]:
        """Return at least `want` slots, if there are as many, whose passages are the nearest."""
        k = want
        while True:
            slots = _either(self._passages.owners[self._by_passage.search(vector, k)[0]].astype(np.int64))
            if len(slots) >= min(want, len(self)) or k >= len(self._by_passage):
                return slots
            k *= 4
