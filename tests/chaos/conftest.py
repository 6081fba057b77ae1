"""Real processes that a test may hurt: started on a free port over a folder of their own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port

KEPT = ROOT / ".pytest_cache" / "d" / "vectors" / "entries.vectors"
"""Vectors of shipped entries from one run to the next, as tests/conftest.py keeps them: by encoder and text."""


@cache
def prepared() -> Path:
    """A home with the vectors of the shipped entries, made once a run: every service starts from a copy."""
    home = Path(tempfile.mkdtemp(prefix="yousu-chaos-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    vectors = home / "index" / KEPT.name
    vectors.parent.mkdir()
    if KEPT.is_file():
        shutil.copyfile(KEPT, vectors)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("YOUSU_")} | {"YOUSU_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "yousu", "prepare"], cwd=ROOT, env=environment, check=True)
    if not KEPT.is_file() or KEPT.stat().st_size < vectors.stat().st_size:
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        temporary = KEPT.with_name(f".{os.getpid()}")
        shutil.copyfile(vectors, temporary)
        temporary.replace(KEPT)
    return home


class Service:
    """A running service."""

    def __init__(self, home: Path, **settings: object) -> None:
        self.port = free_port()
        self.home, self.address = home, f"http://127.0.0.1:{self.port}"
        self.environment = {**os.environ, "YOUSU_HOME": str(home), "YOUSU_PORT": str(self.port)}
        self.environment |= {f"YOUSU_{k.upper()}": str(v) for k, v in settings.items()}
        self.log = home / "service.log"
        self.start()

    def start(self, **more: object) -> None:
        """Start, or start again, and wait until it is ready."""
        self.home.mkdir(parents=True, exist_ok=True)
        if not (self.home / "index").exists():
            shutil.copytree(prepared() / "index", self.home / "index")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yousu", "serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log, **more
            )
        for _ in range(1200):
            if self.process.poll() is not None:
                raise AssertionError(self.log.read_text()[-2000:])
            if self.call("/readyz")[0] == 200:
                return
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError("not ready within two minutes")

    def call(
        self, path: str, body: object = None, headers: dict[str, str] | None = None, timeout: float = 30,
        method: str | None = None,
    ) -> tuple[int, bytes]:  # fmt: skip
        """Return (status, content); status 0 when nobody answered."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Content-Type": "application/json"} | (headers or {}), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def stop(self) -> None:
        """Stop and wait."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """A function that starts a service; all are stopped at the end."""
    started: list[Service] = []

    def one(name: str = "home", **settings: object) -> Service:
        started.append(Service(tmp_path / name, **settings))
        return started[-1]

    yield one
    for service in started:
        service.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that several tests hurt one after another."""
    service = Service(tmp_path_factory.mktemp("shared"), request_timeout=3)
    yield service
    service.stop()
