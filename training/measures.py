"""Measures of a classification on rows that the model had not seen; plain numbers, ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import expected_calibration_error
from models.classifier import CategoryClassifier, level_probabilities
from models.taxonomy import Taxonomy


def category_report(model: CategoryClassifier, proba: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return accuracy, macro F1 and calibration per level, top-3 of the leaf and what back-off does."""
    taxonomy = model.taxonomy_
    levels = []
    for level in range(taxonomy.depth):
        p = level_probabilities(proba, taxonomy, level)
        wanted, said = taxonomy.ancestors[truth, level], p.argmax(1)
        levels.append(
            {
                "accuracy": round(float((said == wanted).mean()), 4),
                "macro_f1": round(float(np.mean([c["f1"] for c in per_class(said, wanted)])), 4),
                "ece": round(expected_calibration_error(p.max(1), said == wanted), 4),
                "classes": len(taxonomy.nodes[level]),
            }
        )
    top3 = np.argsort(-proba, axis=1)[:, :3]
    depths, rights = [], []
    for row, leaf in zip(proba, truth, strict=True):
        category = model.category_of(row)
        depths.append(category.depth)
        wanted_path = taxonomy.paths[leaf]
        rights.append(category.depth == 0 or category.path[category.depth - 1] == wanted_path[category.depth - 1])
    return {
        "rows": len(truth),
        "levels": levels,
        "leaf_top3": round(float((top3 == truth[:, None]).any(1).mean()), 4),
        "mean_depth": round(float(np.mean(depths)), 3),
        "right_at_depth": round(float(np.mean(rights)), 4),
    }


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
