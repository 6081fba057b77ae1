"""Load on a running service: steady, full and four times too much; with the encoder alone and a no-op as floors."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

from models.catalog import load_catalog
from serve import load_home
from serve.bench import NUMBERS, _encoder_alone, _free_port, _ready, said
from serve.engine import open_store
from serve.settings import Settings

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


@dataclass
class Figures:
    """What came back: milliseconds of accepted calls, those until a refusal (429), and how many of each status."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Return a percentile of the accepted calls, in milliseconds."""
        return float(np.percentile(self.times, share)) if self.times else float("nan")

    @property
    def per_second(self) -> float:
        """Accepted calls per second."""
        return len(self.times) / self.seconds if self.seconds else 0.0


class Client:
    """One kept connection that speaks just enough HTTP/1.1 not to be the bottleneck."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes) -> int:
        """Send a request and return the status of its reply; 0 when the connection broke."""
        try:
            if self._stream is None:
                self._stream = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = self._stream
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            await reader.readexactly(length)
            return int(head.split(" ")[1])
        except (OSError, asyncio.IncompleteReadError, IndexError):
            self.close()
            return 0

    def close(self) -> None:
        """Drop the connection."""
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None


def requests(path: str) -> Iterator[bytes]:
    """Yield calls none of which was ever made before, so that no cache answers; a GET for anything but /v1."""
    while not path.startswith("/v1/"):
        yield f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    for number in NUMBERS:
        body = orjson.dumps({"text": said(number)})
        yield HEAD.format(path=path, length=len(body)).encode() + body


async def closed(port: int, path: str, clients: int, seconds: float) -> Figures:
    """Every client sends its next call when it has the reply to the last."""
    figures, source, end = Figures(seconds), requests(path), time.perf_counter() + seconds

    async def one() -> None:
        client = Client(port)
        while (start := time.perf_counter()) < end:
            status = await client.call(next(source))
            _note(figures, status, start)
            if status == 429:
                await asyncio.sleep(0.05)
        client.close()

    await asyncio.gather(*(one() for _ in range(clients)))
    return figures


async def steady(port: int, path: str, rate: float, seconds: float) -> Figures:
    """Calls start `rate` times a second whatever the replies do; the time counts from when a call was due."""
    figures, source, idle = Figures(seconds), requests(path), [Client(port) for _ in range(4)]
    running: set[asyncio.Task[None]] = set()

    async def one(due: float) -> None:
        client = idle.pop() if idle else Client(port)
        _note(figures, await client.call(next(source)), due)
        idle.append(client)

    start = time.perf_counter()
    for i in range(int(rate * seconds)):
        due = start + i / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        task = asyncio.create_task(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return figures


def _note(figures: Figures, status: int, start: float) -> None:
    figures.statuses[status] += 1
    if status in {200, 429}:
        took = figures.times if status == 200 else figures.refused
        took.append((time.perf_counter() - start) * 1000)


def measure(seconds: float = 8.0, entries: int = 0) -> list[tuple[str, str]]:
    """Start the service in a process of its own and return (what, figure) rows.

    It runs over the home as it is, or over one of its own with `entries` published entries (see `load_home`), which
    stays for the next time. Raises RuntimeError when the service stops, ValueError, OSError.
    """
    settings, environment, filling = Settings(), dict(os.environ), time.perf_counter()
    if entries:
        settings = load_home.home(entries, settings)
        environment = load_home.environment(settings)
    filling = time.perf_counter() - filling
    rows, port = _what(settings), _free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "yousu", "serve", "--port", str(port)], stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parent.parent, env={**environment, "YOUSU_AUTH": "off", "YOUSU_LOG_LEVEL": "warning"},
    )  # fmt: skip
    try:
        while not _ready(port):
            if process.poll() is not None:
                raise RuntimeError(f"the service stopped with code {process.returncode}")
            time.sleep(0.02)
        rows.append(("启动到就绪(秒)", f"{time.perf_counter() - started:.2f}"))
        asyncio.run(closed(port, "/v1/assist", 2, 1.0))
        rows += _table(port, process.pid, seconds)
        resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        rows.append(("常驻内存(MB)", f"{resident:.0f}"))
    finally:
        process.terminate()
        process.wait()
    alone = _encoder_alone(seconds)
    rows += [
        ("单独编码同样的话:p50 / p99(ms)", f"{np.percentile(alone, 50):.1f} / {np.percentile(alone, 99):.1f}"),
        ("单独编码同样的话:一个线程 次/秒", f"{1000 / np.mean(alone):.0f}"),
        ("结束时负载(1 分钟)", f"{os.getloadavg()[0]:.1f}"),
    ]
    if entries:
        rows.append(("备好条目(秒,不计入启动)", f"{filling:.1f}"))
    return rows


def _what(settings: Settings) -> list[tuple[str, str]]:
    """Return what is measured on what: entries, leaves, cores, load."""
    store = open_store(settings)
    sources = Counter(e.source == load_home.SOURCE for e in store.entries(status="published"))
    store.close()
    made = f"(其中 {sources[True]} 条由随附条目拼凑,向量取自真实向量之间,不经编码)" if sources[True] else ""
    return [
        ("已发布条目", f"{sources.total()}{made}"),
        ("末级类目", str(len(load_catalog(settings.catalog).leaves))),
        ("可用核数", str(len(os.sched_getaffinity(0)))),
        ("开始时负载(1 分钟)", f"{os.getloadavg()[0]:.1f}"),
    ]


def _table(port: int, pid: int, seconds: float) -> list[tuple[str, str]]:
    calm = asyncio.run(steady(port, "/v1/assist", 20, seconds))
    before, used = _embedded(port), _cpu_seconds(pid)
    full = asyncio.run(closed(port, "/v1/assist", 8, seconds))
    used = 1000 * (_cpu_seconds(pid) - used) / max(1, len(full.times))
    each = (_embedded(port) - before) / max(1, len(full.times))
    rate = 4 * max(full.per_second, 1)
    over = asyncio.run(steady(port, "/v1/assist", rate, seconds))
    nothing = asyncio.run(closed(port, "/healthz", 8, min(seconds, 3)))
    return [
        ("每秒 20 次:p50 / p99(ms)", f"{calm.percentile(50):.1f} / {calm.percentile(99):.1f}"),
        ("每秒 20 次:状态", _statuses(calm)),
        ("饱和(8 个客户端):次/秒", f"{full.per_second:.0f}"),
        ("饱和:p50 / p99(ms)", f"{full.percentile(50):.1f} / {full.percentile(99):.1f}"),
        ("饱和:每次来电编码的文字", f"{each:.2f} 段"),
        ("饱和:每次来电服务所用 CPU(ms)", f"{used:.1f}"),
        (f"4 倍过载(每秒 {rate:.0f} 次):办成 次/秒", f"{over.per_second:.0f}"),
        ("4 倍过载:办成的 p50 / p99(ms)", f"{over.percentile(50):.1f} / {over.percentile(99):.1f}"),
        ("4 倍过载:拒绝(429)的 p50 / p99(ms)", _percentiles(over.refused)),
        ("4 倍过载:状态", _statuses(over)),
        ("空接口 /healthz:次/秒", f"{nothing.per_second:.0f}"),
    ]


def _cpu_seconds(pid: int) -> float:
    """Return what a process has used of all cores: on a busy machine it says more than the time that passed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _embedded(port: int) -> float:
    """Return how many texts the service has embedded so far."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(r'^yousu_encoder_texts\{from="encoder"\} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else float("nan")


def _percentiles(times: list[float]) -> str:
    return f"{np.percentile(times, 50):.1f} / {np.percentile(times, 99):.1f}" if times else "-"


def _statuses(figures: Figures) -> str:
    return " ".join(f"{status}×{count}" for status, count in sorted(figures.statuses.items()))
