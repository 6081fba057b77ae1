"""Migrations on both databases: entries of the first release keep their place, and many may start at once."""

import json
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from kb import database
from kb.database import MIGRATIONS, connect
from kb.store import EntryStore, open_store
from models.locations import data_dir
from tests.conftest import ROOT
from tests.kb.test_entry import GOOD


def to(url: str, revision: str) -> None:
    config, engine = Config(), sa.create_engine(url)
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        move = command.downgrade if revision in {"base", "-1"} else command.upgrade
        move(config, revision)
    engine.dispose()


def test_entries_of_the_first_release_stay_live_with_their_author(database_url: str) -> None:
    to(database_url, "0001")
    engine = sa.create_engine(database_url)
    with engine.begin() as connection:
        for revision, status in enumerate(("published", "draft"), 1):
            content = json.dumps({**GOOD, "id": f"T{revision}", "status": status}, ensure_ascii=False)
            values = {"i": f"T{revision}", "s": status, "c": content, "r": revision}
            connection.execute(sa.text("INSERT INTO entry VALUES (:i, :s, :c, :r)"), values)
            connection.execute(
                sa.text("INSERT INTO entry_version VALUES (:r, :i, :c, '甲', '导入', '2026-03-01 08:00:00')"), values
            )
    engine.dispose()
    store = EntryStore(database_url)
    assert [e.id for e in store.entries(status="published")] == ["T1"]
    held = store.get("T2")
    assert (held.author, held.live_revision, held.changed_at.isoformat()) == ("甲", None, "2026-03-01T08:00:00")
    assert store.move("T2", "submit", who="甲", why="请审").revision == 3
    store.close()


def test_the_tables_can_be_taken_back(database_url: str) -> None:
    connect(database_url).dispose()
    to(database_url, "base")
    engine = sa.create_engine(database_url)
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_many_processes_may_start_at_once_on_an_empty_database(database_url: str) -> None:
    program = "import sys, pathlib, kb.store as s; s.open_store(sys.argv[1], pathlib.Path(sys.argv[2]))"
    shipped: Path = data_dir() / "kb" / "entries.csv"
    started = [
        subprocess.Popen([sys.executable, "-c", program, database_url, str(shipped)], cwd=ROOT) for _ in range(4)
    ]
    assert [p.wait(300) for p in started] == [0] * 4
    store = open_store(database_url, shipped)
    assert store.count() == store.revision
    store.close()


def test_tables_at_the_newest_migration_are_opened_without_alembic_and_stale_ones_are_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kb.db'}"
    program = (
        "import sys; from kb.database import connect; e = connect(sys.argv[1]);"
        "v = e.connect().exec_driver_sql('SELECT version_num FROM alembic_version').scalar();"
        "print('alembic' in sys.modules, v)"
    )

    def opened() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", program, url], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.split()

    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert opened() == ["True", head], "the tables are made"
    assert opened() == ["False", head], "nothing is left to do"
    to(url, "-1")
    assert opened() == ["True", head], "one migration behind"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    assert not database._newest(engine), "tables of which nothing is known"
    engine.dispose()
