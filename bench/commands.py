"""Runs `yousu bench …` in a process of its own and remembers what each command printed; it knows no table."""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.sections import NotRunError

ROOT = Path(__file__).resolve().parent.parent
RUNS: dict[str, Any] = {}
"""What each command printed, by the command."""


def bench(*arguments: str, needs: tuple[Path, ...] = ()) -> Any:
    """Return what `yousu bench ARGUMENTS --json` printed, once a run of the report.

    Raises NotRunError when a file that it `needs` is missing or it fails.
    """
    missing = [p for p in needs if not p.is_file()]
    if missing:
        raise NotRunError("没有 " + "、".join(p.name for p in missing))
    said = " ".join(["yousu bench", *(Path(a).name if os.path.isabs(a) else a for a in arguments)])
    if said in RUNS:
        return RUNS[said]
    command = [sys.executable, "-m", "yousu", "bench", *arguments, "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        raise NotRunError((done.stderr.strip().splitlines() or ["没有说明"])[-1])
    RUNS[said] = json.loads(done.stdout)
    return RUNS[said]


def keep_figures(file: Path, where: str) -> None:
    """Put what the commands printed into a JSON file, each over what an earlier run of the same command left there."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    today = datetime.date.today().isoformat()
    kept |= {c: {"command": c, "when": today, "machine": where, "figures": found} for c, found in RUNS.items()}
    write(file, json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(file)
