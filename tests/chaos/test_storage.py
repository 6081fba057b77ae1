"""What lies on disk goes bad, the database stops and comes back, the clock jumps: calls go on and nothing is lost."""

import csv
import json
import os
import pickle
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import postgres
from tests.chaos.test_replicas import CALL, SAID, database, until
from tests.conftest import ROOT

pytestmark = pytest.mark.chaos
__all__ = ["database"]


@pytest.mark.parametrize("harm", ["emptied", "cut", "noise", "flipped"])
def test_a_corrupt_index_file_is_made_anew(start, tmp_path: Path, harm: str) -> None:
    with (ROOT / "data" / "kb" / "entries.csv").open(encoding="utf-8", newline="") as shipped:
        rows = [r for r in csv.DictReader(shipped) if r["status"] == "published"][:30]  # embedded again in seconds
    (tmp_path / "data" / "kb").mkdir(parents=True)
    with (tmp_path / "data" / "kb" / "entries.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    service = start(data=tmp_path / "data", catalog=ROOT / "data" / "catalog")
    before = json.loads(service.call("/v1/answer", {"text": rows[0]["question"]})[1])
    assert before["entries"][0]["entry_id"] == rows[0]["id"]
    service.stop()
    file = service.home / "index" / "entries.vectors"
    content = bytearray(file.read_bytes())
    for i in range(100, len(content) // 50, 997):  # a few records, so that making them again is quick
        content[i] ^= 0xFF
    file.write_bytes(
        {"emptied": b"", "cut": bytes(content[:-777]), "noise": os.urandom(5000), "flipped": bytes(content)}[harm]
    )
    service.start()
    after = json.loads(service.call("/v1/answer", {"text": rows[0]["question"]})[1])
    assert [e["entry_id"] for e in after["entries"]] == [e["entry_id"] for e in before["entries"]]


def test_a_pickle_in_place_of_a_bundle_is_never_opened_by_a_running_service(start, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(ROOT / "models" / "bundle", tmp_path / "bundle"))
    service = start(bundle=bundle, reload_seconds=0.5)
    version = service.call("/v1/version")[1]
    trap = tmp_path / "opened"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {trap}",)

    for file in (bundle / "category" / "head.safetensors", bundle / "category" / "head.json"):
        file.write_bytes(pickle.dumps(Trap()))
    (bundle / "manifest.json").touch()
    until(lambda: b"bundle_refused" in service.log.read_bytes(), 30)
    assert not trap.exists()
    assert service.call("/v1/version")[1] == version
    assert service.call("/v1/assist", CALL)[0] == 200


def test_a_database_that_is_stopped_and_started_again_takes_writes_again(start, database: str) -> None:
    service = start(database=database)
    assert service.call("/v1/feedback", SAID)[0] == 201
    place = Path(database.split("host=")[1])
    control = [postgres.programs() / "pg_ctl", "-D", place / "data", "-w"]
    root = os.geteuid() == 0
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if root else {}
    options = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off -c max_connections=60"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    subprocess.run([*control, "stop", "-m", "fast"], check=True, timeout=60, **quiet)
    try:
        assert service.call("/v1/assist", CALL)[0] == 200
        assert service.call("/v1/feedback", SAID)[0] == 503
        assert service.call("/healthz")[0] == 200
    finally:
        subprocess.run([*control, "start", "-l", place / "log", "-o", options], check=True, timeout=60, **quiet)
    try:
        until(lambda: service.call("/v1/feedback", SAID)[0] == 201, 60)
        assert len(json.loads(service.call("/v1/feedback")[1])["items"]) == 2
        assert service.call("/v1/assist", CALL)[0] == 200
    finally:
        service.stop()
        subprocess.run([*control, "stop", "-m", "immediate"], check=False, timeout=60, **quiet)


SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, t);
    if (id == CLOCK_REALTIME) {
        long by = 0;
        FILE *f = fopen(getenv("CLOCK_FILE"), "r");
        if (f) { if (fscanf(f, "%ld", &by) != 1) by = 0; fclose(f); }
        t->tv_sec += by;
    }
    return r;
}
"""


def test_a_clock_that_jumps_loses_nothing_and_stops_nothing(start, tmp_path: Path, monkeypatch) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler for the clock that jumps")
    (tmp_path / "clock.c").write_text(SHIM)
    shim, clock = tmp_path / "clock.so", tmp_path / "by"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, tmp_path / "clock.c", "-ldl"], check=True)
    clock.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("CLOCK_FILE", str(clock))
    service = start(default_rate=6000)
    monkeypatch.delenv("LD_PRELOAD")
    stamps = []
    for number, by in enumerate((0, 7200, -86_400, 40 * 365 * 86_400, 0)):
        clock.write_text(str(by))
        time.sleep(0.2)
        assert service.call("/v1/assist", {"text": f"第{number}盏路灯不亮"})[0] == 200
        status, body = service.call("/v1/feedback", SAID, {"Idempotency-Key": f"k{number}"})
        assert status == 201
        stamps.append(json.loads(body)["at"])
        status, _ = service.call("/v1/tickets", {"id": f"T{number}", "text": "虎台中学门口有大象"})
        assert status == 201
    assert stamps != sorted(stamps), "the clock did not jump"
    assert len(json.loads(service.call("/v1/feedback")[1])["items"]) == 5
    assert service.call("/v1/feedback", SAID, {"Idempotency-Key": "k2"})[0] == 200
    command = [sys.executable, "-m", "yousu", "audit", "verify"]
    done = subprocess.run(command, cwd=ROOT, env=service.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
