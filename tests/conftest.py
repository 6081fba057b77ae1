"""What many tests share: the shipped engine, loaded once, a running service, and databases of their own."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.once import examples_read_once, made_once

if TYPE_CHECKING:
    from serve.engine import Engine

settings.register_profile("no clock", deadline=None)  # a busy machine must not fail a test
settings.load_profile("no clock")

ROOT = Path(__file__).resolve().parent.parent
os.environ["HF_HUB_OFFLINE"] = "1"
LONGEST = (
    "training/test_city.py", "browser/test_panel_page.py", "browser/test_insight_page.py", "browser/test_kb_page.py",
    "test_bench_report.py", "test_readme.py", "training/test_spread.py", "training/test_growth_bench.py",
    "training/test_takeover.py", "training/test_run.py", "training/test_feedback.py", "training/test_bad_input.py",
    "test_docs_site.py", "kb/test_store.py", "kb/test_index.py", "serve/test_load.py", "test_docs.py",
    "browser/test_framing.py", "training/test_replay.py",
)  # fmt: skip
"""Files that take the longest: they begin, so that no process works alone at the end. Forgetting one breaks nothing."""


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-xdist give out files in our order; its own puts those with few tests, the longest ones, last."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the order within a file stays."""
    place = {ROOT / "tests" / name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session", autouse=True)
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make once a process what every test would make anew."""
    with made_once(tmp_path_factory.mktemp("once")):
        yield


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder for the whole run; every process started by a test inherits it."""
    folder = tmp_path_factory.mktemp("home")
    before = os.environ.get("YOUSU_HOME")
    os.environ["YOUSU_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["YOUSU_HOME"]
    else:
        os.environ["YOUSU_HOME"] = before


def remembered(config: pytest.Config) -> Path:
    """Return the file that keeps the vectors of entries from one run to the next, by encoder and text."""
    return Path(config.cache.mkdir("vectors")) / "entries.vectors"  # type: ignore[union-attr]


def take_vectors(config: pytest.Config, home: Path) -> Path:
    """Give a working folder the vectors that are known so far; returns their file there, which need not exist."""
    known, taken = remembered(config), home / "index" / "entries.vectors"
    taken.parent.mkdir(parents=True, exist_ok=True)
    if known.is_file():
        shutil.copyfile(known, taken)
    return taken


@pytest.fixture(scope="session")
def engine(home: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The shipped engine; one process of a run embeds the entries, and others that come meanwhile wait for it."""
    from serve.engine import Engine
    from serve.settings import Settings

    known = remembered(request.config)
    with examples_read_once():
        with known.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            taken = take_vectors(request.config, home)
            made = Engine(Settings(home=home))
            if not known.is_file() or known.stat().st_size < taken.stat().st_size:
                temporary = known.with_name(f".{os.getpid()}")
                shutil.copyfile(taken, temporary)
                temporary.replace(known)
        yield made


def free_port() -> int:
    """Return a port that nobody listens on, for a process that will bind it in a while.

    It lies below the range from which connections get theirs, and every worker of pytest-xdist has a range of its own:
    nobody takes it meanwhile.
    """
    first = 10_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for port in random.sample(range(first, first + 1_000), 1_000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {first}")


@contextmanager
def serving(home: Path, **variables: str) -> Iterator[str]:
    """Run a service in a process of its own over the working folder `home`; gives its address."""
    port = free_port()
    environment = {**os.environ, "YOUSU_HOME": str(home), **variables}
    process = subprocess.Popen([sys.executable, "-m", "yousu", "serve", "--port", str(port)], cwd=ROOT, env=environment)
    address = f"http://127.0.0.1:{port}"
    try:
        patience = time.monotonic() + 300
        while True:
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1)
                break
            except OSError:
                assert process.poll() is None, "the service stopped while starting"
                assert time.monotonic() < patience, "the service did not start in 300 seconds"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """Serve an application of this process over real HTTP, in a thread; gives its address. Saves loading a bundle."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the service stopped while starting"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)


@pytest.fixture(scope="session")
def service(engine, home: Path) -> Iterator[str]:
    """A running service; gives its address."""
    with serving(home) as address:
        yield address


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """A copy of the shipped bundle that a test may damage."""
    return Path(shutil.copytree(ROOT / "models" / "bundle", tmp_path / "bundle"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server for the whole run; gives its URL. A schema per test is far cheaper than a database."""
    from tests.postgres import server

    running = server()
    try:
        address = running.__enter__()
    except LookupError as reason:
        pytest.skip(str(reason))
    yield address
    running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kb.db'}"
    from sqlalchemy import create_engine

    address, name = request.getfixturevalue("postgres"), f"t{uuid.uuid4().hex}"
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    engine.dispose()
    return f"{address}&options=-csearch_path%3D{name},public"
