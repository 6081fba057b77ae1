"""The answered entries follow the store: each change alone, the whole when the store went back, nothing twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kb.entry import KnowledgeEntry
from kb.live import LiveEntries
from kb.relations import find_relations
from kb.store import EntryStore
from tests.kb.test_index import GOOD_ENTRY, RandomEmbedder, searched


def entry(number: int, **changes: object) -> KnowledgeEntry:
    made = {
        "id": f"L{number}",
        "question": f"第{number}件事怎么办",
        "answer": f"第{number}件事到窗口办。",
        "aliases": (),
    }
    return replace(GOOD_ENTRY, **{**made, **changes})


@pytest.fixture
def store(database_url: str) -> Iterator[EntryStore]:
    opened = EntryStore(database_url)
    opened.upsert([entry(n) for n in range(60)], who="甲", why="先有的")
    yield opened
    opened.close()


def found(live: LiveEntries, wanted: KnowledgeEntry) -> list[KnowledgeEntry]:
    vector = RandomEmbedder().encode([searched(wanted)], kind="passage")[0]
    return [h.entry for h in live.index.search(wanted.answer, vector, top=3)]


def test_only_what_changed_is_embedded_and_it_is_found_at_once(store: EntryStore) -> None:
    counting = RandomEmbedder()
    live = LiveEntries(store, counting)
    before = counting.calls
    changed, new = entry(7, answer="如今在网上办。"), entry(99)
    store.upsert([changed, new], who="乙", why="改")
    assert live.catch_up()
    assert counting.calls - before == 4
    assert live.revision == store.revision
    assert found(live, changed)[0] == changed
    assert found(live, new)[0] == new
    assert len(live.index) == 61


def test_a_retired_entry_is_gone_and_a_draft_changes_nothing(store: EntryStore) -> None:
    live = LiveEntries(store, RandomEmbedder())
    store.move("L3", "retire", who="乙", why="不办了")
    store.save(entry(4, answer="还没审的。"), who="甲", why="改")
    assert live.catch_up()
    assert "L3" not in {e.id for e in live.index.entries}
    assert live.index.get("L4") == entry(4)
    assert live.index.wasted == 1


def test_a_store_that_went_back_must_be_read_anew(store: EntryStore, tmp_path: Path) -> None:
    live = LiveEntries(store, RandomEmbedder())
    live.revision += 5
    assert not live.catch_up()


def test_relations_after_many_changes_are_those_of_a_start(store: EntryStore) -> None:
    live = LiveEntries(store, RandomEmbedder())
    same = {"question": "高龄补贴多少钱", "category": "0901", "keywords": ("补贴",)}
    steps = [
        [entry(1, **same, answer="每月100元。"), entry(2, **same, answer="每月150元。")],
        [entry(2, **same, answer="每月100元。"), entry(3, **same, answer="每月120元。")],
        [entry(1, answer="不再说钱。"), entry(4, **same, answer="每月90元。", status="retired")],
    ]
    told = []
    for step in steps:
        store.upsert(step, who="乙", why="改")
        assert live.catch_up()
        anew = find_relations(live.index.entries, live.index.question_vectors())
        told.append({i: {(r.entry.id, r.detail) for r in related} for i, related in live.relations.items()})
        assert told[-1] == {i: {(r.entry.id, r.detail) for r in related} for i, related in anew.items()}
    assert [sorted(t) for t in told] == [["L1", "L2"], ["L1", "L2", "L3"], ["L2", "L3"]]


def test_removed_places_are_given_back_and_the_order_stays(store: EntryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.index.WASTE", 50)
    live = LiveEntries(store, RandomEmbedder())
    for turn in range(4):
        store.upsert([entry(n, answer=f"第{turn}次改,{n}。") for n in range(40)], who="乙", why="改")
        assert live.catch_up()
    assert live.index.wasted <= 60
    fresh = LiveEntries(store, RandomEmbedder())
    assert {e.id: e for e in live.index.entries} == {e.id: e for e in fresh.index.entries}
    for wanted in (entry(3, answer="第3次改,3。"), entry(50)):
        assert [e.id for e in found(live, wanted)] == [e.id for e in found(fresh, wanted)]


def test_entries_are_found_while_others_change(store: EntryStore) -> None:
    """A search in another thread sees an entry before or after its change, never neither."""
    import threading

    live, wanted, missing = LiveEntries(store, RandomEmbedder()), entry(50), []
    stop = threading.Event()

    def search() -> None:
        while not stop.is_set():
            if found(live, wanted)[0].id != "L50":
                missing.append(1)

    searching = threading.Thread(target=search)
    searching.start()
    try:
        for turn in range(15):
            store.upsert([replace(wanted, basis=f"第{turn}条"), entry(1, answer=f"{turn}。")], who="乙", why="改")
            assert live.catch_up()
    finally:
        stop.set()
        searching.join()
    assert not missing
