"""A linear model over sparse lexical and dense embedding features: closed-form ridge, pruned weights, fast scoring."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse as sp

DUAL_LIMIT = 16_000
"""Most rows that are solved exactly in the dual; above, conjugate gradients approach the same solution."""
CG_STEPS = 32
CG_TOLERANCE = 0.01
"""Steps of the conjugate gradients, and the relative residual at which they stop."""
CG_BLOCK = 64
"""Outputs solved together."""
CG_RANK = 512
"""Rank of the approximation that preconditions: it costs eight steps of one block, and saves more of every block."""
_PRUNED_AT_ONCE = 16_000_000
"""Weights of a block of terms that is pruned at once."""
_KERNEL_ROWS = 1_000
_SOLVE_OUTPUTS = 1_000
"""Rows of the kernel made at once, and outputs solved at once: what they pass through is then small beside it."""


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

    def of_terms(self, indices: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the terms of a text, `indices` and `weights` of the vectorizer, give of its (n_outputs,) scores.

        Its centred vector (dimension,) gives the rest, `vector @ dense`.
        """
        starts = self.indptr[indices]
        lengths = self.indptr[indices + 1] - starts
        total = int(lengths.sum())
        take = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        take += np.arange(total)
        values = self.data[take] * np.repeat(weights, lengths)
        return np.bincount(self.columns[take], values, self.n_outputs).astype(np.float32)

    def weights_of(self, indices: NDArray[np.int64], output: int) -> NDArray[np.float32]:
        """Return the weights of the terms `indices` for one output, of the same shape; 0 where one was pruned."""
        starts, ends = self.indptr[indices], self.indptr[indices + 1]
        lengths = ends - starts
        owners = np.repeat(np.arange(len(indices)), lengths)
        take = np.arange(len(owners)) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        here = self.columns[take] == output
        weights = np.zeros(len(indices), np.float32)
        weights[owners[here]] = self.data[take[here]]
        return weights


