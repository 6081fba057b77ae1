"""Searching the head's hyper-parameters within a budget of minutes, on training rows only, from a seeded list."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.classifier import CategoryClassifier
from models.features import WordCutter
from models.taxonomy import Taxonomy
from training.duplicates import grouped_holdout
from training.fit import Labelled
from training.spread import Spread, Threads

SPACE: dict[str, tuple[float, ...]] = {
    "lexical_weight": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
    "penalty": (0.05, 0.1, 0.2, 0.35, 0.5),
    "level_weight": (0.0, 0.2, 0.4, 0.7),
    "balance": (0.0, 0.25, 0.5),
}
MOST_ROWS = 4000
"""Training rows that are looked at; what is best for them is near what is best for more."""
MOST_TRIALS = 200
_INSIDE = 0.25
"""Share of these rows that candidates are measured on."""


@dataclass(frozen=True)
class _Task:
    """What every trial needs; small enough to be sent to another machine."""

    texts: list[str]
    leaves: list[str]
    vectors: NDArray[np.float32]
    test_texts: list[str]
    test_vectors: NDArray[np.float32]
    truth: NDArray[np.int64]
    taxonomy: Taxonomy
    own: NDArray[np.float32] | None
    words: tuple[str, ...]


def search(
    data: Labelled,
    taxonomy: Taxonomy,
    *,
    cutter: WordCutter,
    minutes: float,
    start: dict[str, float] | None = None,
    text_vectors: NDArray[np.float32] | None = None,
    seed: int = 0,
    spread: Spread | None = None,
    trials: int = MOST_TRIALS,
) -> tuple[dict[str, float], dict[str, Any]]:
    """Return the best parameters and a record of the trials.

    `data` are training rows only. The parameters of `start` come first and win unless another candidate has more
    rows right on the inner hold-out (mean over the levels). The same seed tries the same candidates in the same
    order; how many are tried depends on the budget and the machine, so the record names them.
    """
    task = _task(data, taxonomy, cutter, text_vectors, seed)
    candidates = [dict(start or {}), *_candidates(seed, trials - 1)]
    deadline = time.monotonic() + 60 * minutes
    scores: dict[int, float] = {}
    results = (spread or Threads()).map(trial, task, candidates)
    for i, score in results:
        scores[i] = score
        if time.monotonic() > deadline and 0 in scores:
            break
    results.close()
    best = max(scores, key=lambda i: (scores[i], -i))
    record = {
        "minutes": minutes,
        "rows": len(task.texts),
        "measured_on": len(task.test_texts),
        "tried": len(scores),
        "first": round(scores[0], 4),
        "best": round(scores[best], 4),
        "parameters": candidates[best],
        "trials": [{"score": round(scores[i], 4), **candidates[i]} for i in sorted(scores)],
    }
    return candidates[best], record


def trial(task: _Task, parameters: dict[str, float]) -> float:
    """Return the mean share right over the levels of a head fitted with `parameters`."""
    model = CategoryClassifier(cutter=_cutter(task.words)).set_params(**parameters)
    model.fit(task.texts, task.leaves, embeddings=task.vectors, taxonomy=task.taxonomy, text_embeddings=task.own)
    scores = model.decision_function(task.test_texts, task.test_vectors)
    said = scores.argmax(1)
    right = task.taxonomy.ancestors[said] == task.taxonomy.ancestors[task.truth]
    return float(right.mean())


def _task(data: Labelled, taxonomy: Taxonomy, cutter: WordCutter, own: NDArray[np.float32] | None, seed: int) -> _Task:
    groups = np.unique(data.groups)
    order = np.random.default_rng(seed).permutation(len(groups))
    rank = order[np.searchsorted(groups, data.groups)]
    rows = np.sort(np.argsort(rank, kind="stable")[:MOST_ROWS])
    leaves = [data.leaves[i] for i in rows]
    inside = grouped_holdout(data.groups[rows], leaves, _INSIDE, seed)
    train, test = rows[~inside], data.only_asked(rows[inside])
    return _Task(
        texts=[data.texts[i] for i in train],
        leaves=[data.leaves[i] for i in train],
        vectors=data.vectors[train],
        test_texts=[data.texts[i] for i in test],
        test_vectors=data.vectors[test],
        truth=np.array([taxonomy.index[data.leaves[i]] for i in test], np.int64),
        taxonomy=taxonomy,
        own=own,
        words=cutter.words,
    )


def _candidates(seed: int, number: int) -> list[dict[str, float]]:
    rng = np.random.default_rng(seed)
    seen: dict[tuple[float, ...], None] = {}
    most = int(np.prod([len(v) for v in SPACE.values()]))
    while len(seen) < min(number, most):
        seen[tuple(float(values[rng.integers(len(values))]) for values in SPACE.values())] = None
    return [dict(zip(SPACE, one, strict=True)) for one in seen]


@lru_cache(maxsize=4)
def _cutter(words: Sequence[str]) -> WordCutter:
    return WordCutter(words)
