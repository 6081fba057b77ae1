"""The measures: what they say on cases that can be counted by hand."""

import numpy as np
import pytest

from models.classifier import CategoryClassifier
from models.taxonomy import Taxonomy
from training.fit import thresholds
from training.measures import Walked, category_report, coverage, interval, macro_f1, resamples, slices
from training.report import drift

TREE = Taxonomy.from_labels([("甲", "一"), ("甲", "二"), ("乙", "三"), ("乙", "四")])


def head(threshold: float) -> CategoryClassifier:
    model = CategoryClassifier()
    model.taxonomy_, model.classes_ = TREE, np.array(TREE.leaves)
    model.thresholds_ = {"0.1": [threshold, threshold]}
    return model


def test_depth_weighted_accuracy_counts_how_deep_a_right_answer_goes() -> None:
    truth = np.array([0, 0, 0, 0])
    shown = Walked(np.array([0, 1, 2, 2]), np.array([2, 1, 1, 0]), np.full((4, 2), 0.9))
    found = category_report(head(0.5), np.full((4, 4), 0.25), truth, shown)
    assert [level["accuracy"] for level in found["levels"]] == [0.5, 0.25]
    assert found["right_at_depth"] == 0.75, "the third names the wrong branch; the fourth names none"
    assert found["depth_weighted"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)


def test_coverage_is_the_largest_most_confident_part_that_is_right_often_enough() -> None:
    confidence = np.linspace(1, 0, 100)
    right = np.array([True] * 40 + [False] * 2 + [True] * 18 + [False] * 40)
    assert coverage(confidence, right) == pytest.approx(0.61), "58 of 61 are .951, 58 of 62 are not enough"
    assert coverage(confidence, np.zeros(100, bool)) == 0.0


def test_macro_f1_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    said, wanted = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    assert macro_f1(said, wanted) == pytest.approx(f1_score(wanted, said, average="macro"))


def test_an_interval_holds_the_mean_and_narrows_with_rows() -> None:
    few, many = (np.tile([True, True, True, False], n) for n in (10, 400))
    short, long = (interval(v, resamples(len(v))) for v in (few, many))
    assert short[0] < 0.75 < short[1]
    assert long[1] - long[0] < (short[1] - short[0]) / 3


def test_a_slice_of_too_few_rows_is_not_stated() -> None:
    right = np.ones(50, bool)
    found = slices(right, {"多": np.arange(50) < 40, "少": np.arange(50) >= 40})
    assert [s["name"] for s in found] == ["多"]
    assert found[0]["ci"] == [1.0, 1.0]


def test_an_answer_as_sure_as_the_measured_ones_passes_their_threshold() -> None:
    sure = 0.99998
    proba = np.full((20, 4), (1 - sure) / 3)
    proba[:, 0] = sure
    truth = np.zeros(20, np.int64)
    model = head(0.0)
    model.thresholds_ = {"0.1": thresholds(proba, truth, TREE, 0.1)}
    assert (model.walk(proba)[1] == TREE.depth).all()


def test_another_taxonomy_is_no_drift() -> None:
    now = {"shares": {"甲": 0.5, "乙": 0.5}, "centre": [1.0, 0.0]}
    assert drift(now, {"shares": {"市政": 1.0}, "centre": [1.0, 0.0]}) is None
    found = drift(now, {"shares": {"甲": 0.9, "乙": 0.1}, "centre": [1.0, 0.0]})
    assert found is not None
    assert found["psi"] > 0.25
