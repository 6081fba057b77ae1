"""Programs that a user might take instead, measured on the same collections, each in an environment of its own.

`make peers` installs them, `make peers PEERS="baisitong txtai"` those named; `bench/report.py` measures what is there
and tells the rest as not run. A peer never enters our own environment: its pins would fight ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "dist" / "peers"


@dataclass(frozen=True)
class Peer:
    """A package on PyPI with the version measured, what it is measured at and `how`, for the report.

    `instead` names what it is installed with instead of all that it asks for, where that would be too heavy.
    """

    name: str
    version: str
    how: str
    task: Literal["retrieval", "routing"] = "retrieval"
    instead: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The Python of its environment."""
        return HOME / self.name / "bin" / "python"


PEERS = (
    Peer("baisitong", "1.0.6", "不接大模型,切分、打分与融合都按它的默认"),
    # asks for torch (3 GB with what it brings on Linux) and does without where the vectors come from elsewhere, as
    # here: it is given our encoder; onnxruntime and tokenizers are for that
    Peer(
        "txtai", "9.14.0", "用有诉的编码器与切分;索引、BM25 和向量与 BM25 各半都是它的默认",
        instead=("faiss-cpu", "msgpack", "numpy", "onnxruntime", "pyyaml", "regex", "tokenizers", "tqdm"),
    ),
    Peer(
        "baisitong2", "1.0.2", "不接大模型,按它规则所判的首个类别;"
        "类别到标签的对照按这些行自己的答案填到准确率最高,准确率是上限,宏平均 F1 不是",
        task="routing",
    ),
)  # fmt: skip


def install(peer: Peer) -> None:
    """Make the environment of a peer; raises CalledProcessError when it cannot be installed."""
    folder = HOME / peer.name
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if peer.instead:
        subprocess.run([*pip, *peer.instead], check=True)
    subprocess.run([*pip, *["--no-deps"] * bool(peer.instead), f"{peer.name}=={peer.version}"], check=True)


def search(peer: Peer, texts: Sequence[str], questions: Sequence[str]) -> list[list[int]]:
    """Return for each question the places of the texts that a peer finds, best first; errors as in `ask`."""
    from models.locations import bundle_dir

    encoder = str(bundle_dir() / "encoder")
    return ask(peer, {"texts": list(texts), "questions": list(questions), "encoder": encoder})


def ask(peer: Peer, given: dict[str, Any]) -> Any:
    """Return what a peer's program makes of `given`; raises RuntimeError with what it said when it fails."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(peer.python), str(ROOT / "bench" / f"peer_{peer.name}.py")],
        input=json.dumps(given), capture_output=True, text=True, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(done.stdout)


def chosen(names: Sequence[str]) -> list[Peer]:
    """Return the peers of these names, all without any; raises SystemExit that names the peers there are."""
    there = {peer.name: peer for peer in PEERS}
    if unknown := [name for name in names if name not in there]:
        raise SystemExit(f"unknown peer {', '.join(unknown)}; there are {', '.join(there)}")
    return [there[name] for name in names or there]


if __name__ == "__main__":
    for one in chosen(sys.argv[1:]):
        install(one)
        print(f"{one.name} {one.version}: {one.python}")
