"""Questions that were written before the entries were looked at, and labelled afterwards: what a stranger asks."""

import datetime
from pathlib import Path

from kb.hittest import hit_test, read_questions, totals
from serve.engine import Engine

FILE = Path(__file__).parents[1] / "data" / "fresh_questions.csv"


def test_a_stranger_is_answered_rightly_or_not_at_all(engine: Engine) -> None:
    """Nothing was trained or chosen on these rows; two of the entries wanted were added after they were asked for."""
    rows = read_questions(FILE, [])
    found = totals(hit_test(rows, engine.answerer, engine.bundle.embedder, on=datetime.date(2026, 11, 26)))
    assert found["questions"] == 60
    assert found["hit@3"] >= 0.95
    assert found["answered"] >= 0.3
    assert found["right_among_answered"] >= 0.9, "of some twenty answered, one more may be wrong than is"
    assert found["off_topic_answered"] <= 0.05


def test_the_shipped_confidence_keeps_its_promise_on_the_thousands_it_was_measured_on(engine: Engine) -> None:
    """Cross-fitted when the bundle was trained: no question was judged by a model or threshold that saw its entry."""
    measured = engine.bundle.answering["metrics"]
    assert measured["questions"] > 2000
    assert measured["right_among_answered"] >= 0.95
    assert measured["off_topic_answered"] <= 0.03
    assert measured["answered"] >= 0.5
