"""What a bundle's heads take without the encoder, how large its parts are, how well they read labelled calls."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.index_bench import percentiles, timed
from models.risk import RiskRules
from models.text import normalise, strip_fillers
from serve.engine import Engine

CALLS = 300
"""Calls that are timed, evenly spread over the file of written examples."""
_COLUMNS = ("text", "code", "request_type")


class CallsError(ValueError):
    """A file of labelled calls that cannot be read; the message names file, row and column."""


def timings(engine: Engine) -> dict[str, dict[str, float]]:
    """Return p50 and p95 in milliseconds of each head and of all together, a call at a time, vectors ready made."""
    texts = _written(engine.settings.data / "tickets" / "examples.csv")
    vectors = engine.embed(texts)
    bundle, rules = engine.bundle, RiskRules(engine.catalog.risks, engine.catalog.triggers)
    leaf = np.full((1, len(bundle.category.classes_)), 1 / len(bundle.category.classes_))  # the category head's lap
    heads: dict[str, Callable[[str, NDArray[np.float32]], object]] = {
        "category": lambda t, v: bundle.categorise(t, v),
        "request_type": lambda t, v: bundle.request_types([t], v[None, :], leaf),
        "risk": lambda t, v: bundle.risk.add(rules.find(t), engine.catalog.risks, t, v),
    }
    spent = np.zeros((len(texts), len(heads)))
    for row, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
        for column, head in enumerate(heads.values()):
            spent[row, column] = timed(partial(head, text, vector))
    found = {name: percentiles(spent[:, i]) for i, name in enumerate(heads)}
    return {**found, "together": percentiles(spent.sum(1))}


def sizes(bundle: Path) -> dict[str, float]:
    """Return the megabytes (10^6 bytes) of each part of a bundle folder and of all of it, the largest first."""
    parts: dict[str, int] = {}
    for file in bundle.rglob("*"):
        if file.is_file():
            part = file.relative_to(bundle).parts[0]
            parts[part] = parts.get(part, 0) + file.stat().st_size
    ranked = {name: round(size / 1e6, 2) for name, size in sorted(parts.items(), key=lambda p: -p[1])}
    return {**ranked, "together": round(sum(parts.values()) / 1e6, 2)}


def read_calls(file: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV with `text`, `code`, `request_type` and perhaps `requests`, how many the call holds."""
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise CallsError(f"{file}: 缺少列 {'、'.join(missing)};现有列:{'、'.join(reader.fieldnames or ())}")
        rows = []
        for row in reader:
            if not (row.get("requests") or "1").isdecimal():
                raise CallsError(f"{file} 第{reader.line_num}行 requests: 应为个数,实为 {row['requests']}")
            rows.append(row)
    return rows


def accuracy(engine: Engine, calls: Sequence[dict[str, str]]) -> dict[str, Any]:
    """Return how many calls got the right leaf, level by level, and type, and how many were parted rightly.

    A call of several requests counts as right when any of those found has its leaf.
    """
    taxonomy = engine.bundle.category.taxonomy_
    right: list[list[bool]] = []
    kinds: list[bool] = []
    parted: dict[str, list[bool]] = {"single": [], "several": []}
    for call in calls:
        found = engine.assist(call["text"], record=False)
        kinds.append(found.request_type == call["request_type"])
        if call.get("requests"):
            parted["several" if int(call["requests"]) > 1 else "single"].append(len(found.requests) > 1)
        if call["code"] in taxonomy.index:
            wanted = taxonomy.paths[taxonomy.index[call["code"]]]
            right.append([any(r.category.path[i] == key for r in found.requests) for i, key in enumerate(wanted)])
    levels = [{"right": sum(row), "of": len(row)} for row in zip(*right, strict=True)]
    return {
        "calls": len(calls),
        "levels": levels,
        "request_type": {"right": sum(kinds), "of": len(kinds)},
        "parted": {kind: {"parted": sum(found), "of": len(found)} for kind, found in parted.items()},
    }


def _written(file: Path) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as handle:
        texts = [row["text"] for row in csv.DictReader(handle)]
    return [strip_fillers(normalise(t)) for t in texts[:: max(1, len(texts) // CALLS)][:CALLS]]
