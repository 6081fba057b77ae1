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


class Tree:
    """The nodes of all levels of a tree side by side.

    `ancestors` (n_leaves, depth) names each leaf's node of every level, from 0 within the level.
    """

    def __init__(self, ancestors: NDArray[np.int64]) -> None:
        sizes = ancestors.max(0) + 1
        self.first = np.concatenate([[0], np.cumsum(sizes)])
        """Where each level's nodes begin, shape (depth + 1,); the last is the number of all and stands for the root."""
        self.nodes = ancestors + self.first[:-1]
        """(n_leaves, depth) nodes of each leaf."""
        self.parents = np.full(self.first[-1], self.first[-1])
        self.parents[self.nodes[:, 1:]] = self.nodes[:, :-1]
        self._levels = np.repeat(np.arange(len(sizes)), sizes)

    def sums(self, leaf: Floats) -> Floats:
        """Return the sum of `leaf` (n, n_leaves) under every node, shape (n, n_nodes)."""
        if len(leaf) < _MANY:
            return level_sums(np.repeat(leaf, self.nodes.shape[1], axis=1), self.nodes.ravel())
        return np.hstack(
            [level_sums(leaf, nodes - start) for nodes, start in zip(self.nodes.T, self.first, strict=False)]
        )

    def sharpen(self, leaf: Floats, exponents: Floats) -> Floats:
        """Return leaf probabilities (n, n_leaves) with each node's share given its parent to the power of its level's.

        `exponents` has shape (depth,). A parent stays the sum of its children.
        """
        own = np.hstack([self.sums(leaf), np.ones((len(leaf), 1))])
        given = (own[:, :-1] / np.maximum(own[:, self.parents], 1e-30)) ** exponents[self._levels]
        given /= np.maximum(level_sums(given, self.parents)[:, self.parents], 1e-30)
        result = np.ones_like(leaf)
        for nodes in self.nodes.T:
            result *= given[:, nodes]
        return result

    def walk(self, leaf: Floats, thresholds: Sequence[float]) -> tuple[int, int, Floats]:
        """Return (leaf, safe depth, sum under each node of the leaf's path) of one row of probabilities (n_leaves,).

        It goes down the likeliest children while they reach their level's threshold; the leaf is the likeliest of the
        last safe node.
        """
        sums, node, depth = self.sums(leaf[None, :])[0], len(self.parents), 0
        for threshold in thresholds:
            begin, end = self.first[depth], self.first[depth + 1]
            children = begin + np.flatnonzero(self.parents[begin:end] == node)
            best = children[sums[children].argmax()]
            if not sums[best] >= threshold:
                break
            node, depth = int(best), depth + 1
        inside = np.flatnonzero(self.nodes[:, depth - 1] == node) if depth else np.arange(len(leaf))
        found = int(inside[leaf[inside].argmax()])
        return found, depth, sums[self.nodes[found]]


def level_sums(values: Floats, groups: NDArray[np.int64]) -> Floats:
    """Sum the columns of `values` (n, m) by `groups` (m,)."""
    if 0 < len(values) < _MANY:
        return np.stack([np.bincount(groups, row) for row in values]).astype(np.float64)
    import scipy.sparse as sp  # needed for tables only: a served call does without

    columns = np.arange(len(groups))
    belongs = sp.csr_matrix((np.ones(len(groups)), (groups, columns)), shape=(int(groups.max()) + 1, len(groups)))
    return np.ascontiguousarray((belongs @ values.T).T)


def fit_temperature(
    scores: NDArray[np.floating],
    truth: NDArray[np.int64],
    weights: Floats | None = None,
    *,
    offset: Floats | float = 0.0,
) -> float:
    """Return the softmax temperature of least (weighted) negative log-likelihood.

    `offset`, of the shape of `scores`, is added after these were divided by the temperature.
    """
    from scipy.optimize import minimize_scalar

    w = np.ones(len(truth)) if weights is None else weights

    def loss(log_t: float) -> float:
        p = softmax(scores / float(np.exp(log_t)) + offset)[np.arange(len(truth)), truth]
        return float(-(w * np.log(np.maximum(p, 1e-12))).sum() / w.sum())

    return float(np.exp(minimize_scalar(loss, bounds=(-6, 3), method="bounded").x))


def fit_exponents(
    leaf: Floats, truth: NDArray[np.int64], ancestors: NDArray[np.int64], weights: Floats | None = None
) -> Floats:
    """Return one exponent per level, fitted from the top down by the level's negative log-likelihood.

    `leaf` is (n, n_leaves), `truth` (n,) the right leaves. What a level adds to the likelihood depends on the shares
    of the right node and its siblings alone.
    """
    w = np.ones(len(truth)) if weights is None else weights
    tree, rows, exponents = Tree(ancestors), np.arange(len(truth)), np.ones(ancestors.shape[1])
    sums = np.hstack([tree.sums(leaf), np.ones((len(leaf), 1))])
    reached = np.ones(len(truth))
    for level in range(len(exponents)):
        node = tree.nodes[truth, level]
        first, last = tree.first[level : level + 2]
        row, sibling = np.nonzero(tree.parents[first:last] == tree.parents[node][:, None])
        above = np.maximum(sums[rows, tree.parents[node]], 1e-30)
        right, shares = sums[rows, node] / above, sums[row, first + sibling] / above[row]

        exponents[level], reached = _fit_exponent(reached, right, row, shares, w)
    return exponents


def _fit_exponent(
    reached: Floats, right: Floats, row: NDArray[np.int64], shares: Floats, weights: Floats
) -> tuple[float, Floats]:
    """Return one level's exponent, and the probability of each row's right node by it.

    `reached` (n,) is that of the right parent, `right` (n,) the right node's share of it; `shares` are those of every
    child of the right parents, `row` says of which row.
    """
    from scipy.optimize import minimize_scalar

    def hit(value: float) -> Floats:
        return reached * right**value / np.maximum(np.bincount(row, shares**value, len(right)), 1e-30)

    def loss(value: float) -> float:
        return float(-(weights * np.log(np.maximum(hit(value), 1e-12))).sum() / weights.sum())

    value = minimize_scalar(loss, bounds=(0.2, 3.0), method="bounded", options={"xatol": 0.02}).x
    return float(value), hit(value)


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
