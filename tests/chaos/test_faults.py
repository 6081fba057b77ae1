"""Faults that a service in operation meets, each done to real processes; it answers, refuses or comes back."""

import json
import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.chaos.test_replicas import until
from tests.conftest import ROOT

pytestmark = pytest.mark.chaos
CALL = {"text": "路灯不亮"}
SAID = {"text": "路灯不亮", "field": "category", "verdict": "accept"}


def test_a_kill_under_load_loses_no_accepted_feedback(start) -> None:
    service = start()
    accepted: list[str] = []
    going = threading.Event()

    def operator(number: int) -> None:
        i = 0
        while not going.is_set():
            status, content = service.call("/v1/feedback", {**SAID, "note": f"{number}-{i}"}, timeout=5)
            if status == 201:
                accepted.append(json.loads(content)["id"])
            i += 1

    threads = [threading.Thread(target=operator, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    time.sleep(3)
    service.process.send_signal(signal.SIGKILL)
    service.process.wait()
    going.set()
    for t in threads:
        t.join()
    service.start()
    with sqlite3.connect(service.home / "yousu.db") as database:
        kept = {row[0] for row in database.execute("SELECT id FROM feedback")}
    assert len(accepted) > 20
    assert set(accepted) <= kept
    assert service.call("/v1/assist", CALL)[0] == 200


def told(content: bytes) -> dict[str, object]:
    """What an assist says, but how long it took."""
    return {k: v for k, v in json.loads(content).items() if k != "timings"}


def workers(service) -> set[int]:
    """The processes that answer."""
    own = service.process.pid
    children = map(int, Path(f"/proc/{own}/task/{own}/children").read_text().split())
    return {c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()}


def test_a_worker_killed_under_load_is_replaced_and_no_write_is_lost_and_no_answer_wrong(start) -> None:
    service = start(workers=2)
    wanted = told(service.call("/v1/assist", CALL)[1])
    accepted: list[str] = []
    wrong: list[tuple[int, bytes]] = []
    going = threading.Event()

    def operator(number: int) -> None:
        i = 0
        while not going.is_set():
            status, content = service.call("/v1/feedback", {**SAID, "note": f"{number}-{i}"}, timeout=20)
            if status == 201:
                accepted.append(json.loads(content)["id"])
            status, content = service.call("/v1/assist", CALL, timeout=20)
            if not (status in {0, 429} or (status == 200 and told(content) == wanted)):
                wrong.append((status, content))
            i += 1

    threads = [threading.Thread(target=operator, args=(n,)) for n in range(4)]
    for t in threads:
        t.start()
    time.sleep(2)
    before, alive = len(accepted), workers(service)
    assert len(alive) == 2
    os.kill(alive.pop(), signal.SIGKILL)
    until(lambda: len(workers(service) - alive) == 1 and len(accepted) > before + 20, 60)
    going.set()
    for t in threads:
        t.join()
    assert service.process.poll() is None
    with sqlite3.connect(service.home / "yousu.db") as database:
        kept = {row[0] for row in database.execute("SELECT id FROM feedback")}
    assert set(accepted) <= kept
    assert not wrong


def test_a_stop_lets_calls_under_way_finish(start) -> None:
    service = start()
    replies: list[int] = []
    text = "楼上漏水把我家天花板泡了,物业不管," * 30
    threads = [
        threading.Thread(target=lambda i=i: replies.append(service.call("/v1/assist", {"text": f"{i}{text}"})[0]))
        for i in range(4)
    ]
    for t in threads:
        t.start()
    time.sleep(0.3)
    service.process.terminate()
    for t in threads:
        t.join()
    assert service.process.wait(30) in {0, -signal.SIGTERM}
    assert replies == [200] * 4


@pytest.mark.parametrize(
    ("body", "kind", "wanted"),
    [
        (b"{", "application/json", {422}),
        (b'{"text": NaN}', "application/json", {422}),
        (b"[" * 200_000, "application/json", {400, 422}),
        (b'{"a":' * 100_000, "application/json", {400, 422}),
        (b"\xff\xfe\x00", "application/json", {400, 422}),
        (b'{"text": "\\ud800"}', "application/json", {200, 422}),
        (b'{"text": 1e999}', "application/json", {422}),
        (b"text=x", "application/x-www-form-urlencoded", {415}),
        (b"<x/>", "application/xml", {415}),
        (b"\x80\x04K\x01.", "application/octet-stream", {415}),
        (b'{"text":"' + b"x" * 50_000_000 + b'"}', "application/json", {413}),
    ],
    ids=["cut", "nan", "deep-list", "deep-object", "no-utf8", "surrogate", "infinity", "form", "xml", "pickle", "50MB"],
)
def test_a_hostile_body_is_refused_and_the_next_call_answered(shared, body: bytes, kind: str, wanted: set[int]) -> None:
    assert shared.call("/v1/assist", body, {"Content-Type": kind})[0] in wanted
    assert shared.call("/v1/assist", CALL)[0] == 200


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE feedback; --", "=cmd|'/C calc'!A0", "<script>alert(1)</script>", "${jndi:ldap://x/a}",
        "\n{\"level\":\"error\",\"event\":\"forged\"}", "../../etc/passwd", "{{7*7}}", "%s%s%s%n", "\x00\x1b[2J",
    ],
)  # fmt: skip
def test_an_injection_is_only_text(shared, text: str) -> None:
    assert shared.call("/v1/assist", {"text": f"路灯不亮 {text}"})[0] == 200
    said = {**SAID, "text": f"路灯不亮 {text}", "note": text, "call_id": text[:60]}
    assert shared.call("/v1/feedback", said)[0] == 201
    status, content = shared.call("/v1/feedback?limit=500")
    assert status == 200
    assert json.loads(content)["items"]
    lines = shared.log.read_text().splitlines()
    assert not any("forged" in line for line in lines)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/static/..%2f..%2fsettings.py", "/%2e%2e/%2e%2e/etc/passwd"])
def test_a_path_that_climbs_finds_nothing(shared, path: str) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=10) as raw:
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        reply = raw.makefile("rb").read()
    assert b"root:" not in reply
    assert reply.split()[1] in {b"404", b"400"}


