"""BM25 over characters and character pairs that grows and shrinks text by text; it knows slots, not entries."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
_UNIT = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*|[\u3400-\u9fff]")
_WORD = 0x200000
"""Codes from here on are Latin words or numbers, hashed; below are Chinese characters."""
_MERGE = 3
"""A segment is merged into its neighbour while the neighbour is not at least this many times larger."""


def grams(text: str) -> NDArray[np.int64]:
    """Return the terms of `text`, repetitions included: its units and pairs of adjacent units, as integers.

    A unit is a Chinese character or a whole Latin word or number (NFKC, lower case); a pair never spans
    punctuation or white space. A unit is a code below 2**31, a pair (first << 32 | second).
    """
    units, ends = [], []
    text = unicodedata.normalize("NFKC", text).lower()
    for match in _UNIT.finditer(text):
        unit = match.group()
        units.append(ord(unit) if unit[0] >= "\u3400" else _WORD + (zlib.crc32(unit.encode()) & 0x3FFFFFFF))
        ends.append(match.span())
    codes = np.array(units, np.int64)
    if len(codes) < 2:
        return codes
    adjacent = np.fromiter((a[1] == b[0] for a, b in pairwise(ends)), bool, len(ends) - 1)
    return np.concatenate([codes, (codes[:-1] << 32 | codes[1:])[adjacent]])


@dataclass(frozen=True)
class _Segment:
    """Postings sorted by term: those of `terms[i]` are `starts[i] : starts[i + 1]` of `slots` and `counts`."""

    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.slots)


_BLOCK = 256
_Posting = tuple[int, NDArray[np.int32], NDArray[np.uint8]]


class LexicalQuery:
    """The scores of one query over every slot, and the score that no text can pass."""

    def __init__(self, postings: Sequence[_Posting], weights: NDArray[np.float32], norms: NDArray[np.float32]) -> None:
        self.most = float(weights.sum())
        """What a text holding every term endlessly often would come near; 0 for no terms."""
        self.scores = np.zeros(len(norms), np.float32)
        """The score of every slot, 0 where nothing is shared or removed."""
        for i, slots, counts in postings:
            places = slots.astype(np.intp)
            parts = norms[places]
            parts += counts
            np.divide(counts, parts, out=parts)
            parts *= weights[i]
            self.scores[places] += parts  # no slot comes twice among the postings of a term in a segment

    def best(self, n: int) -> NDArray[np.int64]:
        """Return at most `n` slots with the highest scores, in no order; none that shares nothing."""
        scores = self.scores
        whole = len(scores) // _BLOCK * _BLOCK
        least = np.float32(0)
        if n <= whole // _BLOCK:  # the n-th best block's maximum is a bound that at least n slots reach
            least = np.partition(scores[:whole].reshape(-1, _BLOCK).max(1), -n)[-n]
        shared = np.flatnonzero(scores >= least if least > 0 else scores)
        if len(shared) <= n:
            return shared
        return shared[np.argpartition(scores[shared], len(shared) - n)[-n:]]


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
        self._norm: NDArray[np.float32] | None = None
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
        self._segments.append(_count(np.concatenate(terms), rows))
        while len(self._segments) > 1 and len(self._segments[-2]) < _MERGE * len(self._segments[-1]):
            last = self._segments.pop()
            self._segments[-1] = _merge([self._segments[-1], last])
        return slots

    def remove(self, slots: Sequence[int] | NDArray[np.int64]) -> None:
        """Stop finding the texts in `slots`; raises IndexError for a slot that was never given out."""
        chosen = np.asarray(slots, np.int64)
        if len(chosen) and (chosen.min() < 0 or chosen.max() >= self.slots):
            raise IndexError(f"slots {chosen.min()} to {chosen.max()}: this index has {self.slots}")
        self._alive[chosen] = False
        self._count = int(self._alive.sum())
        self._norm = None

    def compact(self) -> NDArray[np.int64]:
        """Drop what was removed; return the new slot of every old one, shape (slots,), -1 for removed texts."""
        renamed = np.where(self._alive, np.cumsum(self._alive) - 1, -1)
        if self._segments:
            whole = _merge(self._segments)
            kept = self._alive[whole.slots]
            terms = np.repeat(whole.terms, np.diff(whole.starts))[kept]
            self._segments = [_pack(terms, renamed[whole.slots[kept]].astype(np.int32), whole.counts[kept])]
        self._lengths = self._lengths[self._alive]
        self._alive = np.ones(len(self._lengths), bool)
        self._norm = None
        return renamed

    def query(self, text: str) -> LexicalQuery:
        """Return what the index holds of the terms of `text`; good until the next change of the index."""
        terms, times = np.unique(grams(text), return_counts=True)
        found = self._found(terms)
        idf = self._idf(terms, found)
        weights = (times * idf * (self.k1 + 1)).astype(np.float32)
        return LexicalQuery(found, weights, self._norms())

    def rarities(self, text: str) -> dict[int, float]:
        """Return the IDF of every different term of `text`, by term."""
        terms = np.unique(grams(text))
        return dict(zip(terms.tolist(), self._idf(terms, self._found(terms)).tolist(), strict=True))

    def _found(self, terms: NDArray[np.int64]) -> list[_Posting]:
        found = [part for s in self._segments if len(s) and len(terms) for part in _postings(s, terms)]
        if self._count == self.slots:
            return found
        return [(i, slots[kept], counts[kept]) for i, slots, counts in found for kept in (self._alive[slots],)]

    def _idf(self, terms: NDArray[np.int64], found: Sequence[_Posting]) -> NDArray[np.float64]:
        frequency = np.zeros(len(terms))
        for i, slots, _ in found:
            frequency[i] += len(slots)
        return np.log1p((self._count - frequency + 0.5) / (frequency + 0.5))

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the score of every slot for the query `text`, shape (slots,); 0 where nothing is shared or removed."""
        return self.query(text).scores

    def _norms(self) -> NDArray[np.float32]:
        """Return what a text's length adds to the denominator, shape (slots,); kept until the next change."""
        if self._norm is None:
            mean = float(self._lengths.mean(where=self._alive, dtype=np.float64)) if self._count else 1.0
            self._norm = (self.k1 * (1 - self.b + self.b / max(mean, 1e-9) * self._lengths)).astype(np.float32)
        return self._norm


