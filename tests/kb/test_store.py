"""The store on both databases: versions with who and why, the workflow, locks, and all-or-nothing imports."""

import datetime
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from kb.entry import KnowledgeEntry, from_row
from kb.store import EntryStore, Filter, open_store
from kb.workflow import NotAllowedError, StaleError, StoreError, UnknownEntryError
from models.locations import data_dir
from tests.conftest import ROOT
from tests.kb.test_entry import GOOD


@pytest.fixture
def store(database_url: str) -> Iterator[EntryStore]:
    opened = EntryStore(database_url)
    yield opened
    opened.close()


@pytest.fixture
def entry() -> KnowledgeEntry:
    return replace(from_row(GOOD), status="draft")


def published(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(entry, who="甲", why="新建")
    store.move(entry.id, "submit", who="甲", why="请审")
    store.move(entry.id, "publish", who="乙", why="属实")


def test_a_change_makes_a_version_with_who_when_and_why(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(entry, who="甲", why="新建")
    store.save(replace(entry, answer="六点关门。"), who="乙", why="改时间")
    versions = store.versions("T1")
    assert [(v.action, v.who, v.why) for v in versions] == [("create", "甲", "新建"), ("edit", "乙", "改时间")]
    assert versions[0].entry == entry
    age = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - versions[0].at
    assert abs(age) < datetime.timedelta(minutes=1)
    assert store.entries()[0].answer == "六点关门。"


def test_storing_the_same_again_changes_nothing(store: EntryStore, entry: KnowledgeEntry) -> None:
    assert store.upsert([entry], who="甲", why="新建") == 1
    before = store.revision
    assert store.upsert([entry], who="甲", why="再来一次") == 0
    assert store.save(entry, who="甲", why="再来一次").revision == before
    assert store.revision == before


def test_an_import_that_breaks_leaves_nothing(store: EntryStore, entry: KnowledgeEntry) -> None:
    def rows() -> Iterator[KnowledgeEntry]:
        for number in range(500):
            yield replace(entry, id=f"T{number}")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.upsert(rows(), who="甲", why="导入")
    assert store.entries() == []
    assert store.revision == 0
    assert store.save(entry, who="甲", why="新建").revision == 1


def test_only_the_asked_status_is_returned(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.upsert([replace(entry, status="published"), replace(entry, id="T2")], who="甲", why="新建")
    assert [e.id for e in store.entries(status="published")] == ["T1"]
    assert [e.id for e in store.entries(status="draft")] == ["T2"]


def test_an_entry_goes_from_draft_to_retired(store: EntryStore, entry: KnowledgeEntry) -> None:
    published(store, entry)
    (live,) = store.entries(status="published")
    assert (live.status, live.reviewer) == ("published", "乙")
    store.move("T1", "retire", who="甲", why="文件废止")
    assert store.entries(status="published") == []
    assert [v.action for v in store.versions("T1")] == ["create", "submit", "publish", "retire"]


def test_the_author_is_not_the_reviewer(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(entry, who="甲", why="新建")
    store.move("T1", "submit", who="乙", why="代为提交")
    with pytest.raises(NotAllowedError, match="由 甲 起草"):
        store.move("T1", "publish", who="甲", why="自己发")
    assert store.get("T1").entry.status == "review"
    assert store.move("T1", "publish", who="乙", why="属实").entry.status == "published"


def test_the_author_is_who_made_the_current_content(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(entry, who="甲", why="新建")
    store.save(replace(entry, answer="六点关门。"), who="乙", why="改时间")
    store.move("T1", "submit", who="甲", why="请审")
    with pytest.raises(NotAllowedError, match="由 乙 起草"):
        store.move("T1", "publish", who="乙", why="发布")
    assert store.move("T1", "publish", who="甲", why="属实").entry.status == "published"


@pytest.mark.parametrize(
    ("done", "action"),
    [
        ((), "publish"),
        ((), "return"),
        ((), "reopen"),
        (("submit",), "submit"),
        (("submit", "publish"), "publish"),
        (("submit", "publish"), "submit"),
        (("retire",), "publish"),
        (("retire",), "retire"),
        ((), "delete"),
    ],
)
def test_a_step_that_is_not_in_the_workflow_is_refused(
    store: EntryStore, entry: KnowledgeEntry, done: tuple[str, ...], action: str
) -> None:
    store.save(entry, who="甲", why="新建")
    for step in done:
        store.move("T1", step, who="乙", why="走流程")
    before = store.get("T1")
    with pytest.raises(NotAllowedError):
        store.move("T1", action, who="丙", why="跳步")
    assert store.get("T1") == before


def test_nothing_without_a_basis_is_published(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(replace(entry, basis=""), who="甲", why="新建")
    store.move("T1", "submit", who="甲", why="请审")
    with pytest.raises(NotAllowedError, match="basis"):
        store.move("T1", "publish", who="乙", why="发布")


def test_the_published_version_stays_in_force_while_a_draft_is_worked_on(
    store: EntryStore, entry: KnowledgeEntry
) -> None:
    published(store, entry)
    store.save(replace(entry, answer="六点关门。"), who="丙", why="改时间")
    assert store.get("T1").entry.status == "draft"
    assert [e.answer for e in store.entries(status="published")] == [entry.answer]
    store.move("T1", "submit", who="丙", why="请审")
    store.move("T1", "publish", who="甲", why="属实")
    assert [e.answer for e in store.entries(status="published")] == ["六点关门。"]


def test_a_change_of_what_is_under_review_needs_a_new_submission(store: EntryStore, entry: KnowledgeEntry) -> None:
    store.save(entry, who="甲", why="新建")
    store.move("T1", "submit", who="甲", why="请审")
    store.save(replace(entry, answer="六点关门。"), who="甲", why="再改")
    with pytest.raises(NotAllowedError, match="待审核"):
        store.move("T1", "publish", who="乙", why="发布")


def test_versions_are_compared_field_by_field(store: EntryStore, entry: KnowledgeEntry) -> None:
    first = store.save(entry, who="甲", why="新建")
    second = store.save(replace(entry, answer="六点关门。", aliases=("几点关",)), who="乙", why="改时间")
    changes = store.compare("T1", first.revision, second.revision)
    assert [(c.field, c.before, c.after) for c in changes] == [
        ("aliases", "几点关门;下午几点下班", "几点关"),
        ("answer", "以大厅公告为准。", "六点关门。"),
    ]


def test_any_version_can_be_restored_as_a_draft(store: EntryStore, entry: KnowledgeEntry) -> None:
    published(store, entry)
    first = store.versions("T1")[0].revision
    store.save(replace(entry, answer="六点关门。"), who="丙", why="改时间")
    back = store.restore("T1", first, who="丁", why="改错了")
    assert (back.entry.answer, back.entry.status, back.author) == (entry.answer, "draft", "丁")
    assert store.versions("T1")[-1].action == "restore"
    with pytest.raises(UnknownEntryError):
        store.restore("T1", 999, who="丁", why="没有这版")


def test_whoever_comes_second_is_told_and_loses_nothing(store: EntryStore, entry: KnowledgeEntry) -> None:
    seen = store.save(entry, who="甲", why="新建", expected=0).revision
    store.save(replace(entry, answer="六点关门。"), who="乙", why="先到", expected=seen)
    with pytest.raises(StaleError) as error:
        store.save(replace(entry, answer="七点关门。"), who="丙", why="后到", expected=seen)
    assert error.value.revision == store.get("T1").revision
    assert store.get("T1").entry.answer == "六点关门。"
    with pytest.raises(StaleError):
        store.save(entry, who="丙", why="以为是新的", expected=0)


def test_many_writers_lose_no_change_and_share_no_revision(store: EntryStore, entry: KnowledgeEntry) -> None:
    def write(number: int) -> int:
        return store.save(replace(entry, id=f"T{number}"), who=f"人{number}", why="新建").revision

    with ThreadPoolExecutor(8) as pool:
        revisions = list(pool.map(write, range(40)))
    assert sorted(revisions) == list(range(1, 41))
    assert store.count() == 40


def test_of_many_who_edit_one_revision_one_wins(store: EntryStore, entry: KnowledgeEntry) -> None:
    seen = store.save(entry, who="甲", why="新建").revision

    def write(number: int) -> bool:
        try:
            store.save(replace(entry, answer=f"{number}点关门。"), who=f"人{number}", why="改", expected=seen)
        except StaleError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(8))) == 1
    assert store.revision == 2


def test_a_list_is_filtered_and_paged(store: EntryStore, entry: KnowledgeEntry) -> None:
    rows = [replace(entry, id=f"T{n:02}", category=f"0{n % 3}01", answer=f"答{n}%") for n in range(25)]
    store.upsert(rows, who="甲", why="新建")
    seen, cursor = [], ""
    while True:
        page = store.page(Filter(category="01"), cursor=cursor, limit=3)
        seen += [h.entry.id for h in page.items]
        cursor = page.cursor
        if not cursor:
            break
    assert seen == [e.id for e in rows if e.category.startswith("01")]
    assert [h.entry.id for h in store.page(Filter(text="答7%")).items] == ["T07"]
    assert store.count(Filter(author="乙")) == 0


def test_the_index_is_told_of_every_change_since(store: EntryStore, entry: KnowledgeEntry) -> None:
    published(store, entry)
    store.save(replace(entry, id="T2"), who="甲", why="新建")
    before = store.revision
    assert [(c.entry_id, c.entry and c.entry.status) for c in store.changes_since(0)] == [
        ("T1", "published"),
        ("T2", None),
    ]
    assert store.changes_since(before) == ()
    store.move("T1", "retire", who="乙", why="废止")
    (change,) = store.changes_since(before)
    assert (change.entry_id, change.entry, change.revision) == ("T1", None, store.revision)


@pytest.mark.parametrize(("who", "why"), [("", "新建"), ("甲", " "), ("甲" * 65, "新建"), ("甲\x00", "新建")])
def test_a_change_without_a_name_or_reason_is_refused(
    store: EntryStore, entry: KnowledgeEntry, who: str, why: str
) -> None:
    with pytest.raises(StoreError):
        store.save(entry, who=who, why=why)
    assert store.revision == 0


@pytest.mark.parametrize("change", [{"question": "a\x00b"}, {"id": "x" * 65}, {"answer": ""}, {"answer": "\ud800"}])
def test_an_entry_that_no_file_could_hold_is_refused(
    store: EntryStore, entry: KnowledgeEntry, change: dict[str, str]
) -> None:
    with pytest.raises(StoreError):
        store.save(replace(entry, **change), who="甲", why="新建")


def test_a_new_store_holds_the_shipped_entries(database_url: str) -> None:
    store = open_store(database_url, data_dir() / "kb" / "entries.csv")
    count = store.count()
    store.close()
    again = open_store(database_url, data_dir() / "kb" / "entries.csv")
    assert again.count() == count == again.revision
    again.close()


IMPORT = """
import sys, dataclasses
from kb.entry import from_row
from kb.store import EntryStore
from tests.kb.test_entry import GOOD
store, entry = EntryStore(sys.argv[1]), dataclasses.replace(from_row(GOOD), status="draft")
def rows():
    for n in range(2000):
        if n == int(sys.argv[2]):
            print("here", flush=True)
        yield dataclasses.replace(entry, id=f"N{n}")
store.upsert(rows(), who="甲", why="导入")
print("done", flush=True)
"""


@pytest.mark.parametrize("row", [0, 700, 1300, 1999])
def test_an_import_killed_in_the_middle_leaves_all_or_nothing(
    database_url: str, entry: KnowledgeEntry, row: int
) -> None:
    store = EntryStore(database_url)
    store.save(entry, who="甲", why="先有的")
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, database_url, str(row)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    time.sleep(0.02 if row < 1999 else 0.06)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdout.close()
    count = store.count()
    assert count in {1, 2001}
    assert store.revision == count
    assert store.upsert([replace(entry, id=f"N{n}") for n in range(2000)], who="乙", why="再导") == 2001 - count
    assert store.count() == 2001
    store.close()
