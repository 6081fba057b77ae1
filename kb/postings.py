"""What BM25 holds of one query: postings of its terms, the scores of all slots, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

KEPT_BYTES = 64_000_000
"""Memory in which gains by common terms are kept; those by one term are kept whatever they take."""
_BLOCK = 256


@dataclass(frozen=True)
class Segment:
    """Postings sorted by term: those of `terms[i]` are `starts[i] : starts[i + 1]` of `slots` and `counts`."""

    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    slots: NDArray[np.int32]
    counts: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.slots)

    def matched(self, terms: NDArray[np.int64]) -> Matches:
        """Return the postings of the sorted `terms`."""
        places = np.minimum(np.searchsorted(self.terms, terms), len(self.terms) - 1)
        hit = np.flatnonzero(self.terms[places] == terms)
        at = places[hit]
        return Matches(self, hit, self.starts[at], self.starts[at + 1])


@dataclass(frozen=True)
class Matches:
    """The postings of a segment that a query wants: those of its term number `terms[i]` are `starts[i] : ends[i]`."""

    segment: Segment
    terms: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def of(self, chosen: NDArray[np.bool_]) -> Matches:
        """Return the postings of some terms; `chosen` says of which, shape (n_terms of the query,)."""
        kept = chosen[self.terms]
        return Matches(self.segment, self.terms[kept], self.starts[kept], self.ends[kept])

    def spread(self, term: int, norms: NDArray[np.float32], gains: NDArray[np.float32]) -> None:
        """Write what texts gain by the query's term number `term`, over its weight, into `gains`, shape (slots,)."""
        for at in np.flatnonzero(self.terms == term).tolist():
            run = slice(self.starts[at], self.ends[at])
            slots, counts = self.segment.slots[run].astype(np.intp), self.segment.counts[run]
            parts = norms[slots]
            parts += counts
            gains[slots] = np.divide(counts, parts, out=parts)

    def postings(self) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """Return (number of the term, slot, count) of them all."""
        sizes = self.ends - self.starts
        places = np.arange(int(sizes.sum())) + np.repeat(self.starts - (np.cumsum(sizes) - sizes), sizes)
        return np.repeat(self.terms, sizes), self.segment.slots[places], self.segment.counts[places]


def gained(matches: Sequence[Matches], weights: NDArray[np.float32], norms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what every slot gains by the postings of `matches`, shape (slots,); `weights` are those of the terms."""
    if not matches:
        return np.zeros(len(norms), np.float32)
    terms, slots, counts = (np.concatenate(c) for c in zip(*(m.postings() for m in matches), strict=True))
    parts = norms[slots]
    parts += counts
    np.divide(counts, parts, out=parts)
    parts *= weights[terms]
    return np.bincount(slots, parts, len(norms)).astype(np.float32)


class CommonTerms:
    """What every slot gains by a term that many texts hold, over its weight, kept for the queries that come next.

    The postings of such terms are most of what a query has to read; to add up what was kept is many times quicker. It
    is true for one state of the index, told by its `norms`. What was not asked for longest is dropped when all would
    take more than `KEPT_BYTES`.
    """

    def __init__(self, norms: NDArray[np.float32]) -> None:
        self.norms = norms
        self._most = max(1, KEPT_BYTES // max(1, norms.nbytes))
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._lock = Lock()  # several threads may search

    def gains(self, term: int, made: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the gains by `term`, shape (slots,); those not kept are `made`."""
        with self._lock:
            found = self._kept.pop(term, None)
        if found is None:
            found = made()
        with self._lock:
            self._kept[term] = found
            while len(self._kept) > self._most:
                del self._kept[next(iter(self._kept))]
        return found


class LexicalQuery:
    """What an index holds of one query: the score of every slot, the best slots, and the score no text can pass.

    `matches` are the postings of the rare terms, `weights` the weights of all, `norms` what a slot's length adds to the
    denominator, infinite for a removed one; `common` are (weight, gains of every slot over it) of the other terms.
    """

    def __init__(
        self, matches: Sequence[Matches], weights: NDArray[np.float32], norms: NDArray[np.float32],
        common: Sequence[tuple[np.float32, NDArray[np.float32]]] = (),
    ) -> None:  # fmt: skip
        self.most = float(weights.sum())
        """What a text holding every term endlessly often would come near; 0 for no terms."""
        self._matches = matches
        self._weights = weights
        self._norms = norms
        self._common = common

    @cached_property
    def scores(self) -> NDArray[np.float32]:
        """The score of every slot, shape (slots,); 0 where nothing is shared or removed."""
        scores = gained(self._matches, self._weights, self._norms)
        parts = np.empty_like(scores)
        for weight, gains in self._common:
            scores += np.multiply(gains, weight, out=parts)
        return scores

    def of(self, slots: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the scores of `slots`, shape (n_slots,)."""
        return self.scores[slots]

    def best(self, n: int) -> NDArray[np.int64]:
        """Return at most `n` slots with the highest scores, in no order; none that shares nothing."""
        scores = self.scores
        least = _least(scores, n)
        among = np.flatnonzero(scores >= least if least > 0 else scores)
        return among if len(among) <= n else among[np.argpartition(scores[among], len(among) - n)[-n:]]


def _least(scores: NDArray[np.float32], n: int) -> float:
    """Return a score that at least `n` of `scores` reach: the n-th best of the blocks' highest; 0 for few blocks."""
    whole = len(scores) // _BLOCK * _BLOCK
    if n > whole // _BLOCK:
        return 0.0
    return float(np.partition(scores[:whole].reshape(-1, _BLOCK).max(1), -n)[-n])
