"""A linear model over sparse lexical and dense embedding features: closed-form ridge, pruned weights, fast scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD

DUAL_LIMIT = 16_000
"""Most rows that are solved exactly in the dual; above, the lexical side is first reduced by SVD."""


@dataclass(frozen=True)
class LinearWeights:
    """Weights of `n_outputs` linear functions.

    `data`, `columns`, `indptr` are a CSR matrix (n_terms, n_outputs), the columns of a row sorted; `dense` is
    (dimension, n_outputs).
    """

    data: NDArray[np.float32]
    columns: NDArray[np.int32]
    indptr: NDArray[np.int64]
    dense: NDArray[np.float32]

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return int(self.dense.shape[1])

    def scores(
        self, indices: NDArray[np.int32], weights: NDArray[np.float32], vector: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the (n_outputs,) scores of one text: `indices`, `weights` from the vectorizer, `vector` centred."""
        total = vector @ self.dense
        if len(indices):
            starts, ends = self.indptr[indices], self.indptr[indices + 1]
            lengths = ends - starts
            take = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
            take += np.arange(int(lengths.sum()))
            values = self.data[take] * np.repeat(weights, lengths)
            total = total + np.bincount(self.columns[take], values, self.n_outputs).astype(np.float32)
        return total

    def term_weight(self, index: int, output: int) -> float:
        """Return the weight of one term for one output; 0 where it was pruned."""
        start, end = self.indptr[index], self.indptr[index + 1]
        place = start + self.columns[start:end].searchsorted(output)
        return float(self.data[place]) if place < end and self.columns[place] == output else 0.0


def fit_ridge(
    lexical: sp.csr_matrix,
    dense: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    lexical_weight: float = 0.5,
    penalty: float = 0.3,
    row_weights: NDArray[np.float32] | None = None,
    random_state: int = 0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ((n_terms, n_outputs), (dimension, n_outputs)) weights of the regularised least squares fit.

    `lexical` is (n, n_terms), `dense` (n, dimension), both with rows of norm about 1; `targets` (n, n_outputs).
    The kernel is `lexical_weight` times the lexical plus the rest times the dense inner product.
    """
    a, b = np.sqrt(lexical_weight), np.sqrt(1 - lexical_weight)
    root = np.ones(len(targets), np.float32) if row_weights is None else np.sqrt(row_weights).astype(np.float32)
    if lexical.shape[0] <= DUAL_LIMIT:
        kernel = (a * a) * (lexical @ lexical.T).toarray() + (b * b) * (dense @ dense.T)
        kernel *= root[:, None] * root[None, :]
        kernel[np.diag_indices_from(kernel)] += penalty
        solution = scipy.linalg.solve(kernel, targets * root[:, None], assume_a="pos", overwrite_a=True)
        alpha = (solution * root[:, None]).astype(np.float32)
        return (a * a) * np.asarray(lexical.T @ alpha), (b * b) * (dense.T @ alpha)
    svd = TruncatedSVD(min(512, lexical.shape[1] - 1), random_state=random_state)
    reduced = np.hstack([a * svd.fit_transform(lexical), b * dense]).astype(np.float32) * root[:, None]
    gram = reduced.T @ reduced
    gram[np.diag_indices_from(gram)] += penalty
    weights = scipy.linalg.solve(gram, reduced.T @ (targets * root[:, None]), assume_a="pos").astype(np.float32)
    split = svd.components_.shape[0]
    return a * (svd.components_.T.astype(np.float32) @ weights[:split]), b * weights[split:]


def prune(lexical: NDArray[np.float32], dense: NDArray[np.float32], keep: int) -> LinearWeights:
    """Keep the `keep` largest weights (by magnitude) of every term and all dense weights."""
    n_terms, n_outputs = lexical.shape
    keep = min(keep, n_outputs)
    top = np.argpartition(-np.abs(lexical), keep - 1, axis=1)[:, :keep] if keep < n_outputs else None
    columns = np.tile(np.arange(n_outputs), (n_terms, 1)) if top is None else np.sort(top, axis=1)
    data = np.take_along_axis(lexical, columns, axis=1)
    return LinearWeights(
        data=data.ravel().astype(np.float32),
        columns=columns.ravel().astype(np.int32),
        indptr=np.arange(0, n_terms * keep + 1, keep, dtype=np.int64),
        dense=dense.astype(np.float32),
    )
