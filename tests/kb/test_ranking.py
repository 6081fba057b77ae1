"""The thing that answers is ranked first, a new one at once, and a removed one never again."""

import numpy as np
import pytest

from kb.ranking import Ranker, Searchable
from models.embedder import Embedder, load_embedder
from models.locations import bundle_dir

THINGS = [
    Searchable("每年九月到十二月集中缴费,手机上就能交。", ("居民医保什么时候缴费", "合疗几月份交")),
    Searchable("先打供热单位客服,二十四小时内上门测温。", ("暖气不热找谁", "家里冷得很暖气没温度")),
    Searchable("带身份证和照片到户籍窗口,当场受理。", ("身份证丢了怎么补", "身份证掉了咋办")),
    Searchable("养犬应当登记。" * 60 + "大型犬不得在重点管理区饲养。" + "遛犬应当束绳。" * 60),
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(bundle_dir() / "encoder")


@pytest.fixture
def ranker(embedder: Embedder) -> Ranker:
    made = Ranker(embedder)
    made.add(THINGS)
    return made


def _slots(ranker: Ranker, text: str) -> list[int]:
    return [r.slot for r in ranker.search(text, ranker.embedder.encode([text], kind="query")[0])]


@pytest.mark.parametrize(
    ("question", "slot"),
    [("合作医疗啥时候交钱", 0), ("屋里暖气一点都不热", 1), ("补办身份证", 2), ("重点管理区能养大型犬吗", 3)],
)
def test_the_entry_that_answers_comes_first(ranker: Ranker, question: str, slot: int) -> None:
    assert _slots(ranker, question)[0] == slot


def test_a_new_thing_is_found_at_once_and_a_removed_one_never_again(ranker: Ranker) -> None:
    added = ranker.add([Searchable("高温补贴每月发放,标准以现行公布为准。", ("高温补贴有多少",))])
    assert added.tolist() == [4]
    assert _slots(ranker, "高温费发多少")[0] == 4
    ranker.remove(added)
    assert len(ranker) == 4
    assert 4 not in _slots(ranker, "高温费发多少")


def test_growing_in_steps_ranks_like_building_at_once(embedder: Embedder, ranker: Ranker) -> None:
    grown = Ranker(embedder)
    for thing in THINGS:
        grown.add([thing])
    vector = embedder.encode(["养狗要办证吗"], kind="query")[0]
    one, other = ranker.search("养狗要办证吗", vector), grown.search("养狗要办证吗", vector)
    assert [r.slot for r in one] == [r.slot for r in other]
    np.testing.assert_allclose([r.score for r in one], [r.score for r in other], atol=1e-3)


def test_an_empty_ranker_and_an_empty_body_are_no_accident(embedder: Embedder) -> None:
    empty = Ranker(embedder)
    assert _slots(empty, "医保") == []
    empty.add([Searchable("", ("医保",)), Searchable("")])
    assert _slots(empty, "医保")[0] == 0
    empty.remove([0, 1])
    assert _slots(empty, "医保") == []