def test_slow_clients_hold_no_place_and_are_sent_away(shared) -> None:
    slow = [socket.create_connection(("127.0.0.1", shared.port)) for _ in range(60)]
    for s in slow:
        s.sendall(
            b"POST /v1/assist HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
    assert shared.call("/v1/assist", CALL)[0] == 200
    slow[0].settimeout(15)
    assert b" 408 " in slow[0].recv(200)
    for s in slow:
        s.close()


def test_ten_thousand_connections_do_not_stop_the_next_call(shared) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    count = min(10_000, min(hard, 20_000) - 500)
    held = []
    try:
        for _ in range(count):
            held.append(socket.create_connection(("127.0.0.1", shared.port), timeout=10))
        assert shared.call("/v1/assist", CALL)[0] == 200
    finally:
        for s in held:
            s.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(held) == count


def test_a_disk_that_is_full_refuses_writes_and_still_answers_calls(start) -> None:
    service = start()
    size = max(p.stat().st_size for p in service.home.glob("yousu.db*"))
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    said = {**SAID, "text": "很长的话" * 1000}
    statuses = {service.call("/v1/feedback", {**said, "note": str(i)})[0] for i in range(200)}
    assert statuses <= {201, 503}
    assert 503 in statuses
    assert service.call("/v1/assist", CALL)[0] == 200
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert service.call("/v1/feedback", SAID)[0] == 201


def test_a_corrupt_bundle_is_told_by_file_and_not_served(tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(ROOT / "models" / "bundle", tmp_path / "bundle"))
    (bundle / "category" / "head.safetensors").write_bytes(b"\x80\x04K\x01.")
    command = [sys.executable, "-m", "yousu", "serve", "--port", "1", "--bundle", str(bundle)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin", "YOUSU_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 1
    assert "head.safetensors" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fuzzed_interface_never_fails_inside(start) -> None:
    pytest.importorskip("schemathesis")
    service = start(request_timeout=20)
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.address}/openapi.json",
        "--checks", "not_a_server_error", "--max-examples", "15", "--phases", "examples,coverage,fuzzing",
        "--exclude-path-regex", "/events$|/v1/batch",  # a stream without end, and lines it cannot write
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False, cwd=service.home)
    assert done.returncode == 0, done.stdout[-3000:]
    assert service.call("/v1/assist", CALL)[0] == 200
