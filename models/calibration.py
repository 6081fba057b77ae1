"""Making probabilities mean what they say: temperatures per level of a tree, safe thresholds, calibration error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_MANY = 32
"""Rows from which one sparse product is quicker than a sum a row."""


def softmax(scores: NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """Return probabilities along the last axis."""
    z = scores / temperature
    z = np.exp(z - z.max(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


def sharpen(leaf: Floats, ancestors: NDArray[np.int64], exponents: Floats) -> Floats:
    """Return leaf probabilities with each level's share given its parent raised to `exponents[level]`.

    `leaf` is (n, n_leaves), `ancestors` (n_leaves, depth). A parent stays the sum of its children.
    """
    n, depth = leaf.shape[0], ancestors.shape[1]
    shares = [level_sums(leaf, ancestors[:, level]) for level in range(depth)]
    result = np.ones_like(leaf)
    for level in range(depth):
        own = shares[level]
        parents = ancestors[:, level - 1] if level else np.zeros(len(ancestors), np.int64)
        parent_of = np.zeros(own.shape[1], np.int64)
        parent_of[ancestors[:, level]] = parents
        whole = shares[level - 1] if level else np.ones((n, 1))
        given = (own / np.maximum(whole[:, parent_of], 1e-30)) ** exponents[level]
        given = given / np.maximum(level_sums(given, parent_of)[:, parent_of], 1e-30)
        result = result * given[:, ancestors[:, level]]
    return result


class Tree:
    """The nodes of all levels of a tree side by side, for one row of leaf probabilities at a time.

    `ancestors` (n_leaves, depth) names each leaf's node of every level, from 0 within the level. What is done here
    gives what `sharpen` and `level_sums` give, in a handful of steps over all levels at once.
    """

    def __init__(self, ancestors: NDArray[np.int64]) -> None:
        self.depth = ancestors.shape[1]
        sizes = ancestors.max(0) + 1
        self.first = np.concatenate([[0], np.cumsum(sizes)])
        """Where each level's nodes begin, shape (depth + 1,); the last is the number of all and stands for the root."""
        self.nodes = ancestors + self.first[:-1]
        """(n_leaves, depth) nodes of each leaf."""
        self.parents = np.full(self.first[-1], self.first[-1])
        self.parents[self.nodes[:, 1:]] = self.nodes[:, :-1]
        self._levels = np.repeat(np.arange(self.depth), sizes)
        self._every = self.nodes.ravel()

    def sums(self, leaf: Floats) -> Floats:
        """Return the sum of `leaf` (n_leaves,) under every node, shape (n_nodes,)."""
        return np.bincount(self._every, np.repeat(leaf, self.depth), len(self.parents)).astype(np.float64, copy=False)

    def sharpen(self, leaf: Floats, exponents: Floats) -> Floats:
        """Return `leaf` (n_leaves,) sharpened as `sharpen` does."""
        own = np.append(self.sums(leaf), 1.0)
        given = (own[:-1] / np.maximum(own[self.parents], 1e-30)) ** exponents[self._levels]
        whole = np.bincount(self.parents, given, len(own))
        return (given / np.maximum(whole[self.parents], 1e-30))[self.nodes].prod(1)

    def walk(self, leaf: Floats, thresholds: Sequence[float]) -> tuple[int, int]:
        """Return (leaf, safe depth): down the likeliest children while they reach their level's threshold.

        The leaf is the likeliest of the last safe node.
        """
        sums, node, depth = self.sums(leaf), len(self.parents), 0
        for threshold in thresholds:
            begin, end = self.first[depth], self.first[depth + 1]
            children = begin + np.flatnonzero(self.parents[begin:end] == node)
            best = children[sums[children].argmax()]
            if not sums[best] >= threshold:
                break
            node, depth = int(best), depth + 1
        inside = np.flatnonzero(self.nodes[:, depth - 1] == node) if depth else np.arange(len(leaf))
        return int(inside[leaf[inside].argmax()]), depth


def level_sums(values: Floats, groups: NDArray[np.int64]) -> Floats:
    """Sum the columns of `values` (n, m) by `groups` (m,)."""
    if 0 < len(values) < _MANY:
        return np.stack([np.bincount(groups, row) for row in values]).astype(np.float64)
    import scipy.sparse as sp  # needed for tables only: a served call does without

    columns = np.arange(len(groups))
    belongs = sp.csr_matrix((np.ones(len(groups)), (groups, columns)), shape=(int(groups.max()) + 1, len(groups)))
    return np.ascontiguousarray((belongs @ values.T).T)


def fit_temperature(scores: NDArray[np.floating], truth: NDArray[np.int64], weights: Floats | None = None) -> float:
    """Return the softmax temperature of least (weighted) negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    w = np.ones(len(truth)) if weights is None else weights

    def loss(log_t: float) -> float:
        p = softmax(scores, float(np.exp(log_t)))[np.arange(len(truth)), truth]
        return float(-(w * np.log(np.maximum(p, 1e-12))).sum() / w.sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-6, 3), method="bounded").x))


def fit_exponents(
    leaf: Floats, truth: NDArray[np.int64], ancestors: NDArray[np.int64], weights: Floats | None = None
) -> Floats:
    """Return one exponent per level, fitted from the top down by the level's negative log-likelihood."""
    from scipy.optimize import minimize_scalar

    w = np.ones(len(truth)) if weights is None else weights
    exponents = np.ones(ancestors.shape[1])
    rows = np.arange(len(truth))
    for level in range(len(exponents)):

        def loss(value: float, level: int = level) -> float:
            trial = exponents.copy()
            trial[level] = value
            p = level_sums(sharpen(leaf, ancestors, trial), ancestors[:, level])
            hit = p[rows, ancestors[truth, level]]
            return float(-(w * np.log(np.maximum(hit, 1e-12))).sum() / w.sum())

        exponents[level] = minimize_scalar(loss, bounds=(0.2, 3.0), method="bounded", options={"xatol": 0.02}).x
    return exponents


def safe_threshold(confidence: Floats, right: NDArray[np.bool_], risk: float, weights: Floats | None = None) -> float:
    """Return the lowest confidence above which at most `risk` of the answers are wrong; 1.01 if there is none."""
    w = np.ones(len(right)) if weights is None else weights
    order = np.argsort(-confidence)
    wrong = np.cumsum(w[order] * ~right[order]) / np.cumsum(w[order])
    safe = np.flatnonzero(wrong <= risk)
    return float(confidence[order][safe[-1]]) if len(safe) else 1.01


def expected_calibration_error(confidence: Floats, right: NDArray[np.bool_], bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins (Naeini et al., 2015)."""
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)
    gap = 0.0
    for b in range(bins):
        inside = which == b
        if inside.any():
            gap += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    return float(gap)
