"""Label audit and simulator on plain numbers; the large fit against the exact one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

import models.linear
from models.linear import fit_ridge, pruned_fit, solve_ridge
from training.audit import cross_probabilities, method_for
from training.errors import TrainError
from training.simulate import Costs, choose, simulate


@pytest.mark.parametrize("method", ["own", "cleanlab"])
def test_wrong_labels_are_found_first(method: str) -> None:
    if method == "cleanlab":
        pytest.importorskip("cleanlab", reason="needs the extra audit")
    find, name = method_for(method)
    assert name == method
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 400)
    truth[truth == 2] = 5  # a class in the middle and one at the end that no row has
    given = truth.copy()
    wrong = rng.choice(400, 20, replace=False)
    given[wrong] = np.where(given[wrong] == 0, 1, 0)
    proba = rng.dirichlet(np.ones(7), 400) * 0.3
    proba[np.arange(400), truth] += 0.7
    found = find(proba, given)
    assert len(found) >= 10
    assert {s.position for s in found} <= set(wrong.tolist())
    assert all(s.believed == truth[s.position] for s in found)
    assert [s.doubt for s in found] == sorted((s.doubt for s in found), reverse=True)


def test_an_unknown_way_to_doubt_labels_is_refused() -> None:
    with pytest.raises(TrainError, match="own、cleanlab 或 auto"):
        method_for("votes")


def test_every_row_is_scored_by_a_model_that_had_not_seen_its_group() -> None:
    groups = np.arange(60) // 3

    def score(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        assert not set(groups[train]) & set(groups[test])
        return np.ones((len(test), 2)) / 2

    assert (cross_probabilities(score, groups, 2).sum(1) == 1).all()


def test_a_higher_price_of_wrong_dispatch_raises_the_threshold() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(3000)
    right = rng.random(3000) < confidence
    gone = np.zeros(3000, bool)
    cheap, dear = (choose(simulate(confidence, right, gone, Costs(wrong_cost=c))) for c in (1, 20))
    assert cheap.threshold < dear.threshold
    assert cheap.automatic > dear.automatic
    assert dear.accuracy > cheap.accuracy


def test_the_fit_for_many_rows_comes_to_the_exact_one(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    lexical = sp.random(300, 900, 0.03, "csr", np.float32, random_state=0)
    dense = rng.normal(size=(300, 16)).astype(np.float32) / 4
    targets = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 300)]
    weights = rng.uniform(0.5, 1, 300).astype(np.float32)
    exact = fit_ridge(lexical, dense, targets, row_weights=weights)
    monkeypatch.setattr(models.linear, "DUAL_LIMIT", 0)
    monkeypatch.setattr(models.linear, "CG_TOLERANCE", 1e-4)
    monkeypatch.setattr(models.linear, "CG_STEPS", 100)
    near = fit_ridge(lexical, dense, targets, row_weights=weights)
    for a, b in zip(exact, near, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-3)


def test_a_fit_made_and_pruned_in_blocks_is_that_of_the_textbook(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    lexical = sp.random(60, 40, 0.2, "csr", np.float32, random_state=0)
    dense = rng.normal(size=(60, 6)).astype(np.float32) / 3
    targets = rng.normal(size=(60, 9)).astype(np.float32)
    weights = rng.uniform(0.5, 2, 60).astype(np.float32)
    words, root = lexical.toarray().astype(np.float64), np.sqrt(weights)[:, None]
    kernel = 0.6 * words @ words.T + 0.4 * dense @ dense.T
    shares = root * np.linalg.solve(root * kernel * root.T + 0.3 * np.eye(60), root * targets)
    whole = 0.6 * words.T @ shares
    monkeypatch.setattr(models.linear, "_PRUNED_AT_ONCE", 7 * 9)
    monkeypatch.setattr(models.linear, "_KERNEL_ROWS", 11)
    monkeypatch.setattr(models.linear, "_SOLVE_OUTPUTS", 4)
    solved = solve_ridge(lexical, dense, targets.copy(), lexical_weight=0.6, penalty=0.3, row_weights=weights)
    kept = pruned_fit(lexical, dense, solved, lexical_weight=0.6, keep=3)
    np.testing.assert_allclose(kept.dense, 0.4 * dense.T @ shares, atol=1e-5)
    for term in range(40):
        columns = kept.columns[kept.indptr[term] : kept.indptr[term + 1]]
        assert columns.tolist() == sorted(np.argsort(-np.abs(whole[term]))[:3].tolist())
        np.testing.assert_allclose(
            kept.data[kept.indptr[term] : kept.indptr[term + 1]], whole[term, columns], atol=1e-5
        )
    everything = pruned_fit(lexical, dense, solved, lexical_weight=0.6, keep=32)
    np.testing.assert_allclose(everything.data.reshape(40, 9), whole, atol=1e-5)
