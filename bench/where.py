"""On what machine, when, and with which code and bundle the figures of a report were made."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from dataclasses import dataclass

from bench.commands import ROOT

BUSY = 1.5
"""Load above which times say little by themselves: the machine has other things to do."""


@dataclass(frozen=True)
class Where:
    """What figures were made on; `load` is that of the last minute before the first of them."""

    machine: str
    cores: int
    python: str
    load: float
    when: datetime.datetime
    commit: str
    bundle: str

    def __str__(self) -> str:
        """Return the machine in one line, as docs/measured.json keeps it."""
        return f"{self.machine}, {self.cores} cores, Python {self.python}, load {self.load:.1f} before"


def here() -> Where:
    """Return where the program runs now."""
    return Where(
        machine=platform.machine(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        load=os.getloadavg()[0],
        when=datetime.datetime.now().astimezone(),
        commit=_commit(),
        bundle=_bundle(),
    )


def _commit() -> str:
    """Return the commit that is checked out, and whether files differ from it."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "不在 git 里"
    return f"{head}{',另有未提交的改动' if changed else ''}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _bundle() -> str:
    from models.locations import bundle_dir

    file = bundle_dir() / "manifest.json"
    return json.loads(file.read_text(encoding="utf-8"))["version"] if file.is_file() else "没有"
