"""A promoted bundle reaches a running service while calls go on; none is dropped, neither then nor on the way back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port
from tests.training.conftest import MAPPING, rows_of_sayings, write


class Callers:
    """Ask a service without a pause and keep every reply's status and bundle version."""

    def __init__(self, address: str, number: int = 3) -> None:
        self.address = address
        self.statuses: list[int] = []
        self.versions: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(i,)) for i in range(number)]

    def _ask(self, who: int) -> None:
        n = 0
        while not self._stop.is_set():
            n += 1
            body = json.dumps({"text": f"{who}号楼{n}单元的暖气不热"}).encode()
            request = urllib.request.Request(
                f"{self.address}/v1/assist", body, {"Content-Type": "application/json"}, method="POST"
            )
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    self.versions.append(json.load(reply)["versions"]["bundle"])
                    self.statuses.append(reply.status)
            except OSError as error:
                self.statuses.append(getattr(error, "code", 0))

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def wait_for(self, version: str) -> None:
        for _ in range(3000):
            if self.versions and self.versions[-1] == version:
                return
            time.sleep(0.1)
        pytest.fail(f"the service did not take {version}; it answers with {self.versions[-1:]}")

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_a_running_service_takes_a_promoted_bundle_and_the_one_rolled_back_to_without_dropping_a_call(
    yousu, shared_home: Path, tmp_path: Path
) -> None:
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    trained = yousu("train", write(tmp_path / "a.csv", rows_of_sayings(90)), "--mapping", mapping, "--quiet")
    version = next(line.split()[1] for line in trained.output.splitlines() if line.startswith("模型包"))
    shipped = json.loads((ROOT / "models/bundle/manifest.json").read_text(encoding="utf-8"))["version"]
    port = free_port()
    environment = {
        **os.environ, "YOUSU_HOME": str(shared_home), "YOUSU_RELOAD_SECONDS": "0.3", "YOUSU_DEFAULT_RATE": "1000000",
        "YOUSU_REQUEST_TIMEOUT": "60",
    }  # fmt: skip
    environment.pop("YOUSU_BUNDLE", None)
    address = f"http://127.0.0.1:{port}"
    service = subprocess.Popen([sys.executable, "-m", "yousu", "serve", "--port", str(port)], cwd=ROOT, env=environment)
    try:
        for _ in range(3000):
            try:
                urllib.request.urlopen(f"{address}/readyz", timeout=1)
                break
            except OSError:
                assert service.poll() is None, "the service stopped while starting"
                time.sleep(0.1)
        with Callers(address) as callers:
            callers.wait_for(shipped)
            taken = yousu("bundle", "promote", version, "--who", "王工", "--why", "试", "--new-taxonomy")
            assert taken.exit_code == 0, taken.output
            callers.wait_for(version)
            back = yousu("bundle", "rollback", "--who", "王工", "--why", "退")
            assert back.exit_code == 0, back.output
            callers.wait_for(shipped)
        assert set(callers.statuses) == {200}
        assert set(callers.versions) == {shipped, version}
    finally:
        service.terminate()
        service.wait(60)
