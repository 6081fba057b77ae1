"""One ranking out of several scores: cosines to questions and passages, and BM25; it neither searches nor stores."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = "retrieval.json"
"""Name of the file of the bundle that holds the weights."""
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Views:
    """What is known of n candidate entries for one query; every array has shape (n,).

    `question_best` and `question_mean` are the highest and the mean cosine to the entry's question and aliases,
    NaN where it has none; `passage_best` the highest cosine to its passages; `lexical` BM25 of its whole text;
    `passages` the number of its passages.
    """

    question_best: Scores
    question_mean: Scores
    passage_best: Scores
    lexical: Scores
    passages: Scores


@dataclass(frozen=True)
class Fusion:
    """Weights of the views.

    The cosines share `dense_short` of the score when entries have one passage, and `dense_long` when they have
    `long_passages` or more, on a logarithmic line between; BM25 has the rest. `candidates` is how many entries
    each side (cosine, BM25) nominates.
    """

    dense_short: float = 0.7
    dense_long: float = 0.35
    long_passages: float = 4.0
    candidates: int = 50

    @classmethod
    def load(cls, path: Path) -> Fusion:
        """Return the weights in a JSON file; raises ValueError naming the file when one is missing or unusable."""
        try:
            weights = json.loads(path.read_text(encoding="utf-8"))["weights"]
            return cls(**{k: type(v)(weights[k]) for k, v in asdict(cls()).items()})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: 检索权重无法读取({error});请用 `yousu train-retrieval` 重新生成") from error

    def dense_share(self, passages: Scores) -> float:
        """Return the share of the cosines for candidates with these numbers of passages."""
        mean = float(np.mean(passages)) if len(passages) else 1.0
        place = np.log(max(mean, 1.0)) / np.log(max(self.long_passages, 1.0 + 1e-6))
        return self.dense_short + (self.dense_long - self.dense_short) * min(float(place), 1.0)

    def scores(self, views: Views) -> Scores:
        """Return one score per candidate, shape (n,), higher is better; comparable within one query only."""
        standard = standardise(np.stack([views.question_best, views.question_mean, views.passage_best]))
        known = ~np.isnan(standard)
        dense = np.where(known, standard, 0).sum(0) / np.maximum(known.sum(0), 1)
        share = self.dense_share(views.passages)
        return (share * standardise(dense) + (1 - share) * standardise(views.lexical)).astype(np.float32)


def standardise(values: NDArray) -> NDArray[np.float64]:
    """Return `values` (..., n) less their mean over n, over their standard deviation.

    NaN stays NaN, equal values become 0.
    """
    known = np.isfinite(values)
    count = np.maximum(known.sum(-1, keepdims=True), 1)
    kept = np.where(known, values, 0).astype(np.float64)
    apart = np.where(known, kept - kept.sum(-1, keepdims=True) / count, 0)
    spread = np.sqrt((apart * apart).sum(-1, keepdims=True) / count)
    return np.where(known, apart / np.where(spread > 1e-9, spread, np.inf), np.nan)


def best(scores: Scores, n: int) -> NDArray[np.int64]:
    """Return the places of the `n` highest scores, in no order."""
    if n >= len(scores):
        return np.arange(len(scores))
    return np.argpartition(-scores, n)[:n]