def _postings(segment: _Segment, terms: NDArray[np.int64]) -> list[_Posting]:
    """Return (index into `terms`, slots, counts) of each of the sorted `terms` that is in `segment`."""
    places = np.minimum(np.searchsorted(segment.terms, terms), len(segment.terms) - 1)
    hit = np.flatnonzero(segment.terms[places] == terms)
    starts, ends = segment.starts[places[hit]].tolist(), segment.starts[places[hit] + 1].tolist()
    return [
        (int(i), segment.slots[s:e], segment.counts[s:e]) for i, s, e in zip(hit, starts, ends, strict=True) if s < e
    ]


def _count(terms: NDArray[np.int64], slots: NDArray[np.int32]) -> _Segment:
    order = np.lexsort((slots, terms))
    terms, slots = terms[order], slots[order]
    first = np.flatnonzero(np.r_[True, (np.diff(terms) != 0) | (np.diff(slots) != 0)])[: len(terms)]
    counts = np.diff(np.r_[first, len(terms)])
    return _pack(terms[first], slots[first], np.minimum(counts, 255).astype(np.uint8))


def _pack(terms: NDArray[np.int64], slots: NDArray[np.int32], counts: NDArray[np.uint8]) -> _Segment:
    """Return the segment of postings that are sorted by term."""
    first = np.flatnonzero(np.r_[True, np.diff(terms) != 0])[: len(terms)]
    return _Segment(terms[first], np.r_[first, len(terms)].astype(np.int64), slots, counts)


def _merge(segments: Sequence[_Segment]) -> _Segment:
    """Return one segment; later segments hold later slots, so a stable sort by term keeps slots ascending."""
    terms = np.concatenate([np.repeat(s.terms, np.diff(s.starts)) for s in segments])
    order = np.argsort(terms, kind="stable")
    slots = np.concatenate([s.slots for s in segments])[order]
    return _pack(terms[order], slots, np.concatenate([s.counts for s in segments])[order])
