"""Measures of a classification on rows that the model had not seen; plain numbers, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import expected_calibration_error
from models.classifier import CategoryClassifier, level_probabilities
from models.taxonomy import Taxonomy

RESAMPLES = 300
"""Bootstrap samples behind an interval."""


@dataclass(frozen=True)
class Walked:
    """What is shown for n rows: leaf (n,), safe depth (n,) and the chance of each level of its path (n, depth)."""

    leaves: NDArray[np.int64]
    depths: NDArray[np.int64]
    chances: NDArray[np.float64]


def category_report(
    model: CategoryClassifier,
    proba: NDArray[np.float64],
    truth: NDArray[np.int64],
    walked: Walked | None = None,
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Return what the shown path is worth, with 95 % bootstrap intervals over the rows (`..._ci`).

    Per level accuracy, macro F1, calibration error and the share of rows that can be answered at 95 % accuracy;
    top-3 of the leaf; mean depth, right at the reported depth, and depth-weighted accuracy: a row counts as the
    share of the levels reported when they are right, and as nothing when they are not. `walked` stands in for what
    `model` shows when its calibration differed between the rows.
    """
    taxonomy = model.taxonomy_
    shown = walked or Walked(*model.walk(proba))
    rows = np.arange(len(truth))
    said, wanted = taxonomy.ancestors[shown.leaves], taxonomy.ancestors[truth]
    right = said == wanted
    top3 = (np.argsort(-proba, axis=1)[:, :3] == truth[:, None]).any(1)
    at_depth = (shown.depths == 0) | right[rows, np.maximum(shown.depths, 1) - 1]
    weighted = np.where(at_depth, shown.depths / taxonomy.depth, 0.0)
    weights = resamples(len(truth), seed)
    levels = []
    for level in range(taxonomy.depth):
        f1 = macro_f1(said[:, level], wanted[:, level])
        levels.append(
            {
                "accuracy": _mean(right[:, level]),
                "accuracy_ci": interval(right[:, level], weights),
                "macro_f1": round(f1, 4),
                "macro_f1_ci": _range([macro_f1(said[:, level], wanted[:, level], w) for w in weights[:100]]),
                "ece": round(expected_calibration_error(shown.chances[:, level], right[:, level]), 4),
                "coverage_at_95": coverage(shown.chances[:, level], right[:, level]),
                "classes": len(taxonomy.nodes[level]),
            }
        )
    return {
        "rows": len(truth),
        "levels": levels,
        "leaf_top3": _mean(top3),
        "leaf_top3_ci": interval(top3, weights),
        "mean_depth": round(float(shown.depths.mean()), 3),
        "right_at_depth": _mean(at_depth),
        "right_at_depth_ci": interval(at_depth, weights),
        "depth_weighted": _mean(weighted),
        "depth_weighted_ci": interval(weighted, weights),
    }


def resamples(rows: int, seed: int = 0, samples: int = RESAMPLES) -> NDArray[np.float64]:
    """Return how often each row is drawn in each bootstrap sample, of shape (samples, rows) (Efron, 1979)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(rows, np.full(rows, 1 / rows), samples).astype(np.float64)


def interval(values: NDArray[Any], weights: NDArray[np.float64]) -> list[float]:
    """Return the 95 % percentile interval of the mean of `values` (n,) over (samples, n) `weights`."""
    return _range(list(weights @ values.astype(np.float64) / len(values)))


def wilson(values: NDArray[np.bool_]) -> list[float]:
    """Return the 95 % interval of a share after Wilson (1927): small numbers and shares near 0 or 1 stay honest."""
    n, z = len(values), 1.96
    if not n:
        return [0.0, 1.0]
    share = float(values.mean())
    middle, half = share + z * z / (2 * n), z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    low, high = ((middle + side * half) / (1 + z * z / n) for side in (-1, 1))
    return [round(max(low, 0.0), 4), round(min(high, 1.0), 4)]


def _range(values: Sequence[float]) -> list[float]:
    low, high = np.quantile(np.asarray(values), (0.025, 0.975))
    return [round(float(low), 4), round(float(high), 4)]


def _mean(values: NDArray[Any]) -> float:
    return round(float(values.mean()), 4)


def macro_f1(said: NDArray[np.int64], wanted: NDArray[np.int64], weights: NDArray[np.float64] | None = None) -> float:
    """Return the mean F1 of the classes that occur in `wanted`, rows counted by `weights`."""
    size = int(max(said.max(), wanted.max())) + 1
    w = np.ones(len(said)) if weights is None else weights
    hit = np.bincount(wanted, w * (said == wanted), size)
    total = np.bincount(wanted, w, size)
    f1 = 2 * hit / np.maximum(total + np.bincount(said, w, size), 1e-9)
    return float(f1[total > 0].mean())


def coverage(confidence: NDArray[np.float64], right: NDArray[np.bool_], wanted: float = 0.95) -> float:
    """Return the largest share of rows, the most confident first, of which at least `wanted` are right."""
    order = np.argsort(-confidence, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(accuracy >= wanted)
    return round(float((good[-1] + 1) / len(right)), 4) if len(good) else 0.0


def slices(
    right: NDArray[np.bool_], parts: Mapping[str, NDArray[np.bool_]], *, least: int = 20, seed: int = 0
) -> list[dict[str, Any]]:
    """Return rows, accuracy and its interval for each named part of at least `least` rows."""
    found = []
    for name, inside in parts.items():
        if inside.sum() >= least:
            values = right[inside]
            found.append(
                {
                    "name": name, "rows": len(values), "accuracy": _mean(values),
                    "ci": interval(values, resamples(len(values), seed)),
                }
            )  # fmt: skip
    return found


def per_class(said: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and support of every class that occurs in `wanted`, by class position."""
    out = []
    for c in np.unique(wanted):
        hit = int(((said == c) & (wanted == c)).sum())
        named, support = int((said == c).sum()), int((wanted == c).sum())
        precision, recall = hit / named if named else 0.0, hit / support
        f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
        out.append(
            {
                "class": int(c),
                "support": support,
                "precision": round(precision, 4),
                "recall": round(recall, 4),
                "f1": round(f1, 4),
            }
        )
    return out


def confusions(
    said: NDArray[np.int64], wanted: NDArray[np.int64], most: int = 20
) -> list[tuple[int, int, NDArray[np.int64]]]:
    """Return the most frequent (wanted, said, rows) with said != wanted."""
    wrong = np.flatnonzero(said != wanted)
    pairs: dict[tuple[int, int], list[int]] = {}
    for i in wrong:
        pairs.setdefault((int(wanted[i]), int(said[i])), []).append(int(i))
    ranked = sorted(pairs.items(), key=lambda kv: (-len(kv[1]), kv[0]))[:most]
    return [(w, s, np.array(rows)) for (w, s), rows in ranked]


def reliability(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> list[dict[str, float]]:
    """Return one point per filled bin: mean confidence, share right, rows."""
    which = np.clip((confidence * bins).astype(int), 0, bins - 1)
    return [
        {
            "confidence": round(float(confidence[which == b].mean()), 4),
            "accuracy": round(float(right[which == b].mean()), 4),
            "rows": int((which == b).sum()),
        }
        for b in range(bins)
        if (which == b).any()
    ]


def level_right(
    proba: NDArray[np.float64], truth: NDArray[np.int64], taxonomy: Taxonomy, level: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return (said, wanted, confidence) at a level, 0 the broadest."""
    p = level_probabilities(proba, taxonomy, level)
    return p.argmax(1), taxonomy.ancestors[truth, level], p.max(1)
