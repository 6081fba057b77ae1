"""The shipped nginx in front of two replicas over one PostgreSQL: what one is told, all know; one may die unseen."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.conftest import Service
from tests.chaos.test_replicas import SAID, database, slack, until
from tests.conftest import ROOT

pytestmark = pytest.mark.chaos
__all__ = ["database"]
CELLS = {"question": "紫色大象可以养在阳台吗", "answer": "不可以。", "basis": "测试依据第1条"}


class Front(Service):
    """The proxy, asked as if it were a service."""

    def __init__(self, address: str) -> None:
        self.address = address


def shipped(folder: Path, replicas: list[Service], port: int) -> Path:
    """The shipped configuration with the addresses, the port and the folders of this test."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for number, replica in enumerate(replicas, 1):
        text = text.replace(f"yousu-{number}:8345", f"127.0.0.1:{replica.port}")
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/", f"{folder}/")
    text = text.replace("error_log stderr warn", f"error_log {folder}/error.log warn")
    file = folder / "nginx.conf"
    file.write_text(("user root;\n" if os.geteuid() == 0 else "") + text)
    return file


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Callable[..., Front]]:
    """A function that starts nginx before some replicas."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    running: list[subprocess.Popen[bytes]] = []

    def start(replicas: list[Service]) -> Front:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        file = shipped(tmp_path, replicas, port)
        checked = subprocess.run([program, "-t", "-c", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        running.append(subprocess.Popen([program, "-c", file, "-g", "daemon off;"], stderr=subprocess.DEVNULL))
        front = Front(f"http://127.0.0.1:{port}")
        until(lambda: front.call("/readyz")[0] == 200, 30)
        return front

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_replicas_behind_the_shipped_nginx_agree_and_one_may_die(start, nginx, database: str) -> None:
    one, two = start("one", database=database), start("two", database=database)
    front = nginx([one, two])
    published = time.perf_counter()
    revision = told(front, "PUT", "/v1/entries/NEW-1", {"entry": CELLS, "why": "新", "who": "甲"})["revision"]
    for action, who in (("submit", "甲"), ("publish", "乙")):
        move = {"action": action, "why": "走流程", "who": who, "expected": revision}
        published = time.perf_counter()
        revision = told(front, "PUT", "/v1/entries/NEW-1/status", move)["revision"]
    for replica in (one, two):
        until(lambda r=replica: first_answer(r) == "NEW-1", 10)
    assert time.perf_counter() - published < 5 + slack()
    assert front.call("/v1/feedback", SAID, {"Idempotency-Key": "k"})[0] == 201
    assert {front.call("/v1/feedback", SAID, {"Idempotency-Key": "k"})[0] for _ in range(6)} == {200}
    assert front.call("/metrics")[0] == 404
    assert front.call("/v1/assist", b"x" * 3_000_000)[0] == 413
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(front.call, "/v1/assist", {"text": f"第{i}盏路灯不亮"}) for i in range(40)]
        one.process.kill()
        codes = {w.result()[0] for w in waiting}
    assert codes <= {200, 429}
    assert {front.call("/v1/assist", {"text": "路灯不亮"})[0] for _ in range(10)} == {200}
    assert len(json.loads(front.call("/v1/feedback")[1])["items"]) == 1


def first_answer(service: Service) -> str:
    entries = json.loads(service.call("/v1/answer", {"text": CELLS["question"], "final": False})[1])["entries"]
    return entries[0]["entry_id"] if entries else ""


def told(front: Service, method: str, path: str, body: object) -> dict:
    status, content = front.call(path, body, method=method)
    assert status == 200, content
    return json.loads(content)


def test_a_call_that_is_transcribed_always_meets_the_same_replica(start, nginx) -> None:
    replicas = [start("one"), start("two")]
    front = nginx(replicas)
    for call in range(6):
        for i in range(5):
            reply = told(front, "POST", f"/v1/sessions/call-{call}/transcript", {"text": f"{i}", "final": True})
        assert re.fullmatch("01234", reply["text"])
