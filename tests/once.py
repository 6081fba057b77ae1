"""What every test would make anew and no test changes is made once a process: tables, the dictionary, examples.

Each of these is still made for real the first time; what is handed out afterwards is equal to it and nobody else's, or
cannot be changed. Processes that tests start know nothing of this.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Make once what costs the most; `folder` is for files that are copied from."""
    with pytest.MonkeyPatch.context() as patch:
        _tables(patch, folder / "empty.db")
        _dictionary(patch)
        _commands(patch)
        patch.setattr(re, "_MAXCACHE", 20_000)  # 512 patterns are fewer than a catalogue has: each load compiled anew
        yield


def _tables(patch: pytest.MonkeyPatch, template: Path) -> None:
    """A new SQLite file of this process starts as a copy of one that went through every migration.

    Making the tables anew for each of the hundreds of databases took a tenth of the whole run; what the migrations
    themselves do is told by tests/kb/test_migrations.py, and processes that tests start migrate as always.
    """
    from kb import database

    real = database.migrate
    database.connect(f"sqlite:///{template}").dispose()

    def migrate(engine: Any) -> None:
        place = engine.url.database
        if engine.dialect.name != "sqlite" or place in (None, "", ":memory:") or place.startswith("file:"):
            return real(engine)
        copy = Path(f"{place}.{uuid.uuid4().hex}")
        if not Path(place).exists() and copy.parent.is_dir():
            shutil.copyfile(template, copy)
            try:
                os.link(copy, place)  # the one who comes second finds the file there and looks at its tables
                return None
            except FileExistsError:
                pass
            finally:
                copy.unlink()
        return real(engine)

    patch.setattr(database, "migrate", migrate)


def _dictionary(patch: pytest.MonkeyPatch) -> None:
    """A word cutter starts with a copy of the general dictionary, to which it adds its own words.

    Reading it took a third of a small training, and every training reads it at least once.
    """
    import jieba

    real, lock = jieba.Tokenizer.initialize, threading.Lock()
    read: list[tuple[dict[str, int], int]] = []

    def initialize(self: Any, dictionary: str | None = None) -> None:
        if dictionary or self.dictionary:
            return real(self, dictionary)
        with lock, self.lock:
            if not self.initialized and read:
                self.FREQ, self.total = dict(read[0][0]), read[0][1]
                self.initialized = True
            elif not self.initialized:
                real(self)
                read.append((dict(self.FREQ), self.total))
        return None

    patch.setattr(jieba.Tokenizer, "initialize", initialize)


def _commands(patch: pytest.MonkeyPatch) -> None:
    """The tree of commands, which holds no state, is built once and not for every command that a test types."""
    from typer import testing

    patch.setattr(testing, "_get_command", functools.cache(testing._get_command))


@contextmanager
def examples_read_once() -> Iterator[None]:
    """Read the written examples once for each bundle and catalogue; an index copies the vectors it is given.

    Every service of a test reads them: most of what it took to start one.
    """
    from serve import similar

    real, read = similar._examples, dict[Any, Any]()

    def examples(settings: Any, bundle: Any, catalog: Any) -> Any:
        files = (settings.data / "tickets" / "examples.csv", settings.bundle_now / similar.EXAMPLES)
        state = tuple((str(f.resolve()), f.stat().st_mtime_ns) for f in files if f.is_file())
        key = (state, bundle.version, bundle.manifest["examples"]["sha256"], catalog.hash)
        if key not in read:
            cases, vectors = real(settings, bundle, catalog)
            vectors.setflags(write=False)
            read[key] = tuple(cases), vectors
        return read[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similar, "_examples", examples)
        yield
