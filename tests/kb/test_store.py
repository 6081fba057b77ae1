"""The store: every change is a version with who and why, and an import is all or nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from kb.entry import KnowledgeEntry, from_row
from kb.store import EntryStore
from tests.kb.test_entry import GOOD


@pytest.fixture
def store(tmp_path: Path) -> EntryStore:
    return EntryStore(f"sqlite:///{tmp_path / 'kb.db'}")


@pytest.fixture
def entry() -> KnowledgeEntry:
    return from_row(GOOD)


def test_a_change_makes_a_version_with_who_and_why(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.upsert([entry], who="甲", why="新建")
    store.upsert([replace(entry, answer="六点关门。")], who="乙", why="改时间")
    versions = store.versions("T1")
    assert [(who, why) for _, who, why, _ in versions] == [("甲", "新建"), ("乙", "改时间")]
    assert versions[0][3] == entry
    assert store.entries()[0].answer == "六点关门。"


def test_storing_the_same_again_changes_nothing(store: EntryStore, entry: KnowledgeEntry) -> None:
    assert store.upsert([entry], who="甲", why="新建") == 1
    before = store.revision
    assert store.upsert([entry], who="甲", why="再来一次") == 0
    assert store.revision == before


def test_an_import_that_breaks_leaves_nothing(store: EntryStore, entry: KnowledgeEntry) -> None:
    def rows():
        yield entry
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.upsert(rows(), who="甲", why="导入")
    assert store.entries() == []
    assert store.revision == 0


def test_only_the_asked_status_is_returned(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.upsert([entry, replace(entry, id="T2", status="draft")], who="甲", why="新建")
    assert [e.id for e in store.entries(status="published")] == ["T1"]
