"""Answers: what is published, valid and for the district; an honest no answer; the sentence that answers."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from kb.answering import Answerer
from kb.entry import KnowledgeEntry, from_row
from kb.index import HybridIndex
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
    assert result.answered
    assert result.answers[0].entry_id == "T1"
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
