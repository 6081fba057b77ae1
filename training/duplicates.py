"""Grouping texts that say the same: exact and near duplicates by MinHash, without comparing all pairs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_BANDS, _ROWS = 16, 4
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHINGLE = 3


class Groups:
    """Disjoint sets over 0 .. n-1."""

    def __init__(self, n: int) -> None:
        self._parent = list(range(n))

    def find(self, i: int) -> int:
        """Return the set's representative: its smallest member."""
        while self._parent[i] != i:
            self._parent[i] = self._parent[self._parent[i]]
            i = self._parent[i]
        return i

    def join(self, i: int, j: int) -> None:
        """Make one set of those of i and j."""
        a, b = sorted((self.find(i), self.find(j)))
        self._parent[b] = a

    def labels(self) -> NDArray[np.int64]:
        """Return the representative of every member."""
        return np.array([self.find(i) for i in range(len(self._parent))], np.int64)


def near_duplicates(texts: Sequence[str], *, likeness: float = 0.6) -> Groups:
    """Group texts whose sets of character triples overlap by about `likeness` (Jaccard) or more.

    MinHash with 16 bands of 4 rows (Broder, 1997): each text meets only the first text of each of its buckets,
    so the cost grows with the number of texts, not with its square.
    """
    groups = Groups(len(texts))
    signatures = minhash(texts)
    for band in range(_BANDS):
        first: dict[bytes, int] = {}
        part = np.ascontiguousarray(signatures[:, band * _ROWS : (band + 1) * _ROWS])
        for i in range(len(texts)):
            j = first.setdefault(part[i].tobytes(), i)
            if j != i and groups.find(i) != groups.find(j) and (signatures[i] == signatures[j]).mean() >= likeness:
                groups.join(i, j)
    return groups


def minhash(texts: Sequence[str], seed: int = 0) -> NDArray[np.uint32]:
    """Return (n_texts, 64) minima of hashed character triples."""
    rng = np.random.default_rng(seed)
    size = _BANDS * _ROWS
    factors = rng.integers(1, 1 << 63, size, dtype=np.uint64) | np.uint64(1)
    shifts = rng.integers(0, 1 << 63, size, dtype=np.uint64)
    out = np.zeros((len(texts), size), np.uint32)
    for i, text in enumerate(texts):
        points = np.frombuffer(text.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
        if len(points) < _SHINGLE:
            points = np.concatenate([points, np.zeros(_SHINGLE - len(points), np.uint64)])
        grams = (points[:-2] << np.uint64(42)) ^ (points[1:-1] << np.uint64(21)) ^ points[2:]
        hashed = np.unique(grams * _PRIME)
        out[i] = ((hashed[:, None] * factors[None, :] + shifts[None, :]) >> np.uint64(32)).min(0).astype(np.uint32)
    return out


def grouped_holdout(groups: NDArray[np.int64], labels: Sequence[str], share: float, seed: int = 0) -> NDArray[np.bool_]:
    """Return a mask of held-out rows: about `share` of every label, no group on both sides.

    A label whose rows are all in one group stays on the training side.
    """
    rng = np.random.default_rng(seed)
    names = np.array(labels)
    held = np.zeros(len(names), bool)
    order = {g: k for k, g in enumerate(rng.permutation(np.unique(groups)))}
    rank = np.array([order[g] for g in groups])
    owner = dict(zip(groups[::-1], names[::-1], strict=True))
    belongs = np.array([owner[g] for g in groups])
    for label in np.unique(names):
        mine = np.flatnonzero(belongs == label)
        if len(np.unique(groups[mine])) < 2:
            continue
        mine = mine[np.argsort(rank[mine], kind="stable")]
        take, wanted = 0, max(1, round(share * len(mine)))
        while take < wanted and take < len(mine):
            same = groups[mine] == groups[mine[take]]
            if take and take + same.sum() > 2 * wanted:
                break
            take += int(same.sum())
        if take < len(mine):
            held[mine[:take]] = True
    return held
