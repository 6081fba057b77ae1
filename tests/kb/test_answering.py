"""Answers: what is published, valid and for the district; an honest no answer; the sentence that answers."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from kb.answering import Answerer
from kb.entry import KnowledgeEntry, from_row
from kb.index import HybridIndex
from kb.live import LiveEntries
from kb.relations import figures, find_relations
from kb.store import EntryStore
from models.bundle import load_bundle
from models.catalog import load_catalog
from models.embedder import Embedder
from models.locations import bundle_dir, catalog_dir
from tests.kb.test_entry import GOOD

DAY = datetime.date(2026, 6, 1)


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(bundle_dir(), load_catalog(catalog_dir()))


def entry(number: int, question: str, answer: str, **changes: object) -> KnowledgeEntry:
    return replace(
        from_row({**GOOD, "id": f"T{number}", "question": question, "aliases": "", "answer": answer}), **changes
    )


LIBRARY = (
    entry(1, "图书馆几点开门", "图书馆早上九点开门。周一不开。"),
    entry(2, "怎么办借书证", "带身份证到服务台办借书证,当场拿证。"),
    entry(3, "游泳馆多少钱一次", "游泳馆一次三十元。"),
    entry(4, "羽毛球馆怎么预约", "羽毛球馆提前一天在前台预约。"),
)


def answerer(bundle, *entries: KnowledgeEntry) -> Answerer:
    return Answerer(HybridIndex(entries, bundle.embedder), bundle.answering)


def ask(bundle, a: Answerer, text: str, **options: object):
    vector = bundle.embedder.encode([text], kind="query")[0]
    return a.answer(text, vector, **{"on": DAY, **options})


def test_the_right_entry_answers_with_the_sentence_that_answers(bundle) -> None:
    result = ask(bundle, answerer(bundle, *LIBRARY), "图书馆几点开门")
    assert result.answers[0].entry_id == "T1"
    assert result.answers[0].confidence > 2 * result.answers[1].confidence
    assert result.answers[0].highlight == "图书馆早上九点开门。"


def test_a_question_about_something_else_is_not_answered(bundle) -> None:
    result = ask(bundle, answerer(bundle, *LIBRARY), "我家楼上天天装修吵得睡不着")
    assert not result.answered
    assert result.answers


@pytest.mark.parametrize(
    "change",
    [
        {"effective_to": datetime.date(2026, 5, 31)},
        {"effective_from": datetime.date(2026, 6, 2)},
        {"status": "draft"},
        {"status": "retired"},
        {"region": "城东区"},
    ],
)
def test_an_entry_that_is_not_in_force_is_never_answered(bundle, change: dict[str, object]) -> None:
    first, *rest = LIBRARY
    result = ask(bundle, answerer(bundle, replace(first, **change), *rest), "图书馆几点开门", district="城西区")
    assert "T1" not in {a.entry_id for a in result.answers}


def test_an_entry_that_ends_soon_says_so(bundle) -> None:
    first, *rest = LIBRARY
    ending = replace(first, effective_to=datetime.date(2026, 6, 20))
    result = ask(bundle, answerer(bundle, ending, *rest), "图书馆几点开门")
    assert any("2026-06-20" in w for w in result.answers[0].warnings)


def related(bundle, *entries: KnowledgeEntry) -> Answerer:
    index = HybridIndex(entries, bundle.embedder)
    return Answerer(index, bundle.answering, find_relations(index.entries, index.question_vectors()))


def test_another_figure_for_the_same_question_is_told(bundle) -> None:
    one = entry(5, "高龄补贴每月多少钱", "每人每月一百元。", category="0901")
    two = entry(6, "高龄老人补贴标准是多少", "每人每月150元。", category="0901")
    result = ask(bundle, related(bundle, one, two, *LIBRARY), "高龄补贴每月多少钱")
    warnings = {a.entry_id: a.warnings[0] for a in result.answers if a.entry_id in {"T5", "T6"}}
    assert warnings == {
        "T5": "与条目 T6 的数字不一致(100元 / 150元)",
        "T6": "与条目 T5 的数字不一致(150元 / 100元)",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"answer": "每人每月100元,80岁起。"},
        {"question": "残疾证怎么办"},
        {"region": "城东区"},
        {"effective_from": datetime.date(2026, 6, 2)},
        {"category": "0101"},
        {"status": "retired"},
    ],
)
def test_what_does_not_contradict_is_not_told(bundle, change: dict[str, object]) -> None:
    one = entry(5, "高龄补贴每月多少钱", "每人每月一百元。", category="0901", region="城西区")
    two = replace(entry(6, "高龄老人补贴标准是多少", "每人每月150元。", category="0901"), **change)
    result = ask(bundle, related(bundle, one, two, *LIBRARY), "高龄补贴每月多少钱", district="城西区")
    assert not [w for a in result.answers for w in a.warnings if "不一致" in w]


def test_a_contradiction_that_comes_later_is_told_when_there_was_none_before(bundle, tmp_path) -> None:
    store = EntryStore(f"sqlite:///{tmp_path / 'kb.db'}")
    store.upsert(LIBRARY, who="甲", why="先有的")
    live = LiveEntries(store, bundle.embedder)
    running = Answerer(live.index, bundle.answering, live.relations)
    store.upsert([entry(9, "游泳馆一次多少钱", "游泳馆一次五十元。")], who="乙", why="后来的")
    assert live.catch_up()
    told = {a.entry_id: a.warnings for a in ask(bundle, running, "游泳馆多少钱一次").answers}
    assert "与条目 T9 的数字不一致(30元 / 50元)" in told["T3"]
    store.close()


def test_a_newer_entry_on_the_same_question_is_told_from_its_day_on(bundle) -> None:
    old = entry(5, "最低工资多少", "每月1880元。", effective_from=datetime.date(2024, 1, 1))
    new = entry(6, "最低工资是多少", "每月2080元。", effective_from=datetime.date(2026, 6, 1))
    a = related(bundle, old, new, *LIBRARY)

    def told(day: datetime.date) -> set[str]:
        return {x.entry_id for x in ask(bundle, a, "最低工资多少", on=day).answers if "已有更新" in str(x.warnings)}

    assert told(datetime.date(2026, 5, 31)) == set()
    assert told(datetime.date(2026, 6, 1)) == {"T5"}


@pytest.mark.parametrize(
    ("text", "unit", "figures_"),
    [
        ("每月5.17元/平方米", "元", {"5.17元"}),
        ("三十个工作日内", "工作日", {"30工作日"}),
        ("1.5万元", "元", {"15000元"}),
        ("当年10月15日至次年4月15日", "日期", {"10月15日", "4月15日"}),
        ("2026-01-01起", "年份", {"2026年"}),
        ("早上九点到17:30", "点", {"9点", "17:30"}),
        ("青政〔2021〕5号第三条", "元", set()),
        ("一百二十天", "天", {"120天"}),
    ],
)
def test_figures_are_read_with_their_units(text: str, unit: str, figures_: set[str]) -> None:
    assert set(figures(text).get(unit, ())) == figures_


def test_an_empty_knowledge_base_answers_nothing(bundle) -> None:
    assert not ask(bundle, answerer(bundle), "图书馆几点开门").answered


def test_the_confidence_is_a_probability(bundle) -> None:
    for text in ("图书馆几点开门", "啊", "借书"):
        for a in ask(bundle, answerer(bundle, *LIBRARY), text).answers:
            assert 0 <= a.confidence <= 1


def test_vectors_are_kept_between_starts(bundle, tmp_path) -> None:
    class Counting:
        name, dimension, calls = bundle.embedder.name, bundle.embedder.dimension, 0

        def encode(self, texts, *, kind, batch_size=32):
            self.calls += len(texts)
            return bundle.embedder.encode(texts, kind=kind)

    counting: Embedder = Counting()
    cache = tmp_path / "v.npz"
    first = HybridIndex(LIBRARY, counting, cache)
    made = counting.calls
    again = HybridIndex(LIBRARY, counting, cache)
    assert counting.calls == made
    v = bundle.embedder.encode(["借书"], kind="query")[0]
    assert [h.entry.id for h in first.search("借书", v)] == [h.entry.id for h in again.search("借书", v)]
    assert np.isfinite([h.score for h in again.search("借书", v)]).all()
