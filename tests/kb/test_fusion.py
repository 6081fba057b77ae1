"""How the scores of the two searches become one: shares, views and the file of weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kb.fusion import Fusion, Views, best, standardise

ONE = np.ones(3, np.float32)
NONE = np.full(3, np.nan, np.float32)


def _views(**changed: np.ndarray) -> Views:
    plain = Views(NONE, NONE, np.array([0.9, 0.8, 0.7], np.float32), np.array([1, 5, 1], np.float32), ONE)
    return replace(plain, **changed)


def test_the_share_of_the_cosines_falls_with_the_number_of_passages() -> None:
    fusion = Fusion(dense_short=0.7, dense_long=0.3, long_passages=4)
    shares = [fusion.dense_share(np.full(5, n, np.float32)) for n in (1, 2, 4, 20)]
    assert shares == pytest.approx([0.7, 0.5, 0.3, 0.3])


def test_each_side_alone_decides_with_the_whole_share() -> None:
    assert Fusion(dense_short=1.0).scores(_views()).argmax() == 0
    assert Fusion(dense_short=0.0).scores(_views()).argmax() == 1


def test_an_entry_without_questions_competes_by_its_passage() -> None:
    mixed = np.array([np.nan, 0.8, 0.9], np.float32)
    scores = Fusion().scores(_views(question_best=mixed, question_mean=mixed, lexical=ONE))
    assert np.isfinite(scores).all()
    assert scores.argmax() == 0


def test_a_better_view_never_lowers_the_score() -> None:
    before = Fusion().scores(_views())
    after = Fusion().scores(_views(lexical=np.array([1, 5, 4], np.float32)))
    assert after[2] - after[0] > before[2] - before[0]


def test_equal_values_and_single_candidates_standardise_to_zero() -> None:
    assert standardise(np.array([2.0, 2.0])).tolist() == [0, 0]
    assert standardise(np.array([np.nan, 3.0]))[1] == 0
    assert np.isnan(standardise(np.array([np.nan]))).all()


def test_best_returns_all_when_there_are_few() -> None:
    assert sorted(best(np.array([1.0, 3.0, 2.0], np.float32), 2)) == [1, 2]
    assert sorted(best(np.array([1.0], np.float32), 5)) == [0]


def test_an_unusable_weights_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "retrieval.json"
    for content in ("{", "{}", '{"weights": {"dense_short": 0.7}}'):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"retrieval\.json"):
            Fusion.load(file)
