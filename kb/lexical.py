"""BM25 over characters and character pairs that grows and shrinks text by text; it knows slots, not entries."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
_LATIN = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*")
_WORD = 0x200000
"""Codes from here on are Latin words or numbers, hashed; below are Chinese characters."""
_MERGE = 3
"""A segment is merged into its neighbour while the neighbour is not at least this many times larger."""
_SMALL = 20_000
"""Slots up to which every text is scored for every query; above, most are passed over unseen."""


def grams(text: str) -> NDArray[np.int64]:
    """Return the terms of `text`, repetitions included: its units and pairs of adjacent units, as integers.

    A unit is a Chinese character or a whole Latin word or number (NFKC, lower case); a pair never spans
    punctuation or white space. A unit is a code below 2**31, a pair (first << 32 | second).
    """
    text = unicodedata.normalize("NFKC", text).lower()
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    starts = np.flatnonzero((points >= 0x3400) & (points <= 0x9FFF))
    codes, ends = points[starts].astype(np.int64), starts + 1
    if words := list(_LATIN.finditer(text)):
        hashed = [_WORD + (zlib.crc32(w.group().encode()) & 0x3FFFFFFF) for w in words]
        starts = np.concatenate([starts, [w.start() for w in words]])
        order = np.argsort(starts)
        starts = starts[order]
        ends = np.concatenate([ends, [w.end() for w in words]])[order]
        codes = np.concatenate([codes, hashed])[order]
    return np.concatenate([codes, (codes[:-1] << 32 | codes[1:])[ends[:-1] == starts[1:]]])


@dataclass(frozen=True)
class _Segment:
    """Postings sorted by term: those of `terms[i]` are `starts[i] : starts[i + 1]` of `slots` and `counts`.

    No text gained more by `terms[i]`, over its weight, than `gains[i]` when `mean` was the mean length.
    """

    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    counts: NDArray[np.uint8]
    gains: NDArray[np.float32]
    mean: float

    def __len__(self) -> int:
        return len(self.slots)


_BLOCK = 256
_SLACK = 1e-4
"""Share by which a bound is widened, for sums of float32 that were taken in another order."""
_DEARER = 16
"""How many times dearer it is to look a text up in a posting than to read the next text of the posting."""


@dataclass(frozen=True)
class _Posting:
    """The texts of a segment that hold the query's term number `term`; none gains more by it than `most`."""

    term: int
    slots: NDArray[np.int32]
    counts: NDArray[np.uint8]
    most: float


