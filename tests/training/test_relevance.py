"""Feedback on answers becomes questions to learn from: the last word counts, quarrels are left to people."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert
from sqlalchemy.orm import Session

from kb.entry import read_entries
from kb.feedback import Feedback
from kb.store import EntryStore
from models.bundle import check_files
from serve.records import FeedbackRow, Records, now
from tests.training.test_retrieval import _files, bundle  # noqa: F401  (a fixture)
from training.errors import TrainError
from training.relevance import AUTHOR, Vote, adapt, read_relevance, settle


def votes(*said: tuple[str, str, bool]) -> list[Vote]:
    return [Vote("暖气冰凉", entry, who, answers) for who, entry, answers in said]


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        ([("甲", "E1", True)], "E1"),
        ([("甲", "E1", True), ("乙", "E1", True), ("丙", "E2", True)], "E1"),
        ([("甲", "E1", True), ("甲", "E1", False), ("甲", "E2", True)], "E2"),
        ([("甲", "", True)], ""),
        ([("甲", "E1", True), ("乙", "E2", True)], None),
        ([("甲", "E1", False)], None),
        ([("甲", "E9", True)], None),
    ],
)
def test_votes_are_settled_by_the_last_word_and_the_most(
    said: list[tuple[str, str, bool]], settled: str | None
) -> None:
    found = settle(votes(*said), ["E1", "E2"])
    assert [q.entry_id for q in found.questions] == ([] if settled is None else [settled])
    assert bool(found.left_out) == (settled is None)


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> str:
    entries, _ = _files(tmp_path)
    store = EntryStore(database_url)
    store.upsert(read_entries(entries), who="甲", why="装入")
    desk = Feedback(store.engine)
    desk.record("屋里冷得很", "E1", "clicked", who="甲")
    desk.record("钱想取出来", "E3", "corrected", who="甲", instead_of="E0")
    store.close()
    Records(database_url).close()
    said = [
        ("身份证找不见了", "accept", "E2", ""), ("农合钱几月收", "correct", "E3", "E0"),
        ("路口的猫叫", "correct", "E1", ""), ("听不清", "unsure", "E1", ""),
    ]  # fmt: skip
    engine = create_engine(database_url)
    with Session(engine) as session, session.begin():
        for n, (text, verdict, proposed, value) in enumerate(said):
            session.execute(
                insert(FeedbackRow).values(
                    id=f"f{n}",
                    call_id="",
                    text=text,
                    field="answer",
                    verdict=verdict,
                    proposed=proposed,
                    value=value,
                    note="",
                    who="乙",
                    at=now(),
                    bundle="b",
                    kb="1",
                )
            )
    engine.dispose()
    return database_url


def test_clicks_and_corrections_of_panel_and_desk_are_read(url: str) -> None:
    found = read_relevance(url, ["E0", "E1", "E2", "E3"])
    assert {(q.question, q.entry_id) for q in found.questions} == {
        ("屋里冷得很", "E1"),
        ("钱想取出来", "E3"),
        ("身份证找不见了", "E2"),
        ("农合钱几月收", "E0"),
        ("路口的猫叫", ""),
    }
    assert {q.author for q in found.questions} == {AUTHOR}
    assert found.left_out == {}


def test_a_bundle_adapts_to_entries_and_feedback_and_stays_whole(
    url: str,
    bundle: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    before = check_files(bundle)["version"]
    records, relevance = adapt(bundle, tmp_path / "questions.csv", url)
    assert len(relevance.questions) == 5
    assert records["retrieval"]["made"]["questions"]["rows"] == 9
    assert records["answering"]["made"]["questions"]["rows"] == 11
    assert "坐席" in records["answering"]["metrics"]["authors"]
    assert check_files(bundle)["version"] != before


def test_a_database_without_feedback_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"none\.db.*读不出答复反馈"):
        read_relevance(f"sqlite:///{tmp_path / 'none.db'}", [])
