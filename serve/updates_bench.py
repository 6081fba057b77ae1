"""How soon a change of an entry shows in answers: published until found, retired until gone, on a running service."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kb.entry import KnowledgeEntry, from_row, read_entries, to_row
from kb.store import open_store
from models.locations import data_dir, home_dir
from serve.bench import _free_port, _ready

WAIT_SECONDS = 30.0
"""How long a change may take before the bench gives up."""
PEOPLE = ("编写甲", "审核乙")
"""Who writes and who reviews: the workflow wants two."""
ELSEWHERE = 10
"""How many changes are made past the service, in its database, as another process would."""


def measure(changes: int = 40) -> dict[str, dict[str, float]]:
    """Return {what: {p50, p95, n}} in milliseconds; the service runs in a process and a folder of its own.

    Each change is timed from before the request that makes it until the first answer that shows it; every question is
    asked anew in other words, so no remembered vector helps. Raises RuntimeError when the service stops or a change
    does not show in `WAIT_SECONDS`.
    """
    with tempfile.TemporaryDirectory(prefix="yousu-bench-") as folder, _service(Path(folder)) as desk:
        entries = [made_up(n) for n in range(changes)]
        found, gone = [], []
        for entry in entries:
            desk.write(entry)
            start = time.perf_counter()
            desk.move(entry.id, "publish", PEOPLE[1])
            found.append(desk.wait(entry, shown=True, since=start))
        for entry in entries:
            start = time.perf_counter()
            desk.move(entry.id, "retire", PEOPLE[1])
            gone.append(desk.wait(entry, shown=False, since=start))
        store = open_store(f"sqlite:///{Path(folder) / 'yousu.db'}", data_dir() / "kb" / "entries.csv")
        elsewhere = []
        for n in range(changes, changes + ELSEWHERE):
            start = time.perf_counter()
            store.upsert([made_up(n)], who=PEOPLE[0], why="测时延")
            elsewhere.append(desk.wait(made_up(n), shown=True, since=start))
        store.close()
    return {"published_found": _spread(found), "retired_gone": _spread(gone), "elsewhere_found": _spread(elsewhere)}


def made_up(number: int) -> KnowledgeEntry:
    """Return an entry about a thing that no knowledge base knows."""
    shipped = read_entries(data_dir() / "kb" / "entries.csv")[0]
    row = dict.fromkeys(to_row(shipped), "") | {
        "id": f"BENCH{number}",
        "question": f"第{number}号测速登记卡在哪里领",
        "answer": f"第{number}号测速登记卡到{number}号窗口领取,当场办好。",
        "basis": "测速用,非真实条目",
        "department": shipped.department,
        "category": shipped.category,
        "status": "published",
        "verification": shipped.verification,
        "source": "测速",
    }
    return from_row(row)


class _Desk:
    """A client of the service's knowledge desk."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_SECONDS)
        self._asked = 0
        self._revision: dict[str, int] = {}

    def write(self, entry: KnowledgeEntry) -> None:
        """Save an entry and send it to review."""
        body = {"entry": to_row(entry), "who": PEOPLE[0], "why": "测时延", "expected": 0}
        self._revision[entry.id] = int(self._ask("PUT", f"/v1/entries/{entry.id}", body)["revision"])
        self.move(entry.id, "submit", PEOPLE[0])

    def move(self, entry_id: str, action: str, who: str) -> None:
        """Take a step of the workflow."""
        body = {"action": action, "who": who, "why": "测时延", "expected": self._revision[entry_id]}
        self._revision[entry_id] = int(self._ask("PUT", f"/v1/entries/{entry_id}/status", body)["revision"])

    def wait(self, entry: KnowledgeEntry, *, shown: bool, since: float) -> float:
        """Ask until the entry is among the answers, or no longer; return the milliseconds from `since` to the reply."""
        while time.perf_counter() - since < WAIT_SECONDS:
            self._asked += 1
            text = f"{entry.question},问了{self._asked}遍"
            reply = self._ask("POST", "/v1/answer", {"text": text, "final": False})
            spent = (time.perf_counter() - since) * 1000
            if any(a["entry_id"] == entry.id for a in reply["entries"]) == shown:
                return spent
            time.sleep(0.002)
        raise RuntimeError(f"{entry.id}:{WAIT_SECONDS:.0f} 秒内应{'能' if shown else '不能'}查到,实际相反")

    def _ask(self, method: str, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        sent = json.dumps(body, ensure_ascii=False).encode()
        self._connection.request(method, path, sent, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        text = response.read().decode()
        if response.status not in (200, 201):
            raise RuntimeError(f"{method} {path}:应为 200 或 201,实为 {response.status} {text[:300]}")
        reply: dict[str, Any] = json.loads(text)
        return reply


@contextmanager
def _service(home: Path) -> Iterator[_Desk]:
    """Run the service over an empty database in `home`; vectors that this installation remembers are lent to it."""
    remembered = home_dir() / "index"
    if remembered.is_dir():
        shutil.copytree(remembered, home / "index")
    port = _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("YOUSU_") or k == "YOUSU_BUNDLE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "yousu", "serve", "--port", str(port)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, cwd=Path(__file__).parent.parent,
        env={**environment, "YOUSU_HOME": str(home), "YOUSU_AUTH": "off"},
    )  # fmt: skip
    try:
        while not _ready(port):
            if process.poll() is not None:
                raise RuntimeError(f"服务未能启动,退出码 {process.returncode}")
            time.sleep(0.05)
        yield _Desk(port)
    finally:
        process.terminate()
        process.wait(30)


def _spread(times: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50": round(float(p50), 1), "p95": round(float(p95), 1), "n": len(times)}
