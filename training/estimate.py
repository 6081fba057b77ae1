"""Vectors of many tickets at the price of some: the rest are estimated from their words; never what is measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.features import NgramVectorizer
from models.linear import fit_ridge

_PENALTY = 1.0
_LONGEST = 2
"""Longest character n-gram that vectors are estimated from; longer ones are too rare to say more."""


def rows_to_embed(
    leaves: Sequence[str], groups: NDArray[np.int64], held: NDArray[np.bool_], most: int, seed: int = 0
) -> NDArray[np.bool_]:
    """Return which rows get a vector of their own: all `held` ones, and at most `most` others (all of them when 0).

    The places go round the leaves, so that a rare leaf is embedded whole before a frequent one is a second time;
    within a leaf a row that repeats another comes last.
    """
    chosen = held.copy()
    others = np.random.default_rng(seed).permutation(np.flatnonzero(~held))
    if not most or len(others) <= most:
        return np.ones(len(held), bool)
    repeats = np.ones(len(held), bool)
    repeats[others[np.unique(groups[others], return_index=True)[1]]] = False
    _, leaf = np.unique(np.array(leaves)[others], return_inverse=True)
    order = np.lexsort((np.arange(len(others)), repeats[others], leaf))
    first = np.searchsorted(leaf[order], leaf[order])
    turn = np.empty(len(others), np.int64)
    turn[order] = np.arange(len(others)) - first
    chosen[others[np.argsort(turn, kind="stable")[:most]]] = True
    return chosen


def estimate_vectors(texts: Sequence[str], own: NDArray[np.bool_], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (n_texts, dimension) vectors: those of the `own` rows as given, the others as their characters predict.

    `vectors` (n_own, dimension) belong to the rows of `own`. A ridge regression of the centred vectors on TF-IDF
    n-grams of characters (words added nothing but time), which is the conditional mean that regression imputation
    uses (Little and Rubin, Statistical Analysis with Missing Data, section 4.2); each estimate is brought to norm 1.
    """
    known = [t for t, mine in zip(texts, own, strict=True) if mine]
    vectorizer = NgramVectorizer(longest=_LONGEST, min_df=3)
    terms = vectorizer.fit_transform(known)
    centre = vectors.mean(0)
    nothing = np.zeros((len(known), 1), np.float32)
    weights, _ = fit_ridge(terms, nothing, vectors - centre, lexical_weight=1.0, penalty=_PENALTY)
    rest = np.flatnonzero(~own)
    out = np.empty((len(texts), vectors.shape[1]), np.float32)
    out[own] = vectors
    guessed = np.asarray(vectorizer.transform([texts[i] for i in rest.tolist()]) @ weights) + centre
    out[rest] = guessed / np.maximum(np.linalg.norm(guessed, axis=1, keepdims=True), 1e-9)
    return out
