"""Embedding and search on a Dask cluster: the same results as here, also when a worker is lost on the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.embedder import OnnxEmbedder
from tests.conftest import ROOT
from training.embedding import embed_all
from training.errors import TrainError
from training.spread import Threads, spread

pytest.importorskip("distributed", reason="needs the extra scale")
ENCODER = ROOT / "models" / "bundle" / "encoder"


@pytest.fixture(scope="module")
def texts() -> list[str]:
    whats = ("路灯不亮", "水管爆了")
    return [f"{place}{i}号{what}" for i in range(150) for place in ("东街", "西路") for what in whats]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(ENCODER)


@pytest.fixture(scope="module")
def here(texts: list[str], embedder: OnnxEmbedder, tmp_path_factory: pytest.TempPathFactory):
    return embed_all(texts, embedder, tmp_path_factory.mktemp("here"), progress=False)


def squares(common: int, item: int) -> int:
    return common + item * item


def test_threads_give_every_result_once() -> None:
    assert dict(Threads(3).map(squares, 10, range(20))) == {i: 10 + i * i for i in range(20)}


def test_an_unknown_engine_or_a_scheduler_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="local 或 dask"), spread("spark"):
        pass
    with pytest.raises(TrainError, match="连不上"), spread("dask", scheduler="tcp://127.0.0.1:9", patience=1):
        pass


def test_a_cluster_that_loses_a_worker_on_the_way_comes_to_the_same_vectors(
    texts: list[str], embedder: OnnxEmbedder, here, tmp_path: Path
) -> None:
    with spread("dask", workers=2) as cluster:
        client = cluster.client
        client.wait_for_workers(2, timeout=300)
        first = next(iter(client.run(os.getpid).values()))
        done: list[int] = []

        class Losing:
            """Kills a worker as soon as the first shard is there."""

            def encode(self, *arguments: Any) -> Iterator[tuple[int, Any]]:
                for i, found in cluster.encode(*arguments):
                    if not done:
                        os.kill(first, signal.SIGKILL)
                    done.append(i)
                    yield i, found

        there = embed_all(texts, embedder, tmp_path, progress=False, spread=Losing(), folder=ENCODER)
        assert first not in client.run(os.getpid).values()
        assert dict(cluster.map(squares, 1, [2, 3])) == {0: 5, 1: 10}
    assert len(done) == len(set(done)) == 3
    np.testing.assert_allclose(there, here, atol=1e-5)


# -- hosts of their own ----------------------------------------------------------------------------------------


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


class Hosts:
    """Network namespaces on a bridge: each has an address of its own and can be cut off."""

    def __init__(self, number: int) -> None:
        self.tag = uuid.uuid4().hex[:5]
        self.names = [f"y{self.tag}{i}" for i in range(number)]
        self.processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Hosts:
        ip("link", "add", f"b{self.tag}", "type", "bridge")
        ip("link", "set", f"b{self.tag}", "up")
        for i, name in enumerate(self.names):
            ip("netns", "add", name)
            ip("link", "add", f"o{self.tag}{i}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"o{self.tag}{i}", "master", f"b{self.tag}", "up")
            ip("-n", name, "addr", "add", f"{self.address(i)}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                ip("-n", name, "link", "set", device, "up")
        return self

    @staticmethod
    def address(i: int) -> str:
        return f"10.213.77.{i + 1}"

    def run(self, i: int, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.names[i], *command], cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, **options,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def cut(self, i: int) -> None:
        ip("link", "set", f"o{self.tag}{i}", "down")

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait(20)
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, timeout=20)
        subprocess.run(["ip", "link", "delete", f"b{self.tag}"], capture_output=True, timeout=20)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need the program ip and root")
    made = Hosts(4)
    try:
        made.__enter__()
    except (subprocess.SubprocessError, OSError) as error:
        made.__exit__()
        pytest.skip(f"network namespaces are not permitted here: {getattr(error, 'stderr', b'') or error}")
    yield made
    made.__exit__()


SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from models.embedder import OnnxEmbedder
from training.embedding import embed_all
from training.spread import spread
encoder, out, scheduler = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
texts = Path(sys.argv[4]).read_text(encoding="utf-8").split("\\n")
with spread("dask", scheduler=scheduler) as cluster:
    cluster.client.wait_for_workers(2, timeout=300)
    print("begin", flush=True)
    vectors = embed_all(texts, OnnxEmbedder(encoder), out, progress=False, spread=cluster, folder=encoder)
np.save(out / "vectors.npy", vectors)
"""


def test_hosts_of_their_own_work_together_and_one_that_is_cut_off_is_replaced_by_the_other(
    hosts: Hosts, texts: list[str], here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler, two workers and the training, each on a host of its own; the first worker is cut off."""
    many = [*texts, *(f"{t},请尽快处理" for t in texts)]
    (tmp_path / "texts").write_text("\n".join(many), encoding="utf-8")
    scheduler = f"tcp://{hosts.address(0)}:8786"
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP", "12s")  # shorter patience than a real network needs
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "12s")
    hosts.run(0, sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", hosts.address(0), "--port",
              "8786", "--no-dashboard")  # fmt: skip
    for i in (1, 2):
        hosts.run(i, sys.executable, "-m", "distributed.cli.dask_worker", scheduler, "--host", hosts.address(i),
                  "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  "--local-directory", str(tmp_path / f"worker{i}"))  # fmt: skip
    (tmp_path / "out").mkdir()
    training = hosts.run(
        3, sys.executable, "-c", SCRIPT, str(ENCODER), str(tmp_path / "out"), scheduler, str(tmp_path / "texts"),
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert training.stdout is not None
    assert training.stdout.readline().strip() == b"begin"
    for _ in range(3000):
        if list((tmp_path / "out").glob("[!.]*.npy")):
            break
        time.sleep(0.1)
    hosts.cut(1)
    assert training.wait(600) == 0
    found = np.load(tmp_path / "out" / "vectors.npy")
    np.testing.assert_allclose(found[: len(texts)], here, atol=1e-5)
    assert np.isfinite(found).all()
