"""Choosing how much the words count beside the vector: long texts live by their words, short questions by both."""

from __future__ import annotations

import numpy as np
import scipy.linalg

from models.features import NgramVectorizer, WordCutter
from training.fit import Labelled

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_MOST = 2000
"""Rows that are looked at; one of each group of near duplicates."""


def lexical_share(data: Labelled, *, cutter: WordCutter, balance: float, penalty: float = 0.2, seed: int = 0) -> float:
    """Return the share of the lexical kernel with the most rows right when each is left out of the fit.

    The leave-one-out value of a ridge fit needs no second fit: target minus alpha over the diagonal of the
    inverse (Rasmussen and Williams, 2006, section 5.4.2).
    """
    rows = np.unique(data.groups, return_index=True)[1]
    rows = np.random.default_rng(seed).permutation(rows)[:_MOST]
    texts = [data.texts[i] for i in rows]
    _, truth = np.unique(np.array([data.leaves[i] for i in rows]), return_inverse=True)
    terms = NgramVectorizer(cutter).fit(texts).transform(texts)
    dense = data.vectors[rows] - data.vectors[rows].mean(0)
    dense /= np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-9)
    lexical, meaning = (terms @ terms.T).toarray(), dense @ dense.T
    root = np.sqrt(np.bincount(truth)[truth].astype(np.float64) ** -balance)
    root /= np.sqrt((root**2).mean())
    targets = np.eye(int(truth.max()) + 1)[truth] * root[:, None]
    right = []
    for share in SHARES:
        kernel = (share * lexical + (1 - share) * meaning) * root[:, None] * root[None, :]
        kernel[np.diag_indices_from(kernel)] += penalty
        inverse = scipy.linalg.inv(kernel, overwrite_a=True)
        left_out = targets - (inverse @ targets) / np.diag(inverse)[:, None]
        right.append(int((left_out.argmax(1) == truth).sum()))
    return SHARES[int(np.argmax(right))]
