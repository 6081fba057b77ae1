"""What calls leave for the desk, on both databases: the unanswered queue, hits, feedback, and the health check."""

import datetime
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from kb.entry import from_row
from kb.feedback import Feedback
from kb.health import check
from kb.importing import Known
from kb.recorder import Recorder
from kb.relations import Relation
from kb.store import EntryStore
from kb.unanswered import UnansweredQueue
from kb.workflow import NotAllowedError, StoreError, UnknownEntryError
from models.embedder import load_embedder
from models.locations import bundle_dir
from tests.kb.test_entry import GOOD

DAY = datetime.date(2026, 6, 1)


@pytest.fixture
def store(database_url: str) -> Iterator[EntryStore]:
    opened = EntryStore(database_url)
    opened.upsert([from_row({**GOOD, "id": n}) for n in ("T1", "T2")], who="甲", why="新建")
    yield opened
    opened.close()


@pytest.fixture
def queue(store: EntryStore) -> UnansweredQueue:
    return UnansweredQueue(store.engine, "test")


def unit(*values: float) -> np.ndarray:
    return (np.array(values) / np.linalg.norm(values)).astype(np.float32)


def test_like_questions_join_and_are_counted_and_the_newest_is_the_sample(store: EntryStore) -> None:
    embedder = load_embedder(bundle_dir() / "encoder")
    questions = ["育儿补贴怎么领", "怎么领育儿补贴", "小区能装充电桩吗", "育儿补贴在哪领,我电话13812345678"]
    queue = UnansweredQueue(store.engine, embedder.name)
    for question in questions:
        queue.add([question], embedder.encode([question.split(",")[0]], kind="query"))
    first, second = queue.list()
    assert (first.asked, first.sample) == (3, "育儿补贴在哪领,我电话[电话]")
    assert (second.asked, second.sample) == (1, "小区能装充电桩吗")


def test_a_question_below_the_likeness_starts_a_cluster(queue: UnansweredQueue) -> None:
    queue.add(["甲", "乙", "甲二"], np.stack([unit(1, 0), unit(0.7, 0.7), unit(1, 0.1)]))
    assert [(c.sample, c.asked) for c in queue.list()] == [("甲二", 2), ("乙", 1)]


def test_a_cluster_is_assigned_and_closed(queue: UnansweredQueue) -> None:
    queue.add(["甲"], unit(1, 0)[None])
    number = queue.list()[0].id
    assert queue.assign(number, "小李", who="组长").status == "assigned"
    with pytest.raises(StoreError, match="条目或说明"):
        queue.close(number, who="小李")
    assert queue.close(number, who="小李", entry_id="T1").entry_id == "T1"
    with pytest.raises(NotAllowedError, match="小李 关闭"):
        queue.assign(number, "小王", who="组长")
    with pytest.raises(UnknownEntryError):
        queue.close(999, who="小李", note="无")
    assert queue.list() == ()
    assert len(queue.list(status="closed")) == 1


def test_a_question_like_a_closed_one_opens_a_new_cluster(queue: UnansweredQueue) -> None:
    queue.add(["甲"], unit(1, 0)[None])
    queue.close(queue.list()[0].id, who="小李", note="不归我市管")
    queue.add(["甲又来"], unit(1, 0)[None])
    assert [(c.sample, c.asked) for c in queue.list()] == [("甲又来", 1)]


def test_many_who_add_lose_no_question(queue: UnansweredQueue) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: queue.add([f"问{n}"], unit(1, 0.01)[None]), range(24)))
    assert [c.asked for c in queue.list()] == [24]


def test_hits_add_up(store: EntryStore) -> None:
    feedback = Feedback(store.engine)
    feedback.add_hits({"T1": 2})
    feedback.add_hits({"T1": 1, "T2": 5})
    assert feedback.hits() == {"T1": 3, "T2": 5}


def test_a_correction_is_two_verdicts_with_a_masked_question(store: EntryStore) -> None:
    feedback = Feedback(store.engine)
    feedback.record("几点下班,我电话13812345678", "T2", "corrected", who="坐席7", instead_of="T1")
    assert [(v.entry_id, v.verdict, v.who) for v in feedback.rows()] == [
        ("T2", "corrected", "坐席7"),
        ("T1", "wrong", "坐席7"),
    ]
    assert "138" not in feedback.rows()[0].question
    assert feedback.rows(since=feedback.rows()[-1].id) == ()


@pytest.mark.parametrize(
    ("question", "entry_id", "verdict"), [("问", "T9", "right"), ("问", "T1", "maybe"), ("", "T1", "right")]
)
def test_feedback_that_means_nothing_is_refused(store: EntryStore, question: str, entry_id: str, verdict: str) -> None:
    feedback = Feedback(store.engine)
    with pytest.raises(StoreError):
        feedback.record(question, entry_id, verdict, who="坐席7")
    assert feedback.rows() == ()


def test_only_the_last_form_of_a_growing_question_is_recorded(store: EntryStore, queue: UnansweredQueue) -> None:
    time_ = [0.0]
    recorder = Recorder(Feedback(store.engine), queue, interval=100, clock=lambda: time_[0])
    for spoken in ("育儿", "育儿补贴", "育儿补贴怎么领"):
        recorder.unanswered(spoken, unit(1, 0))
        recorder.flush(everything=False)
    assert queue.list() == ()
    recorder.unanswered("几点", unit(0, 1))
    recorder.answered("几点下班", "T1")
    time_[0] = 101
    recorder.flush(everything=False)
    assert [(c.sample, c.asked) for c in queue.list()] == [("育儿补贴怎么领", 1)]
    assert Feedback(store.engine).hits() == {"T1": 1}
    recorder.close()


def test_the_recorder_writes_by_itself(store: EntryStore, queue: UnansweredQueue) -> None:
    recorder = Recorder(Feedback(store.engine), queue, interval=0.05)
    recorder.unanswered("育儿补贴怎么领", unit(1, 0))
    for _ in range(1200):
        if queue.list():
            break
        time.sleep(0.05)
    recorder.close()
    assert [c.asked for c in queue.list()] == [1]


def test_the_check_names_every_kind_of_trouble() -> None:
    known = Known(frozenset({"市民政局"}), frozenset({"0101"}), frozenset({"城西区"}))
    good = replace(from_row(GOOD), department="市民政局", category="0101")
    entries = [
        good,
        replace(good, id="T2", effective_to=DAY - datetime.timedelta(1)),
        replace(good, id="T3", effective_to=DAY + datetime.timedelta(30)),
        replace(good, id="T4", effective_to=DAY + datetime.timedelta(31)),
        replace(good, id="T5", department="市民政局;撤销了的局"),
        replace(good, id="T6", category="9999"),
        replace(good, id="T7"),
    ]
    relations = {
        "T1": (Relation("conflict", entries[6], "1元 / 2元"),),
        "T7": (Relation("conflict", good, "2元 / 1元"), Relation("superseded", good, "2026-01-01")),
    }
    hits = {e.id: 1 for e in entries} | {"T4": 0}
    found = check(entries, known, relations, hits, today=DAY)
    assert [(f.kind, f.entry_id, f.other) for f in found] == [
        ("expired", "T2", ""),
        ("expiring", "T3", ""),
        ("conflict", "T1", "T7"),
        ("superseded", "T7", "T1"),
        ("orphaned", "T5", ""),
        ("orphaned", "T6", ""),
        ("never_hit", "T4", ""),
    ]
