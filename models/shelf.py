"""The trained bundles of an installation: which there are, which is in use, what was changed when; promotes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LOG = "log.jsonl"
"""File in the folder of bundles that tells every promotion, roll-back and refusal, a JSON object a line."""


def folders(bundles: Path) -> list[Path]:
    """Return the folders of the bundles in `bundles` by name; one that is still being packed is none of them."""
    found = sorted(file.parent for file in bundles.glob("*/manifest.json"))
    return [folder for folder in found if not folder.name.startswith(".") and folder.name != "incoming"]


def versions(bundles: Path) -> list[dict[str, Any]]:
    """Return the manifests in `bundles`, oldest first."""
    found = [json.loads((f / "manifest.json").read_text(encoding="utf-8")) for f in folders(bundles)]
    return sorted(found, key=lambda m: m.get("made_at", ""))


def history(bundles: Path) -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    file = bundles / LOG
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