def fit_ridge(
    lexical: sp.csr_matrix,
    dense: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    lexical_weight: float = 0.5,
    penalty: float = 0.3,
    row_weights: NDArray[np.float32] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return ((n_terms, n_outputs), (dimension, n_outputs)) weights of the regularised least squares fit.

    `lexical` is (n, n_terms), `dense` (n, dimension), both with rows of norm about 1; `targets` (n, n_outputs).
    The kernel is `lexical_weight` times the lexical plus the rest times the dense inner product.
    """
    share, rest = np.float32(lexical_weight), np.float32(1 - lexical_weight)
    shares = solve_ridge(
        lexical, dense, targets.astype(np.float32), lexical_weight=lexical_weight, penalty=penalty,
        row_weights=row_weights,
    )  # fmt: skip
    return share * np.asarray(lexical.T @ shares), rest * (dense.T @ shares)


def solve_ridge(
    lexical: sp.csr_matrix,
    dense: NDArray[np.float32],
    targets: NDArray[np.float32],
    *,
    lexical_weight: float,
    penalty: float,
    row_weights: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return the fit of `fit_ridge` as the (n, n_outputs) share that each row has in it, written over `targets`.

    The weights of terms are `lexical_weight` times lexical.T @ shares, those of the vector the rest times
    dense.T @ shares. Of many terms and outputs the weights fill memory and the shares do not.
    """
    root = np.ones(len(targets), np.float32) if row_weights is None else np.sqrt(row_weights).astype(np.float32)
    if lexical.shape[0] > DUAL_LIMIT:
        return _conjugate_gradient(lexical, dense, targets, (lexical_weight, 1 - lexical_weight), penalty, root)
    import scipy.linalg

    # one triangle in place: as a whole with what it is summed from, the kernel took three times its own memory
    kernel = np.zeros((len(targets), len(targets)), np.float64)
    for start in range(0, len(targets), _KERNEL_ROWS):
        rows, rest = slice(start, start + _KERNEL_ROWS), slice(start, None)
        kernel[rows, rest] = lexical_weight * (lexical[rows] @ lexical[rest].T).toarray()
        kernel[rows, rest] += (1 - lexical_weight) * (dense[rows] @ dense[rest].T)
        kernel[rows, rest] *= root[rows, None] * root[None, rest]
    kernel[np.diag_indices_from(kernel)] += penalty
    factor = scipy.linalg.cho_factor(kernel.T, lower=True, overwrite_a=True, check_finite=False)
    for start in range(0, targets.shape[1], _SOLVE_OUTPUTS):
        outputs = slice(start, start + _SOLVE_OUTPUTS)
        solution = scipy.linalg.cho_solve(factor, targets[:, outputs] * root[:, None], check_finite=False)
        targets[:, outputs] = solution * root[:, None]
    return targets


def _conjugate_gradient(
    lexical: sp.csr_matrix,
    dense: NDArray[np.float32],
    targets: NDArray[np.float32],
    kernel_shares: tuple[float, float],
    penalty: float,
    root: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The same fit for many rows: conjugate gradients in the dual, a block of outputs at a time, on two threads.

    The kernel is never formed; memory is that of the targets, which the result takes over, of two blocks and of the
    preconditioner.
    """
    import scipy.sparse as sp

    share, rest = (np.float32(s) for s in kernel_shares)
    lexical = sp.diags(root).dot(lexical).tocsr().astype(np.float32)
    dense = dense * root[:, None]
    transposed = lexical.T.tocsr()
    squares = np.asarray(lexical.multiply(lexical).sum(1)).ravel()
    diagonal = share * squares + rest * (dense * dense).sum(1)

    def kernel(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return share * (lexical @ (transposed @ x)) + rest * (dense @ (dense.T @ x))

    precondition = _nystrom(kernel, diagonal, penalty)

    def solve(block: slice) -> None:
        r = np.ascontiguousarray(targets[:, block]) * root[:, None]
        x, p = np.zeros_like(r), precondition(r)
        norms = (r * p).sum(0)
        goal = CG_TOLERANCE**2 * (r * r).sum(0)
        for _ in range(CG_STEPS):
            product = kernel(p) + np.float32(penalty) * p
            step = norms / np.maximum((p * product).sum(0), 1e-20)
            x += step * p
            r -= step * product
            if ((r * r).sum(0) <= goal).all():
                break
            z = precondition(r)
            new = (r * z).sum(0)
            p = z + (new / np.maximum(norms, 1e-20)) * p
            norms = new
        targets[:, block] = x * root[:, None]

    blocks = [slice(i, i + CG_BLOCK) for i in range(0, targets.shape[1], CG_BLOCK)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(solve, blocks))
    return targets


Product = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def _nystrom(kernel: Product, diagonal: NDArray[np.float32], penalty: float) -> Product:
    """Return the inverse of an approximation of kernel + penalty, for (n, k) arrays: low rank plus the right diagonal.

    The low rank is that of Nystrom's method with random directions (Frangella, Tropp and Udell, 2023): it takes over
    the few large eigenvalues that cost conjugate gradients most of their steps. The diagonal evens out row weights,
    which differ by factors of a hundred. Inverted by Woodbury's formula.
    """
    import scipy.linalg

    n = len(diagonal)
    rank = min(CG_RANK, n // 8)
    directions = np.random.default_rng(0).standard_normal((n, rank), dtype=np.float32)
    directions = scipy.linalg.qr(directions, mode="economic", overwrite_a=True, check_finite=False)[0]
    blocks = [slice(i, i + CG_BLOCK) for i in range(0, rank, CG_BLOCK)]
    with ThreadPoolExecutor(2) as pool:
        seen = np.hstack(list(pool.map(lambda b: kernel(np.ascontiguousarray(directions[:, b])), blocks)))
    shift = np.float32(1e-4 * np.linalg.norm(seen) / np.sqrt(rank))
    seen += shift * directions
    core = scipy.linalg.cholesky((directions.T @ seen).astype(np.float64), lower=True)
    factor = scipy.linalg.solve_triangular(core, seen.T, lower=True, check_finite=False).T.astype(np.float32)
    inverse = 1 / np.maximum(diagonal - (factor * factor).sum(1) + np.float32(penalty), np.float32(penalty))
    scaled = inverse[:, None] * factor
    middle = scipy.linalg.cho_factor(np.eye(rank) + (factor.T @ scaled).astype(np.float64), check_finite=False)

    def apply(x: NDArray[np.float32]) -> NDArray[np.float32]:
        within = scipy.linalg.cho_solve(middle, scaled.T @ x, check_finite=False).astype(np.float32)
        return inverse[:, None] * x - scaled @ within

    return apply


def drop_small(weights: LinearWeights, share: float) -> LinearWeights:
    """Leave out the smallest lexical weights, as many as hold `share` of the sum of squares; 0 keeps all."""
    if share <= 0 or not len(weights.data):
        return weights
    squares = np.sort(weights.data.astype(np.float64) ** 2)
    total = np.cumsum(squares)
    least = np.sqrt(squares[np.searchsorted(total, share * total[-1])])
    kept = np.abs(weights.data) >= least
    n_terms = len(weights.indptr) - 1
    rows = np.repeat(np.arange(n_terms), np.diff(weights.indptr))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=n_terms))]).astype(np.int64)
    return LinearWeights(weights.data[kept], weights.columns[kept], indptr, weights.dense)


def pruned_fit(
    lexical: sp.csr_matrix,
    dense: NDArray[np.float32],
    shares: NDArray[np.float32],
    *,
    lexical_weight: float,
    keep: int,
) -> LinearWeights:
    """Return the weights that the (n, n_outputs) `shares` of the rows stand for; `lexical`, `dense` as in `fit_ridge`.

    Of every term the `keep` largest (by magnitude) are kept, of the vector all. They are made and pruned a block of
    terms at a time: those of 100,000 terms and 5,000 outputs together would be gigabytes.
    """
    share, rest = np.float32(lexical_weight), np.float32(1 - lexical_weight)
    transposed, keep = lexical.T.tocsr(), min(keep, shares.shape[1])
    step = max(1, _PRUNED_AT_ONCE // shares.shape[1])
    data, columns = np.empty((lexical.shape[1], keep), np.float32), np.empty((lexical.shape[1], keep), np.int32)
    for start in range(0, len(data), step):
        terms = slice(start, start + step)
        weights = share * np.asarray(transposed[terms] @ shares)
        columns[terms] = np.arange(keep)
        if keep < shares.shape[1]:
            columns[terms] = np.sort(np.argpartition(-np.abs(weights), keep - 1, axis=1)[:, :keep], 1)
        data[terms] = np.take_along_axis(weights, columns[terms].astype(np.int64), axis=1)
    return LinearWeights(
        data=data.ravel(),
        columns=columns.ravel(),
        indptr=np.arange(0, data.size + 1, keep, dtype=np.int64),
        dense=rest * (dense.T @ shares),
    )
