"""What the confidence measures: whether the entry holds what is asked, and whether it is alone in doing so."""

import math

import numpy as np
import pytest

from kb.asking import shipped_asking
from kb.confidence import FEATURES, KNOWN, Confidence, measured
from kb.entry import KnowledgeEntry
from kb.index import Hit
from kb.lexical import Bm25Index
from tests.kb.test_answering import entry

POOL = entry(1, "游泳馆多少钱一次", "游泳馆一次三十元,12岁以下半价。")
VECTOR = np.zeros(2, np.float32)
LIBRARY = entry(2, "图书馆几点开门", "图书馆早上九点开门。")


def asked(text: str, *found: KnowledgeEntry, places: tuple[str, ...] = ()) -> dict[str, float]:
    """What is measured when `found` come first and next, with cosines and scores that fall."""
    index = Bm25Index([f"{e.question} {e.answer}" for e in (POOL, LIBRARY)])
    hits = [Hit(e, 2.0 - i, 0.95 - 0.02 * i, 0.94 - 0.02 * i, 0.5 - 0.2 * i) for i, e in enumerate(found)]
    return measured(text, hits, index.rarities(text), shipped_asking(), places)


def test_what_the_entry_does_not_speak_of_is_not_covered() -> None:
    near, far = asked("游泳馆多少钱", POOL), asked("游泳馆能带宠物狗进去玩吗", POOL)
    assert near["coverage"] == pytest.approx(1)
    assert far["coverage"] < 0.5


def test_another_thing_asked_of_the_same_subject_shows() -> None:
    assert asked("游泳馆一次要多少钱", POOL)["aspect"] == 0
    assert asked("游泳馆几点关门", POOL)["aspect"] == 1


def test_a_number_that_the_entry_lacks_shows() -> None:
    assert asked("12岁的娃游泳多少钱", POOL)["number"] == 0
    assert asked("65岁的人游泳多少钱", POOL)["number"] == 1


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("游泳馆一次多少钱", 0),
        ("游泳馆几点关门", 1),
        ("游泳馆多少钱,电话多少", 0.5),
        ("办游泳卡带什么材料", 1),
        ("我叫[姓名],[电话],游泳馆一次多少钱", 0),
        ("游泳馆能带狗吗", 0),
        ("我上礼拜在游泳馆门口等了一个钟头,打电话没人接,就是想问一下今年夏天里头开着没,大人进去一次多少钱", 0),
    ],
)
def test_a_sum_an_hour_or_a_telephone_number_that_the_answer_does_not_tell_shows(text: str, lacking: float) -> None:
    assert asked(text, POOL)["lacking"] == lacking


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("我的游泳卡办好没有", 1),
        ("我妈交的申请批下来没", 1),
        ("帮我查一下排到第几了", 1),
        ("游泳卡怎么办", 0),
        ("我想办个游泳卡,带什么", 0),
    ],
)
def test_asking_what_has_become_of_the_own_case_shows(text: str, own: float) -> None:
    assert asked(text, POOL)["own_case"] == own


def test_another_place_shows_unless_the_entry_names_it() -> None:
    places = ("东山市", "西岭")
    assert asked("西岭游泳馆多少钱", POOL, places=places)["elsewhere"] == 1
    assert asked("游泳馆多少钱", POOL, places=places)["elsewhere"] == 0
    assert asked("西岭游泳馆多少钱", entry(3, "西岭游泳馆多少钱", "二十元。"), places=places)["elsewhere"] == 0


def test_the_lead_is_over_the_best_of_the_others() -> None:
    found = asked("游泳馆多少钱", POOL, LIBRARY)
    assert found["score_gap"] == pytest.approx(1)
    assert found["question_gap"] == pytest.approx(0.02)
    assert found["coverage_gap"] > 0.5
    assert found["first_share"] == pytest.approx(1 / (1 + math.exp(-1)))


@pytest.mark.parametrize(
    ("text", "told"),
    [("啥时候交", {"when"}), ("去哪办、带啥材料", {"where", "papers"}), ("路灯坏了", set()), ("能不能退", {"whether"})],
)
def test_what_is_asked_for_is_told_by_its_words(text: str, told: set[str]) -> None:
    assert shipped_asking().aspects_of(text) == told


def record(**changes: object) -> dict[str, object]:
    made = {"features": ["aspect"], "mean": [0.0], "scale": [1.0], "weights": [-2.0], "bias": 1.0, "threshold": 0.5}
    return {**made, **changes}


def test_a_record_of_an_older_bundle_still_counts_what_it_names() -> None:
    older = ["dense", "question", "question_gap", "lexical_gap", "score_gap", "length"]
    zeros = dict.fromkeys(("mean", "weights"), [0.0] * 6)
    confidence = Confidence(record(features=older, scale=[1.0] * 6, **zeros))
    assert confidence("游泳", VECTOR, [Hit(POOL, 1.0, 0.9, 0.9, 0.1)], {}) == pytest.approx(1 / (1 + math.exp(-1)))


def test_the_kind_of_question_counts_by_its_vector() -> None:
    hits = [Hit(POOL, 1.0, 0.9, 0.9, 0.1)]
    confidence = Confidence(record(weights=[0.0], vector_weights=[0.0, -3.0]))
    assert confidence("游泳", np.array([1, 0], np.float32), hits, {}) == pytest.approx(1 / (1 + math.exp(-1)))
    assert confidence("游泳", np.array([0, 1], np.float32), hits, {}) == pytest.approx(1 / (1 + math.exp(2)))


def test_the_places_of_the_record_count() -> None:
    hits = [Hit(POOL, 1.0, 0.9, 0.9, 0.1)]
    confidence = Confidence(record(features=["elsewhere"], places=["西岭"]))
    assert confidence("游泳", VECTOR, hits, {}) == pytest.approx(1 / (1 + math.exp(-1)))
    assert confidence("西岭游泳", VECTOR, hits, {}) == pytest.approx(1 / (1 + math.exp(1)))


def test_the_words_of_the_record_count_and_those_of_an_older_one_are_the_shipped() -> None:
    words = {
        "aspects": {"how_much": ["咋卖"]},
        "holdings": {},
        "own_case": {"who": ["俺"], "step": ["办"], "state": ["没"], "also": ["问一声"]},
    }
    hits = [Hit(POOL, 1.0, 0.9, 0.9, 0.1)]
    older, own = Confidence(record()), Confidence(record(asking=words))
    surely, doubted = (pytest.approx(1 / (1 + math.exp(-z))) for z in (1, -1))
    assert (older("游泳几点", VECTOR, hits, {}), own("游泳几点", VECTOR, hits, {})) == (doubted, surely)
    assert (older("游泳咋卖", VECTOR, hits, {}), own("游泳咋卖", VECTOR, hits, {})) == (doubted, doubted)


def test_a_measure_that_nobody_knows_is_refused() -> None:
    assert set(FEATURES) <= KNOWN
    with pytest.raises(ValueError, match="实有 luck"):
        Confidence(record(features=["luck"]))
