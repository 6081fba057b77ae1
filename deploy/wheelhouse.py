"""Fills a folder with every wheel of an install and a list of their sha256, for machines without a network."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "deploy" / "constraints.txt"
"""Versions of the base install; the same file gives the same wheels."""
LIST = "requirements.txt"
EPOCH = "1767225600"
"""Time stamp (2026-01-01) inside the wheels that are built here, so that building twice gives the same bytes."""


def normal(name: str) -> str:
    """Return a project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(wheel: Path) -> tuple[str, str]:
    """Return (name, version) of a wheel, from its file name (PEP 427)."""
    name, version, *_ = wheel.name.split("-")
    return normal(name), version


def listed(folder: Path) -> str:
    """Return the list of a folder's wheels, pinned with their sha256, by name.

    Raises ValueError when a project is there in two versions: which one is installed would be left to pip.
    """
    lines: dict[str, str] = {}
    for wheel in sorted(folder.glob("*.whl")):
        name, version = read(wheel)
        if name in lines:
            raise ValueError(f"{folder}: {name} is there twice; empty the folder and run again")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines[name] = f"{name}=={version} --hash=sha256:{digest}\n"
    return "".join(lines[name] for name in sorted(lines))


def fill(folder: Path, *, pin: bool, extras: str = "") -> int:
    """Put the wheels and their list into `folder` and return how many; with `pin`, write the constraints anew.

    `extras` are names of pyproject.toml, separated by commas; the constraints hold no versions of theirs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("*.whl"), folder / LIST):
        old.unlink(missing_ok=True)
    pinned = [] if pin or not CONSTRAINTS.is_file() else ["--constraint", str(CONSTRAINTS)]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
    wanted = f"{ROOT}[{extras}]" if extras else str(ROOT)
    subprocess.run([*command, *pinned, "--wheel-dir", str(folder), wanted], check=True, env=environment)
    text = listed(folder)
    temporary = folder / f".{LIST}.tmp"
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(folder / LIST)
    if pin:
        versions = [line.split(" ")[0] for line in text.splitlines() if not line.startswith("yousu==")]
        head = "# Versions of the base install; written by `python deploy/wheelhouse.py FOLDER --pin`.\n"
        CONSTRAINTS.write_text(head + "\n".join(versions) + "\n", encoding="utf-8")
    return text.count("\n")


def main() -> None:
    """Fill the folder that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pin", action="store_true", help="take the newest versions and write deploy/constraints.txt")
    parser.add_argument("--extras", default="", help="extras to add, separated by commas: postgres,oidc")
    chosen = parser.parse_args()
    if chosen.pin and chosen.extras:
        parser.error("--pin writes the versions of the base install; leave --extras out")
    count = fill(chosen.folder, pin=chosen.pin, extras=chosen.extras)
    size = sum(p.stat().st_size for p in chosen.folder.glob("*.whl")) / 1e6
    print(f"{chosen.folder}: {count} wheels, {size:.0f} MB, list with hashes in {LIST}")


if __name__ == "__main__":
    main()
