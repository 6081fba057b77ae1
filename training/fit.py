"""Fitting a category head on labelled texts: measured and calibrated on held-out groups, then fitted on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import fit_exponents, fit_temperature, safe_threshold, softmax
from models.classifier import CategoryClassifier, level_probabilities
from models.features import WordCutter
from models.linear import DUAL_LIMIT
from models.taxonomy import Taxonomy
from training.measures import category_report

RISKS = (0.05, 0.1, 0.2)
_CALIBRATION_ROWS = 4000
"""Most held-out rows that calibration looks at; more change nothing but the time."""


@dataclass(frozen=True)
class Labelled:
    """Training rows: texts in the head's form, (n, dimension) vectors, leaf keys and duplicate groups.

    `asked` is True for the rows that are measured on and calibrated with; the others, such as the reply that stands
    beside a question, only teach, and belong to the group of the row they stand beside. None: all are.
    """

    texts: Sequence[str]
    vectors: NDArray[np.float32]
    leaves: Sequence[str]
    groups: NDArray[np.int64]
    asked: NDArray[np.bool_] | None = None

    def only_asked(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the positions `rows` that can be asked for."""
        return rows if self.asked is None else rows[self.asked[rows]]

    def take(self, rows: NDArray[np.int64]) -> Labelled:
        """Return some of the rows."""
        picked = rows.tolist()
        texts, leaves = [self.texts[i] for i in picked], [self.leaves[i] for i in picked]
        asked = None if self.asked is None else self.asked[rows]
        return Labelled(texts, self.vectors[rows], leaves, self.groups[rows], asked)


@dataclass(frozen=True)
class Fitted:
    """A fitted head with what was measured on rows it had not seen."""

    model: CategoryClassifier
    """What ships."""
    held: NDArray[np.int64]
    """Positions of the held-out rows that were measured."""
    proba: NDArray[np.float64]
    """(n_held, n_leaves) probabilities, calibrated on the other half of the held-out groups."""
    truth: NDArray[np.int64]
    metrics: dict[str, Any]
    refitted: bool
    """Whether `model` also learned from the held-out rows."""
    search: dict[str, Any] | None = None
    """Record of the search for its parameters, if there was one."""


def fit_category(
    data: Labelled,
    taxonomy: Taxonomy,
    held: NDArray[np.bool_],
    *,
    cutter: WordCutter,
    text_vectors: NDArray[np.float32] | None = None,
    parameters: dict[str, Any] | None = None,
) -> Fitted:
    """Fit without the `held` rows, which are whole groups, calibrate and measure on them, then fit on everything.

    Above `models.linear.DUAL_LIMIT` rows the second fit is left out: what was measured is what ships.
    """

    def fitted(rows: NDArray[np.int64]) -> CategoryClassifier:
        model = CategoryClassifier(cutter=cutter, **(parameters or {}))
        leaves = [data.leaves[i] for i in rows]
        return model.fit(
            [data.texts[i] for i in rows],
            leaves,
            embeddings=data.vectors[rows],
            taxonomy=taxonomy,
            text_embeddings=text_vectors,
        )

    everything = np.arange(len(data.texts))
    rows = data.only_asked(everything[held])
    first = fitted(everything[~held])
    scores = first.decision_function([data.texts[i] for i in rows], data.vectors[rows])
    truth = np.array([taxonomy.index[data.leaves[i]] for i in rows])
    proba = _cross_calibrated(scores, truth, data.groups[rows], taxonomy)
    refit = len(everything) <= DUAL_LIMIT
    model = fitted(everything) if refit else first
    model.temperature_, model.exponents_ = calibration(scores, truth, taxonomy)
    model.thresholds_ = {str(r): thresholds(proba, truth, taxonomy, r) for r in RISKS}
    return Fitted(model, rows, proba, truth, category_report(model, proba, truth), refit)


def calibration(
    scores: NDArray[np.float32], truth: NDArray[np.int64], taxonomy: Taxonomy
) -> tuple[float, NDArray[np.float64]]:
    """Return temperature and exponents per level that make `scores` (n, n_leaves) honest about `truth`."""
    if len(truth) > _CALIBRATION_ROWS:
        chosen = np.sort(np.random.default_rng(0).permutation(len(truth))[:_CALIBRATION_ROWS])
        scores, truth = scores[chosen], truth[chosen]
    temperature = fit_temperature(scores, truth)
    if taxonomy.depth == 1:
        return temperature, np.ones(1)
    return temperature, fit_exponents(softmax(scores, temperature), truth, taxonomy.ancestors)


def _cross_calibrated(
    scores: NDArray[np.float32], truth: NDArray[np.int64], groups: NDArray[np.int64], taxonomy: Taxonomy
) -> NDArray[np.float64]:
    """Probabilities of each half of the groups with the calibration of the other half."""
    side = np.random.default_rng(0).permutation(int(groups.max()) + 1)[groups] % 2
    proba = np.zeros(scores.shape, np.float64)
    helper = CategoryClassifier()
    helper.taxonomy_ = taxonomy
    for half in (0, 1):
        inside, other = side == half, side != half
        if not inside.any():
            continue
        source = other if other.sum() >= 10 else np.ones_like(other)
        helper.temperature_, helper.exponents_ = calibration(scores[source], truth[source], taxonomy)
        proba[inside] = helper.calibrate_scores(scores[inside])
    return proba


def thresholds(
    proba: NDArray[np.float64],
    truth: NDArray[np.int64],
    taxonomy: Taxonomy,
    risk: float,
    weights: NDArray[np.float64] | None = None,
) -> list[float]:
    """Return per level the lowest confidence with at most `risk` (of the row `weights`) wrong above it."""
    found = []
    for level in range(taxonomy.depth):
        p = level_probabilities(proba, taxonomy, level)
        right = p.argmax(1) == taxonomy.ancestors[truth, level]
        found.append(floor(1e4 * safe_threshold(p.max(1), right, risk, weights)) / 1e4)  # up would shut out its own
    return found
