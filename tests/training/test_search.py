"""The search for the head's parameters: seeded, within its budget, and never worse than where it began."""

from __future__ import annotations

import numpy as np
import pytest

from models.features import WordCutter
from models.taxonomy import Taxonomy
from tests.training.conftest import rows_of_sayings
from training.fit import Labelled
from training.search import search, trial


@pytest.fixture(scope="module")
def rows() -> Labelled:
    said = rows_of_sayings(120)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((120, 16)).astype(np.float32)
    return Labelled([r["诉求内容"] for r in said], vectors, [r["类别"] for r in said], np.arange(120))


@pytest.fixture(scope="module")
def taxonomy(rows: Labelled) -> Taxonomy:
    return Taxonomy.from_labels([(leaf,) for leaf in rows.leaves])


def test_the_same_seed_gives_the_same_parameters(rows: Labelled, taxonomy: Taxonomy) -> None:
    cutter = WordCutter()
    one = search(rows, taxonomy, cutter=cutter, minutes=5, seed=3, trials=4)
    two = search(rows, taxonomy, cutter=cutter, minutes=5, seed=3, trials=4)
    assert one == two
    assert one[1]["tried"] == 4
    assert one[1]["best"] >= one[1]["first"]


def test_a_spent_budget_leaves_the_first_candidate(rows: Labelled, taxonomy: Taxonomy) -> None:
    start = {"penalty": 0.3, "lexical_weight": 0.6}
    parameters, record = search(rows, taxonomy, cutter=WordCutter(), minutes=0, start=start, trials=50)
    assert record["tried"] < 50
    assert {**start, **parameters}.keys() >= start.keys()
    assert record["trials"][0]["penalty"] == 0.3


def test_a_bad_start_is_left_for_something_better(rows: Labelled, taxonomy: Taxonomy) -> None:
    """Vectors here are noise, so a head that only looks at them is no better than chance."""
    start = {"lexical_weight": 0.0, "penalty": 0.2}
    parameters, record = search(rows, taxonomy, cutter=WordCutter(), minutes=5, start=start, trials=6)
    assert record["best"] > record["first"] + 0.2
    assert parameters["lexical_weight"] > 0


def test_a_trial_is_measured_on_rows_it_was_not_fitted_on(rows: Labelled, taxonomy: Taxonomy) -> None:
    from training.search import _task

    task = _task(rows, taxonomy, WordCutter(), None, 0)
    assert not set(task.texts) & set(task.test_texts)
    assert len(task.texts) + len(task.test_texts) == 120
    assert 0 <= trial(task, {"penalty": 0.2}) <= 1
