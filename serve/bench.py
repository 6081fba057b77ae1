"""Speed of the service on this machine: latency, throughput, start-up and memory, and the encoder alone as floor."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

CALLS = (
    "我家暖气不热,打了几次电话没人管",
    "城西区虎台街道路灯不亮好几天了",
    "居民医保交到什么时候截止",
    "楼上天天半夜砸墙吵得睡不着,物业不管,派出所来了也没用,第二天接着砸,我家老人有心脏病",
    "老板拖欠我们十几个人三个月工资",
)

NUMBERS = itertools.count(1)
"""Numbers of calls; none is given twice in a process."""


def said(number: int) -> str:
    """Return what the call `number` says; every call is different, so that no vector is remembered from an earlier."""
    return f"{CALLS[number % len(CALLS)]},打了{number}遍"


def measure(seconds: float = 5.0) -> dict[str, str]:
    """Start the service in a process of its own and return the figures by name, with their units."""
    port = _free_port()
    started = time.perf_counter()
    command = [sys.executable, "-m", "yousu", "serve", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parent.parent)
    try:
        while not _ready(port):
            if process.poll() is not None:
                raise RuntimeError(f"the service stopped with code {process.returncode}")
            time.sleep(0.02)
        start_up = time.perf_counter() - started
        _client(port, 0.5)
        single = np.array(_client(port, seconds)) * 1000
        results: list[list[float]] = [[] for _ in range(8)]
        threads = [threading.Thread(target=lambda i=i: results[i].extend(_client(port, seconds))) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        many = sum(map(len, results)) / seconds
        resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    finally:
        process.terminate()
        process.wait()
    floor = float(np.percentile(_encoder_alone(seconds), 50))
    p50 = float(np.percentile(single, 50))
    return {
        "single call p50 (HTTP, ms)": f"{p50:.1f}",
        "single call p99 (HTTP, ms)": f"{np.percentile(single, 99):.1f}",
        "encoder alone p50 (ms)": f"{floor:.1f}",
        "ratio to the encoder": f"{p50 / floor:.2f}",
        "calls per second, 8 clients": f"{many:.0f}",
        "start-up (s)": f"{start_up:.2f}",
        "resident memory (MB)": f"{resident:.0f}",
    }


def _encoder_alone(seconds: float) -> list[float]:
    """Return the milliseconds of embedding what calls say, one after the other."""
    from models.embedder import load_embedder
    from serve.settings import Settings

    embedder = load_embedder(Settings().bundle_now / "encoder")
    embedder.encode([said(0)], kind="query")
    times: list[float] = []
    end = time.perf_counter() + min(seconds, 2)
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        embedder.encode([said(len(times) + 1)], kind="query")
        times.append((time.perf_counter() - start) * 1000)
    return times


def _client(port: int, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        number = next(NUMBERS)
        body = json.dumps({"text": said(number)}).encode()
        start = time.perf_counter()
        connection.request("POST", "/v1/assist", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        times.append(time.perf_counter() - start)
    connection.close()
    return times


def _ready(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])
