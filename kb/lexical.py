"""BM25 over characters and character pairs that grows and shrinks text by text; it knows slots, not entries."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.postings import CommonTerms, LexicalQuery, Matches, Segment

K1 = 1.2
B = 0.75
_LATIN = re.compile(r"[a-z0-9]+(?:[.\-][a-z0-9]+)*")
_WORD = 0x200000
"""Codes from here on are Latin words or numbers, hashed; below are Chinese characters."""
COMMON = 16
"""A term is common when more than one text in this many holds it."""
FEW = 4000
"""Slots up to which no term is called common: reading all postings at once is as quick."""
DEARER = 16
"""How many times dearer it is to look a text up in a posting than to read the next text of the posting."""
_MERGE = 3
"""A segment is merged into its neighbour while the neighbour is not at least this many times larger."""


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
class _Asked:
    """The different `terms` of a text, how many `times` each comes, how many texts have it, where the segments do."""

    terms: NDArray[np.int64]
    times: NDArray[np.int64]
    frequency: NDArray[np.float64]
    idf: NDArray[np.float64]
    matches: list[Matches]


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
        self._segments: list[Segment] = []
        self._lengths = np.zeros(0, np.float32)
        self._alive = np.zeros(0, bool)
        self._count = 0
        self._gone = np.zeros(0, np.int32)
        self._norm: NDArray[np.float32] | None = None
        self._last: tuple[NDArray[np.float32], str, _Asked] | None = None
        self._common: CommonTerms | None = None
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
        self._segments.append(_packed(*_counted(np.concatenate(terms), rows)))
        while len(self._segments) > 1 and len(self._segments[-2]) < _MERGE * len(self._segments[-1]):
            self._segments[-2:] = [_packed(*_merged(self._segments[-2:]))]
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
            self._segments = [_packed(terms[kept], renamed[slots[kept]].astype(np.int32), counts[kept])]
        return renamed

    def query(self, text: str) -> LexicalQuery:
        """Return what the index holds of the terms of `text`; good until the next change of the index."""
        asked = self._ask(text)
        weights, norms = (asked.times * asked.idf * (self.k1 + 1)).astype(np.float32), self._norms()
        if self._common is None or self._common.norms is not norms:
            self._common = CommonTerms(norms)
        kept, common = self._common, (COMMON * asked.frequency > self.slots) & (self.slots > FEW)
        rare = [m.of(~common) for m in asked.matches]

        def gains(term: int) -> NDArray[np.float32]:
            found = np.zeros(len(norms), np.float32)
            for matches in asked.matches:
                matches.spread(term, norms, found)
            return found

        return LexicalQuery(rare, weights, norms, [
            (weights[i], kept.gains(int(asked.terms[i]), lambda i=i: gains(i)))  # type: ignore[misc]
            for i in np.flatnonzero(common).tolist()
        ])  # fmt: skip

    def rarities(self, text: str) -> dict[int, float]:
        """Return the IDF of every different term of `text`, by term."""
        asked = self._ask(text)
        return dict(zip(asked.terms.tolist(), asked.idf.tolist(), strict=True))

    def _ask(self, text: str) -> _Asked:
        """Return what is known of the terms of `text`, remembered for the next question of the same text."""
        norms, last = self._norms(), self._last
        if last is None or last[0] is not norms or last[1] != text:
            terms, times = np.unique(grams(text), return_counts=True)
            matches = [s.matched(terms) for s in self._segments if len(s) and len(terms)]
            frequency = self._frequency(len(terms), matches)
            idf = np.log1p((self._count - frequency + 0.5) / (frequency + 0.5))
            last = self._last = (norms, text, _Asked(terms, times, frequency, idf, matches))
        return last[2]

    def _frequency(self, terms: int, matches: Sequence[Matches]) -> NDArray[np.float64]:
        """Return how many of the texts that remain hold each of `terms` terms."""
        frequency = np.zeros(terms)
        for m in matches:
            frequency[m.terms] += m.ends - m.starts
            if len(self._gone):
                runs = zip(m.starts.tolist(), m.ends.tolist(), strict=True)
                frequency[m.terms] -= [self._removed(m.segment.slots[s:e]) for s, e in runs]
        return frequency

    def _removed(self, slots: NDArray[np.int32]) -> int:
        """Return how many of the ascending `slots` were removed."""
        if not len(self._gone):
            return 0
        if DEARER * len(self._gone) > len(slots):
            return len(slots) - int(np.count_nonzero(self._alive[slots]))
        places = np.minimum(np.searchsorted(slots, self._gone), len(slots) - 1)
        return int(np.count_nonzero(slots[places] == self._gone))

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the score of every slot for the query `text`, shape (slots,); 0 where nothing is shared or removed."""
        return self.query(text).scores

    def _norms(self) -> NDArray[np.float32]:
        """Return what a text's length adds to the denominator, shape (slots,), without end for a removed one."""
        if self._norm is None:
            mean = float(self._lengths.mean(where=self._alive, dtype=np.float64)) if self._count else 1.0
            norm = (self.k1 * (1 - self.b + self.b / max(mean, 1e-9) * self._lengths)).astype(np.float32)
            norm[self._gone] = np.inf
            self._norm = norm
        return self._norm


_Columns = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]


def _counted(terms: NDArray[np.int64], slots: NDArray[np.int32]) -> _Columns:
    """Return (terms, slots, counts) of the postings, sorted by term and slot."""
    order = np.lexsort((slots, terms))
    terms, slots = terms[order], slots[order]
    first = np.flatnonzero(np.r_[True, (np.diff(terms) != 0) | (np.diff(slots) != 0)])[: len(terms)]
    counts = np.diff(np.r_[first, len(terms)])
    return terms[first], slots[first], np.minimum(counts, 255).astype(np.uint8)


def _merged(segments: Sequence[Segment]) -> _Columns:
    """Return (terms, slots, counts) of all postings; later segments hold later slots, so a stable sort keeps both."""
    terms = np.concatenate([np.repeat(s.terms, np.diff(s.starts)) for s in segments])
    order = np.argsort(terms, kind="stable")
    slots = np.concatenate([s.slots for s in segments])[order]
    return terms[order], slots, np.concatenate([s.counts for s in segments])[order]


def _packed(terms: NDArray[np.int64], slots: NDArray[np.int32], counts: NDArray[np.uint8]) -> Segment:
    """Return the segment of postings that are sorted by term and slot."""
    first = np.flatnonzero(np.r_[True, np.diff(terms) != 0])[: len(terms)]
    return Segment(terms[first], np.r_[first, len(terms)].astype(np.int64), slots, counts)