class LexicalQuery:
    """What an index holds of one query: the scores of any slots, the best slots, and the score no text can pass.

    `weights` are those of the terms, `norms` what a slot's length adds to the denominator, infinite for a removed one.
    """

    def __init__(self, postings: Sequence[_Posting], weights: NDArray[np.float32], norms: NDArray[np.float32]) -> None:
        self.most = float(weights.sum())
        """What a text holding every term endlessly often would come near; 0 for no terms."""
        self._postings = postings
        self._weights = weights
        self._norms = norms

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """The score of every slot, shape (slots,); 0 where nothing is shared or removed."""
        scores = np.zeros(len(self._norms), np.float32)
        for posting in self._postings:
            self._count(posting, scores)
        return scores

    def of(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of the ascending `slots`, to the bit those in `scores`, shape (n_slots,)."""
        if len(self._norms) <= _SMALL:
            return self.scores[slots]
        scores = np.zeros(len(slots), np.float32)
        for posting in self._postings:
            scores += self._gained(posting, slots)
        return scores

    def best(self, n: int) -> NDArray[np.int64]:
        """Return at most `n` slots with the highest scores, in no order; none that shares nothing.

        The heaviest terms are counted first. As soon as all that is left cannot lift a text that shares none of them
        among the first `n`, the rest is counted for the texts in the running alone (MaxScore, Turtle & Flood 1995):
        the slots are those that sorting all scores would give.
        """
        if len(self._norms) <= _SMALL:
            return _highest(self.scores, np.flatnonzero(self.scores), n)
        bounds = np.zeros(len(self._weights))
        for posting in self._postings:
            bounds[posting.term] = max(bounds[posting.term], posting.most)
        scores, left, term = np.zeros(len(self._norms), np.float32), float(bounds.sum()), -1
        heaviest = sorted(self._postings, key=lambda p: (-self._weights[p.term], p.term))
        for done, posting in enumerate(heaviest):
            if posting.term != term:
                running = _running(scores, n, left, len(posting.slots) // _DEARER)
                if running is not None:
                    return self._finish(running, scores[running], heaviest[done:], bounds, n)
                term = posting.term
                left -= bounds[term]
            self._count(posting, scores)
        least = _least(scores, n)
        chosen = np.flatnonzero(scores >= least * (1 - _SLACK) if least > 0 else scores)
        return self._finish(chosen, scores[chosen], [], bounds, n)

    def _finish(
        self, slots: NDArray[np.int64], scores: NDArray[np.float32], rest: Sequence[_Posting],
        bounds: NDArray[np.float64], n: int,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Return the best `n` of the ascending `slots`, whose `scores` lack the postings in `rest`."""
        left, term = float(bounds[list({p.term for p in rest})].sum()), -1
        for posting in rest:
            if posting.term != term and len(slots) > n:
                least = np.partition(scores, -n)[-n]
                kept = scores + left >= least * (1 - _SLACK)
                slots, scores = slots[kept], scores[kept]
            if posting.term != term:
                term = posting.term
                left -= bounds[term]
            scores = scores + self._gained(posting, slots)
        if len(slots) > n:
            near = scores >= np.partition(scores, -n)[-n] * (1 - _SLACK)
            slots = slots[near]
        return slots if len(slots) <= n else slots[_highest(self.of(slots), np.arange(len(slots)), n)]

    def _count(self, posting: _Posting, scores: NDArray[np.float32]) -> None:
        """Add to the `scores` of all slots what the texts of `posting` gain."""
        places = posting.slots.astype(np.intp)
        parts = self._norms[places]
        parts += posting.counts
        np.divide(posting.counts, parts, out=parts)
        parts *= self._weights[posting.term]
        scores[places] += parts  # no slot comes twice among the postings of a term in a segment

    def _gained(self, posting: _Posting, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return what each of the ascending `slots` gains by `posting`, 0 where it is not among its texts."""
        places = np.minimum(np.searchsorted(posting.slots, slots.astype(np.int32)), len(posting.slots) - 1)
        counts = np.where(posting.slots[places] == slots, posting.counts[places], np.uint8(0))
        parts = self._norms[slots]
        parts += counts
        np.divide(counts, parts, out=parts)
        parts *= self._weights[posting.term]
        return parts


def _least(scores: NDArray[np.float32], n: int) -> float:
    """Return a score that at least `n` of `scores` reach: the n-th best of the blocks' highest; 0 for few blocks."""
    whole = len(scores) // _BLOCK * _BLOCK
    if n > whole // _BLOCK:
        return 0.0
    return float(np.partition(scores[:whole].reshape(-1, _BLOCK).max(1), -n)[-n])


def _running(scores: NDArray[np.float32], n: int, left: float, few: int) -> NDArray[np.int64] | None:
    """Return the slots that may be among the best `n` when nothing gains more than `left`; None for more than `few`."""
    if few < n or (bar := _least(scores, n) * (1 - _SLACK) - left) <= 0:
        return None
    running = np.flatnonzero(scores >= bar)
    return running if len(running) <= few else None


def _highest(scores: NDArray[np.float32], among: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return the places `among` with the highest `scores`, at most `n`, in no order."""
    if len(among) <= n:
        return among
    return among[np.argpartition(scores[among], len(among) - n)[-n:]]


class Bm25Index:
    """Okapi BM25 with the smoothed IDF log(1 + (N - n + 0.5) / (n + 0.5)) (Robertson & Zaragoza 2009).

    Every text gets a slot, an integer that is never used again until `compact`. New texts go to small segments
    that are merged as they grow, so adding one costs about the same at any size; a removed text stops counting
    at once, in scores, document frequencies and the mean length, and its postings go with the next `compact`.
    The scores are those of an index built anew from the texts that remain.
    """

    def __init__(self, texts: Iterable[str] = (), *, k1: float = K1, b: float = B) -> None:
        self.k1 = k1
        self.b = b
        self._segments: list[_Segment] = []
        self._lengths = np.zeros(0, np.float32)
        self._alive = np.zeros(0, bool)
        self._count = 0
        self._gone = np.zeros(0, np.int32)
        self._norm: NDArray[np.float32] | None = None
        self._mean = 1.0
        self.add(list(texts))

    def __len__(self) -> int:
        """Number of texts that are searched."""
        return self._count

    @property
    def slots(self) -> int:
        """Number of slots given out, removed ones included: the length of what `scores` returns."""
        return len(self._alive)

    def add(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Index `texts` and return their slots, shape (n_texts,)."""
        first = self.slots
        slots = np.arange(first, first + len(texts))
        if not len(texts):
            return slots
        terms = [grams(t) for t in texts]
        sizes = np.array([len(t) for t in terms])
        self._lengths = np.concatenate([self._lengths, sizes.astype(np.float32)])
        self._alive = np.concatenate([self._alive, np.ones(len(texts), bool)])
        self._count += len(texts)
        self._norm = None
        rows = np.repeat(slots.astype(np.int32), sizes)
        self._segments.append(self._pack(*_counted(np.concatenate(terms), rows)))
        while len(self._segments) > 1 and len(self._segments[-2]) < _MERGE * len(self._segments[-1]):
            self._segments[-2:] = [self._pack(*_merged(self._segments[-2:]))]
        return slots

    def remove(self, slots: Sequence[int] | NDArray[np.int64]) -> None:
        """Stop finding the texts in `slots`; raises IndexError for a slot that was never given out."""
        chosen = np.asarray(slots, np.int64)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= self.slots):
            raise IndexError(f"slots {chosen.min()} to {chosen.max()}: this index has {self.slots}")
        self._alive[chosen] = False
        self._count = int(self._alive.sum())
        self._gone = np.flatnonzero(~self._alive).astype(np.int32)
        self._norm = None

    def compact(self) -> NDArray[np.int64]:
        """Drop what was removed; return the new slot of every old one, shape (slots,), -1 for removed texts."""
        renamed, alive = np.where(self._alive, np.cumsum(self._alive) - 1, -1), self._alive
        self._lengths = self._lengths[alive]
        self._alive, self._gone = np.ones(len(self._lengths), bool), np.zeros(0, np.int32)
        self._norm = None
        if self._segments:
            terms, slots, counts = _merged(self._segments)
            kept = alive[slots]
            self._segments = [self._pack(terms[kept], renamed[slots[kept]].astype(np.int32), counts[kept])]
        return renamed

    def query(self, text: str) -> LexicalQuery:
        """Return what the index holds of the terms of `text`; good until the next change of the index."""
        terms, times = np.unique(grams(text), return_counts=True)
        norms, found = self._norms(), self._found(terms)
        weights = (times * self._idf(terms, found) * (self.k1 + 1)).astype(np.float32)
        bounded = [replace(p, most=p.most * float(weights[p.term])) for p in found]
        return LexicalQuery(bounded, weights, norms)

    def rarities(self, text: str) -> dict[int, float]:
        """Return the IDF of every different term of `text`, by term."""
        terms = np.unique(grams(text))
        return dict(zip(terms.tolist(), self._idf(terms, self._found(terms)).tolist(), strict=True))

    def _found(self, terms: NDArray[np.int64]) -> list[_Posting]:
        """Return the postings of the sorted `terms`, segment by segment; `most` is over the weight of the term."""
        self._norms()
        return [p for s in self._segments if len(s) and len(terms) for p in _postings(s, terms, self._mean)]

    def _idf(self, terms: NDArray[np.int64], found: Sequence[_Posting]) -> NDArray[np.float64]:
        frequency = np.zeros(len(terms))
        for posting in found:
            frequency[posting.term] += len(posting.slots) - self._removed(posting.slots)
        return np.log1p((self._count - frequency + 0.5) / (frequency + 0.5))

    def _removed(self, slots: NDArray[np.int32]) -> int:
        """Return how many of the ascending `slots` were removed."""
        if not len(self._gone):
            return 0
        if _DEARER * len(self._gone) > len(slots):
            return len(slots) - int(np.count_nonzero(self._alive[slots]))
        places = np.minimum(np.searchsorted(slots, self._gone), len(slots) - 1)
        return int(np.count_nonzero(slots[places] == self._gone))

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the score of every slot for the query `text`, shape (slots,); 0 where nothing is shared or removed."""
        return self.query(text).scores

    def _norms(self) -> NDArray[np.float32]:
        """Return what a text's length adds to the denominator, shape (slots,), without end for a removed one."""
        if self._norm is None:
            self._mean = float(self._lengths.mean(where=self._alive, dtype=np.float64)) if self._count else 1.0
            norm = (self.k1 * (1 - self.b + self.b / max(self._mean, 1e-9) * self._lengths)).astype(np.float32)
            norm[self._gone] = np.inf
            self._norm = norm
        return self._norm

    def _pack(self, terms: NDArray[np.int64], slots: NDArray[np.int32], counts: NDArray[np.uint8]) -> _Segment:
        """Return the segment of postings that are sorted by term and slot."""
        first = np.flatnonzero(np.r_[True, np.diff(terms) != 0])[: len(terms)]
        gains = counts / (self._norms()[slots] + counts)
        most = np.maximum.reduceat(gains, first) if len(first) else gains
        return _Segment(terms[first], np.r_[first, len(terms)].astype(np.int64), slots, counts, most, self._mean)


def _postings(segment: _Segment, terms: NDArray[np.int64], mean: float) -> list[_Posting]:
    """Return the postings of the sorted `terms` that are in `segment`.

    A gain count / (count + norm) grows with the mean length, and by no larger a factor than that does.
    """
    grown = max(1.0, mean / max(segment.mean, 1e-9))
    places = np.minimum(np.searchsorted(segment.terms, terms), len(segment.terms) - 1)
    hit = np.flatnonzero(segment.terms[places] == terms)
    starts, ends = segment.starts[places[hit]].tolist(), segment.starts[places[hit] + 1].tolist()
    most = (segment.gains[places[hit]] * grown).tolist()
    return [
        _Posting(int(i), segment.slots[s:e], segment.counts[s:e], m)
        for i, s, e, m in zip(hit, starts, ends, most, strict=True)
        if s < e
    ]


_Columns = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]


def _counted(terms: NDArray[np.int64], slots: NDArray[np.int32]) -> _Columns:
    """Return (terms, slots, counts) of the postings, sorted by term and slot."""
    order = np.lexsort((slots, terms))
    terms, slots = terms[order], slots[order]
    first = np.flatnonzero(np.r_[True, (np.diff(terms) != 0) | (np.diff(slots) != 0)])[: len(terms)]
    counts = np.diff(np.r_[first, len(terms)])
    return terms[first], slots[first], np.minimum(counts, 255).astype(np.uint8)


def _merged(segments: Sequence[_Segment]) -> _Columns:
    """Return (terms, slots, counts) of all postings; later segments hold later slots, so a stable sort keeps both."""
    terms = np.concatenate([np.repeat(s.terms, np.diff(s.starts)) for s in segments])
    order = np.argsort(terms, kind="stable")
    slots = np.concatenate([s.slots for s in segments])[order]
    return terms[order], slots, np.concatenate([s.counts for s in segments])[order]
