"""Programs that a user might take instead, measured on the same collections, each in an environment of its own.

`make peers` installs what can be installed simply; `bench/report.py` measures what is there and tells the rest as not
run. The peer never enters our own environment: its pins would fight ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "dist" / "peers"


@dataclass(frozen=True)
class Peer:
    """A package on PyPI with the version measured; `why_not` says why it is not installed by `make peers`."""

    name: str
    version: str = ""
    why_not: str = ""

    @property
    def python(self) -> Path:
        """The Python of its environment."""
        return HOME / self.name / "bin" / "python"


PEERS = (
    Peer("baisitong", "1.0.6"),
    Peer("baisitong2", why_not="派单矩阵是它自带的类别和部门,与别的目录无从逐条比较"),
    Peer("txtai", why_not="需要 torch 和联网下载的模型"),
)


def install(peer: Peer) -> None:
    """Make the environment of a peer; raises CalledProcessError when it cannot be installed."""
    folder = HOME / peer.name
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(peer.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{peer.name}=={peer.version}"], check=True)


def search(peer: Peer, texts: Sequence[str], questions: Sequence[str]) -> list[list[int]]:
    """Return for each question the places of the texts that a peer finds, best first.

    Raises RuntimeError with what it said when the peer fails.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(peer.python), str(ROOT / "bench" / f"peer_{peer.name}.py")],
        input=json.dumps({"texts": list(texts), "questions": list(questions)}),
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(done.stdout)


if __name__ == "__main__":
    for one in PEERS:
        if one.why_not:
            print(f"{one.name}: not installed ({one.why_not})")
        else:
            install(one)
            print(f"{one.name} {one.version}: {one.python}")
