"""What BM25 holds of one query: postings of its terms, scores of any slots, and the best slots found early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

SMALL = 20_000
"""Slots up to which every text is scored for every query; above, most are passed over unseen."""
_BLOCK = 256
_SLACK = 1e-4
"""Share by which a bound is widened, for sums of float32 that were taken in another order."""
DEARER = 16
"""How many times dearer it is to look a text up in a posting than to read the next text of the posting."""


@dataclass(frozen=True)
class Segment:
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


@dataclass(frozen=True)
class Matches:
    """The postings of a segment that a query asks for: those of its term number `terms[i]` are `starts[i] : ends[i]`.

    No text gains more by `terms[i]`, over its weight, than `most[i]`.
    """

    segment: Segment
    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    most: NDArray[np.float32]

    def postings(self, weights: NDArray[np.float32]) -> list[_Posting]:
        """Return them one by one, with the weights of the query's terms."""
        slots, counts = self.segment.slots, self.segment.counts
        most = self.most * weights[self.terms]
        columns = (self.terms.tolist(), self.starts.tolist(), self.ends.tolist(), most.tolist())
        return [_Posting(term, slots[s:e], counts[s:e], m) for term, s, e, m in zip(*columns, strict=True)]

    def gained(self, weights: NDArray[np.float32], norms: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what every slot gains by them all, shape (slots,)."""
        sizes = self.ends - self.starts
        places = np.arange(int(sizes.sum())) + np.repeat(self.starts - (np.cumsum(sizes) - sizes), sizes)
        slots, counts = self.segment.slots[places], self.segment.counts[places]
        parts = counts / (norms[slots] + counts) * np.repeat(weights[self.terms], sizes)
        return np.bincount(slots, parts, len(norms)).astype(np.float32)


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

    def __init__(self, matches: Sequence[Matches], weights: NDArray[np.float32], norms: NDArray[np.float32]) -> None:
        self.most = float(weights.sum())
        """What a text holding every term endlessly often would come near; 0 for no terms."""
        self._matches = matches
        self._weights = weights
        self._norms = norms

    @cached_property
    def _postings(self) -> list[_Posting]:
        return [p for m in self._matches for p in m.postings(self._weights)]

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """The score of every slot, shape (slots,); 0 where nothing is shared or removed."""
        scores = np.zeros(len(self._norms), np.float32)
        if len(scores) <= SMALL:
            for matches in self._matches:
                scores += matches.gained(self._weights, self._norms)
            return scores
        for posting in self._postings:
            self._count(posting, scores)
        return scores

    def of(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of the ascending `slots`, to the bit those in `scores`, shape (n_slots,)."""
        if len(self._norms) <= SMALL:
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
        if len(self._norms) <= SMALL:
            return _highest(self.scores, np.flatnonzero(self.scores), n)
        bounds = np.zeros(len(self._weights))
        for posting in self._postings:
            bounds[posting.term] = max(bounds[posting.term], posting.most)
        scores, term = np.zeros(len(self._norms), np.float32), -1
        left, counted = float(bounds.sum()), 0.0
        heaviest = sorted(self._postings, key=lambda p: (-self._weights[p.term], p.term))
        for done, posting in enumerate(heaviest):
            if posting.term != term and counted > left:  # or what was counted cannot yet outweigh what was not
                running = _running(scores, n, left, len(posting.slots) // DEARER)
                if running is not None:
                    return self._finish(running, scores[running], heaviest[done:], bounds, n)
            if posting.term != term:
                term = posting.term
                left, counted = left - bounds[term], counted + bounds[term]
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


def matched(segment: Segment, terms: NDArray[np.int64], mean: float) -> Matches:
    """Return the postings of the sorted `terms` that are in `segment`.

    A gain count / (count + norm) grows with the mean length, and by no larger a factor than that does.
    """
    grown = np.float32(max(1.0, mean / max(segment.mean, 1e-9)))
    places = np.minimum(np.searchsorted(segment.terms, terms), len(segment.terms) - 1)
    hit = np.flatnonzero(segment.terms[places] == terms)
    at = places[hit]
    return Matches(segment, hit, segment.starts[at], segment.starts[at + 1], segment.gains[at] * grown)
