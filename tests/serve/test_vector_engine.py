"""The service on either vector engine: the same answers, changes at once, and a lost server costs no answer."""

import csv
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from kb.entry import COLUMNS, read_entries, to_row
from kb.pgvector import PREFIX, PgVectorIndex
from models.locations import data_dir
from serve.engine import Engine, vector_engine
from serve.runtime import Runtime
from serve.settings import Settings

QUESTION = "工地上试用期最长能定多久"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every tenth shipped entry: quick to embed."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "kb").mkdir()
    entries = [e for e in read_entries(data_dir() / "kb" / "entries.csv") if e.status == "published"]
    chosen = [e for n, e in enumerate(entries) if n % 10 == 0 or "试用期" in e.question]
    with (folder / "kb" / "entries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(to_row(e) for e in chosen)
    (folder / "tickets").symlink_to(data_dir() / "tickets")
    return folder


@pytest.fixture(scope="module")
def faiss(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine(Settings(home=tmp_path_factory.mktemp("faiss"), data=few))


@pytest.fixture
def pgvector(faiss: Engine, few: Path, postgres: str, tmp_path: Path) -> Iterator[Engine]:
    pytest.importorskip("pgvector")
    try:
        PgVectorIndex(postgres, 3).close()
    except RuntimeError as reason:
        pytest.skip(str(reason))
    (tmp_path / "index").symlink_to(faiss.settings.home / "index")
    made = Engine(Settings(home=tmp_path, data=few, vectors="pgvector", vectors_database=postgres))
    yield made
    made.live.index.close()


def tables(postgres: str) -> int:
    engine = create_engine(postgres)
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT count(*) FROM pg_class WHERE relkind='r' AND relname ~ '^{PREFIX}_'"))
        count = int(found.scalar_one())
    engine.dispose()
    return count


def test_both_engines_give_the_same_answers(faiss: Engine, pgvector: Engine) -> None:
    for question in (QUESTION, "社保卡丢了咋办", "路灯坏了"):
        one, other = (e.answer(question, record=False) for e in (faiss, pgvector))
        assert [a.entry_id for a in one.answers] == [a.entry_id for a in other.answers]
        assert one.answered == other.answered


def test_a_retired_entry_leaves_pgvector_at_once(pgvector: Engine) -> None:
    first = pgvector.answer(QUESTION, record=False).answers[0].entry_id
    pgvector.store.move(first, "retire", who="乙", why="试")
    after = pgvector.with_new_entries()
    assert first not in {a.entry_id for a in after.answer(QUESTION, record=False).answers}
    assert after.live is pgvector.live


def test_a_lost_server_costs_no_answer_and_the_index_is_made_anew(pgvector: Engine, postgres: str) -> None:
    runtime = Runtime(pgvector)
    before = [a.entry_id for a in pgvector.answer(QUESTION, record=False).answers]
    admin = create_engine(postgres)
    with admin.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
    admin.dispose()
    assert pgvector.answer(QUESTION, record=False).answers[0].entry_id == before[0]
    assert pgvector.live.index.lost
    runtime.look()
    assert runtime.engine.live is not pgvector.live
    assert not runtime.engine.live.index.lost
    assert [a.entry_id for a in runtime.engine.answer(QUESTION, record=False).answers] == before
    assert tables(postgres) == 2  # those of the lost connection are swept
    runtime.engine.live.index.close()
    runtime.close()


def test_pgvector_without_postgresql_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="YOUSU_VECTORS=pgvector 需要 PostgreSQL"):
        vector_engine(Settings(home=tmp_path, vectors="pgvector"))


def test_a_table_in_use_is_refused(postgres: str) -> None:
    pytest.importorskip("pgvector")
    name = f"v{uuid.uuid4().hex}"
    try:
        first = PgVectorIndex(postgres, 3, name)
    except RuntimeError as reason:
        pytest.skip(str(reason))
    with pytest.raises(RuntimeError, match="另一个进程"):
        PgVectorIndex(postgres, 3, name)
    first.close()
    PgVectorIndex(postgres, 3, name).close()
