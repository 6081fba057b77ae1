"""The files for containers, nginx and systemd fit one another and the program; nginx and systemd read their own."""

from __future__ import annotations

import http.server
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serve.api import bundles
from serve.settings import Settings
from tests.chaos.test_nginx import shipped
from tests.conftest import ROOT, free_port

DEPLOY = ROOT / "deploy"


class Replica:
    """An upstream that says who it is, and on `/…/gone` takes the request and hangs up without a word."""

    def __init__(self, name: str) -> None:
        self.taken: list[str] = []
        replica = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                replica.taken.append(self.path)
                if self.path.endswith("/gone"):
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(name)))
                self.end_headers()
                self.wfile.write(name.encode())

            do_GET = do_POST  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def front(tmp_path: Path) -> Iterator[tuple[str, list[Replica]]]:
    """Real nginx with the shipped configuration before two upstreams: (address, upstreams)."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    replicas, port = [Replica("1"), Replica("2")], free_port()
    file = shipped(tmp_path, replicas, port)
    process = subprocess.Popen([program, "-c", file, "-g", "daemon off;"], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/metrics", timeout=1)
        except urllib.error.HTTPError:
            break
        except OSError:
            assert process.poll() is None
            time.sleep(0.05)
    yield address, replicas
    process.terminate()
    process.wait(20)
    for replica in replicas:
        replica.server.shutdown()
        replica.server.server_close()


def ask(address: str, path: str, body: bytes = b"{}") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, body), timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_nginx_spreads_calls_but_keeps_a_transcribed_call_on_one_replica(front: tuple[str, list[Replica]]) -> None:
    address, _ = front
    assert {ask(address, "/v1/assist")[1] for _ in range(6)} == {"1", "2"}
    assert {ask(address, "/v1/session")[1] for _ in range(6)} == {"1", "2"}, "logging in is no transcribed call"
    where = [Counter(ask(address, f"/v1/sessions/c{call}/transcript")[1] for _ in range(5)) for call in range(12)]
    assert all(len(found) == 1 for found in where)
    assert len({name for found in where for name in found}) == 2, "calls as a whole are spread"


@pytest.mark.parametrize(
    ("path", "times"),
    [("/v1/assist/gone", 2), ("/v1/feedback/gone", 1), ("/v1/tickets/gone", 1), ("/v1/outcomes/gone", 1)],
)
def test_nginx_asks_the_other_replica_for_a_reading_call_and_never_for_a_write(front, path: str, times: int) -> None:
    address, replicas = front
    assert ask(address, path)[0] == 502
    assert sum(len(r.taken) for r in replicas) == times


def test_nginx_takes_bodies_as_large_as_the_service_does(front: tuple[str, list[Replica]]) -> None:
    address, _ = front
    settings = Settings()
    for path, limit in (
        ("/v1/assist", settings.body_limit),
        ("/v1/entries/import", settings.import_body_limit),
    ):
        assert ask(address, path, b"x" * limit)[0] == 200, path
    assert ask(address, "/v1/assist", b"x" * (settings.body_limit + 200_000))[0] == 413


def test_nginx_waits_longer_than_the_service_lets_a_request_take() -> None:
    text = (DEPLOY / "nginx.conf").read_text()
    settings = Settings()
    waits = {
        "/v1/entries/import": settings.import_timeout + settings.request_timeout,
        "/v1/bundles/promote": bundles._PROMOTE_SECONDS + settings.request_timeout,
        "/v1/bundles/rollback": bundles._PROMOTE_SECONDS + settings.request_timeout,
    }
    for path, seconds in waits.items():
        block = re.search(rf"location = {path} {{(.*?)}}", text, re.DOTALL)
        assert block, path
        found = re.search(r"proxy_read_timeout (\d+)s", block[1])
        assert found, path
        assert int(found[1]) >= seconds, path
    everywhere = re.search(r"proxy_read_timeout (\d+)s", text)
    assert everywhere
    assert int(everywhere[1]) > settings.request_timeout


def composed() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_the_compose_file_names_what_is_there() -> None:
    made = composed()
    services = made["services"]
    servers = set(re.findall(r"server ([\w-]+):(\d+)", (DEPLOY / "nginx.conf").read_text()))
    assert {name for name, _ in servers} == {name for name, s in services.items() if s["image"] == "yousu"}
    assert {port for _, port in servers} == {str(Settings.model_fields["port"].default)}
    for name, service in services.items():
        assert service["image"] == "yousu" or re.search(r":[\w.-]*\d", service["image"]), f"{name}: no version"
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).is_file() if source.startswith(".") else source in made["volumes"], volume
        for needed in service.get("depends_on", ()):
            assert needed in services
    for replica in (s for s in services.values() if s["image"] == "yousu"):
        assert replica["read_only"]
        assert replica["cap_drop"] == ["ALL"]
        assert (DEPLOY / replica["build"]["context"] / replica["build"]["dockerfile"]).is_file()
        names = {name.removeprefix("YOUSU_").lower() for name in replica["environment"]}
        assert names <= set(Settings.model_fields)


def test_the_dockerfile_copies_what_is_there_and_runs_as_nobody_in_particular() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines()]
    for words in lines:
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            assert all((ROOT / source).exists() for source in words[1:-1]), words
    variables = set(re.findall(r"\bYOUSU_(\w+)=", text))
    assert {name.lower() for name in variables} <= set(Settings.model_fields)
    assert ["EXPOSE", str(Settings.model_fields["port"].default)] in lines
    (user,) = (words[1] for words in lines if words[:1] == ["USER"])
    assert user.isdigit()
    assert int(user) > 0
    extras = re.search(r"'\.\[([\w,]+)\]'", text)
    assert extras
    import tomllib

    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras[1].split(",")) <= set(known)


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    text = (DEPLOY / "yousu.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/yousu/bin/yousu serve\n" in text
    unit = tmp_path / "yousu.service"
    unit.write_text(text.replace("/opt/yousu/bin/yousu", sys.executable), encoding="utf-8")
    done = subprocess.run([program, "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
