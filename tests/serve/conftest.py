"""A service in this process over a database of its own: fast enough to be made anew for every test."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from kb.feedback import Feedback
from kb.recorder import Recorder
from kb.store import EntryStore
from kb.unanswered import UnansweredQueue
from serve import similar
from serve.app import create_app
from serve.engine import Engine
from serve.records import Records


class Renewed(Engine):
    """The shipped engine over another store; it leaves the index that others share alone at the first change."""

    def with_new_entries(self) -> Engine:
        other = copy.copy(self)
        other.__class__ = Engine
        other._load_entries()
        return other


def _shipped_entries(engine: Engine) -> Path:
    """Return a database that holds the shipped entries, made once a run."""
    made = engine.settings.home / "shipped.db"
    if not made.is_file():
        temporary = made.with_suffix(f".{os.getpid()}")
        store, records = EntryStore(f"sqlite:///{temporary}"), Records(f"sqlite:///{temporary}")
        store.upsert(engine.store.entries(), who="test", why="shipped")
        for opened in (records, store):
            with opened.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            opened.close()
        temporary.replace(made)
    return made


def renewed(engine: Engine, home: Path, **settings: object) -> Engine:
    """The shipped engine over a database of its own in `home`, with other settings."""
    engine.lookup  # noqa: B018 - made once, then shared by the copies
    other = copy.copy(engine)
    other.__class__ = Renewed
    other.settings = engine.settings.model_copy(update={"home": home, **settings})
    home.mkdir(exist_ok=True)
    remembered = engine.settings.home / "index" / "entries.vectors"
    if remembered.is_file():
        shutil.copytree(remembered.parent, home / "index", dirs_exist_ok=True)
    url = other.settings.database_url
    if url == f"sqlite:///{home / 'yousu.db'}" and not (home / "yousu.db").exists():
        shutil.copyfile(_shipped_entries(engine), home / "yousu.db")
    other.store, other.records = EntryStore(url), Records(url)
    if not other.store.revision:
        other.store.upsert(engine.store.entries(), who="test", why="shipped")
    other.kb_version = str(other.store.revision)
    queue = UnansweredQueue(other.store.engine, other.bundle.embedder.name)
    other.recorder = Recorder(Feedback(other.store.engine), queue)
    other.cases = similar.build(other.settings, other.bundle, other.catalog, other.records)
    return other


@pytest.fixture
def client_of(engine: Engine, tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """A function that starts a service with some settings and returns its client."""
    opened: list[TestClient] = []

    def start(**settings: object) -> TestClient:
        app = create_app(renewed(engine, tmp_path, **settings))
        client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        client.__enter__()
        opened.append(client)
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)
        client.app.state.runtime.engine.recorder.close()


@pytest.fixture
def client(client_of: Callable[..., TestClient]) -> TestClient:
    """The client of a service with default settings, open to this machine."""
    return client_of()
