"""Calibrated answers: no question is judged by a model or threshold that saw its entry, and limits are kept."""

from dataclasses import replace

import numpy as np
import pytest

from kb.asking import shipped_asking
from kb.confidence import FEATURES
from training.answering import (
    OFF_TOPIC,
    WRONG,
    Questions,
    balanced,
    cross_fitted,
    doubtful,
    measure,
    safe_threshold,
    threshold_of,
)
from training.dev_questions import DevQuestion


def questions(n: int = 600, seed: int = 0) -> Questions:
    """Made-up measures of which the first says something; a third of the questions have no entry."""
    rng = np.random.default_rng(seed)
    wanted = rng.random(n) < 2 / 3
    right = wanted & (rng.random(n) < 0.9)
    x = rng.normal(size=(n, len(FEATURES)))
    x[:, 0] += np.where(right, 2.5, -1.0)
    entry = rng.integers(80, size=n)
    rows = tuple(DevQuestion(f"问{i}", f"E{entry[i]}" if wanted[i] else "", "甲" if i % 3 else "乙") for i in range(n))
    found = tuple(f"E{e}" if r else "E999" for e, r in zip(entry, right, strict=True))
    weights = balanced(rng.integers(5, 60, size=n), wanted)
    vectors = rng.normal(size=(n, 8)).astype(np.float32)
    return Questions(rows, x, vectors, right, wanted, found, entry % 10, weights, 80, "made up", (), shipped_asking())


def test_both_kinds_weigh_the_same_at_every_length() -> None:
    lengths = np.concatenate([np.full(300, 40), np.full(100, 40), np.full(20, 8), np.full(180, 8)])
    wanted = np.concatenate([np.ones(300, bool), np.zeros(100, bool), np.ones(20, bool), np.zeros(180, bool)])
    weights = balanced(lengths, wanted)
    for length in (8, 40):
        here = lengths == length
        share = weights[here & wanted].sum() / weights[here].sum()
        assert share == pytest.approx(wanted.mean())


def test_the_threshold_keeps_both_limits_and_gives_nothing_away() -> None:
    asked = questions()
    confidence = cross_fitted(asked)
    least = threshold_of(confidence, asked)
    kept = confidence >= least
    w = asked.weights
    assert (w * ~asked.right)[kept].sum() / w[kept].sum() <= WRONG
    assert (w * ~asked.wanted)[kept].sum() / w[~asked.wanted].sum() <= OFF_TOPIC
    assert kept[asked.wanted].mean() > 0.3


def test_a_kind_of_question_that_nothing_answers_is_learned_from_its_vector() -> None:
    asked = questions()
    told = asked.vectors.copy()
    told += np.where(asked.wanted, 0, 4)[:, None]
    with_kind = cross_fitted(replace(asked, vectors=told))
    assert with_kind[~asked.wanted].mean() < cross_fitted(asked)[~asked.wanted].mean() * 0.8


def test_the_threshold_is_also_safe_for_an_author_who_is_new() -> None:
    asked = questions()
    odd = np.array([r.author == "乙" for r in asked.rows])
    x = asked.x.copy()
    x[odd & ~asked.wanted, 0] += 2.5  # this author's questions without an entry look like those with one
    stranger = replace(asked, x=x)
    assert safe_threshold(stranger) > threshold_of(cross_fitted(stranger), stranger)


def test_where_nothing_is_safe_nothing_is_answered() -> None:
    asked = replace(questions(), right=np.zeros(600, bool))
    assert threshold_of(np.linspace(0, 1, 600), asked) > 1


def test_the_confidence_of_a_fold_does_not_depend_on_its_own_answers() -> None:
    asked = questions()
    outside = asked.fold == 3
    other = replace(asked, right=np.where(outside, ~asked.right, asked.right))
    np.testing.assert_allclose(cross_fitted(asked)[outside], cross_fitted(other)[outside])
    assert not np.allclose(cross_fitted(asked)[~outside], cross_fitted(other)[~outside])


def test_the_figures_are_of_questions_that_chose_nothing_and_by_author() -> None:
    figures = measure(questions())
    assert figures["answered"] > 0.3
    assert figures["right_among_answered"] > 0.9
    assert figures["off_topic_answered"] < 0.06
    assert set(figures["authors"]) == {"甲", "乙"}
    assert sum(count for _, _, count in figures["bins"]) == 600
    assert figures["ece"] < 0.1


def test_the_surest_mistakes_come_first() -> None:
    asked = questions()
    told = doubtful(asked, 5)
    assert [c for c, _, _ in told] == sorted((c for c, _, _ in told), reverse=True)
    assert all(row.entry_id != found for _, row, found in told)
