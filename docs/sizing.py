"""Sizing tables of docs/operations.md, from docs/measured.json, which `bench/report.py --figures` writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

BEGIN = "<!-- Sizing: written by docs/generate.py from docs/measured.json; measure again rather than edit. -->"
END = "<!-- End of sizing. -->"
Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], list[str]]


def sized(page: str, measured: Path, table: Table) -> str:
    """Return `page` with the tables of `measured` between its two marks; raises ValueError when a mark is missing."""
    runs = read_runs(measured)
    lines: list[str] = []
    for make in (_service, _index, _training, _head):
        lines += make(runs, table)
    return between(page, BEGIN, END, lines or ["", "Not measured yet."])


def between(page: str, begin: str, end: str, lines: list[str]) -> str:
    """Return `page` with `lines` between the lines `begin` and `end`; raises ValueError when one is missing."""
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"expected the lines {begin!r} and {end!r}")
    return "\n".join([before + begin, *lines, "", end + after])


def read_runs(measured: Path) -> dict[str, Any]:
    """Return what docs/measured.json holds: a run by its command; nothing where there is no file."""
    return json.loads(measured.read_text(encoding="utf-8")) if measured.is_file() else {}


def _service(runs: dict[str, Any], table: Table) -> list[str]:
    found = newest(runs, "yousu bench serve")
    if found is None:
        return []
    rows = [(name, value) for name, value in found["figures"].items()]
    return [
        "",
        "One process of the service, every call different:",
        "",
        *table(("", "measured"), rows),
        "",
        _where(found),
    ]


def _index(runs: dict[str, Any], table: Table) -> list[str]:
    found = newest(runs, "yousu bench index")
    if found is None:
        return []
    rows = [
        (
            f"{m['entries']:,}", f"{m['memory_mb']:,}", f"{m['build_s']:.1f}",
            *(f"{m[k]['p50']:.1f} / {m[k]['p95']:.1f}" for k in ("search_ms", "upsert_ms")),
        )
        for m in found["figures"]["sizes"]
    ]  # fmt: skip
    head = ("entries", "memory (MB)", "build (s)", "search p50 / p95 (ms)", "one change p50 / p95 (ms)")
    said = "The index by entries (made-up texts and vectors, without the encoder's own time):"
    return ["", said, "", *table(head, rows), "", _where(found)]


def _training(runs: dict[str, Any], table: Table) -> list[str]:
    """Whole trainings by size, from every run that measured one."""
    sizes = trainings(runs)
    if not sizes:
        return []
    rows = [
        (
            f"{n:,}", f"{m['wall_s']:,.0f}", f"{m['cpu_s']:,.0f}", f"{m['peak_mb']:,}",
            *(f"{m['cpu_seconds'].get(step, 0):,.0f}" for step in ("embed", "estimate", "fit")),
            f"{m['estimated']:,}", str(m["load"]),
        )
        for n, (m, _) in sorted(sizes.items())
    ]  # fmt: skip
    head = (
        "tickets", "wall (s)", "CPU (s)", "peak (MB)", "embedding CPU (s)", "estimating CPU (s)", "fitting CPU (s)",
        "vectors estimated", "load before",
    )  # fmt: skip
    said = "A whole `yousu train`, from the table to the bundle, nothing embedded before (synthetic tickets):"
    used = {run["command"]: run for _, run in sizes.values()}
    return ["", said, "", *table(head, rows), "", *map(_where, used.values())]


def trainings(runs: dict[str, Any]) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """Return (figures, run) of a whole training by its number of tickets, of a size the newest."""
    found = sorted((run for name, run in runs.items() if name.startswith("yousu bench training")), key=_when)
    return {m["tickets"]: (m, run) for run in found for m in run["figures"]["sizes"]}


def _head(runs: dict[str, Any], table: Table) -> list[str]:
    """Both curves, from every run that measured a part of them."""
    found = sorted((run for name, run in runs.items() if name.startswith("yousu bench growth")), key=_when)
    lines: list[str] = []
    for curve, by in (("leaves", "tickets"), ("tickets", "leaves")):
        sizes = {(m[by], m[curve]): m for run in found for m in run["figures"][curve]}
        rows = [
            (
                f"{m['leaves']:,}", f"{m['tickets']:,}", f"{m['fit_s']:.1f}", f"{m['fit_cpu_s']:.1f}",
                f"{m['peak_mb']:,}", f"{m['call_ms']['p50']:.1f} / {m['call_ms']['p95']:.1f}", f"{m['size_mb']:.1f}",
            )
            for _, m in sorted(sizes.items())
        ]  # fmt: skip
        if rows:
            head = ("leaves", "tickets", "fit (s)", "CPU (s)", "peak (MB)", "one call p50 / p95 (ms)", "disk (MB)")
            said = (
                f"Training the category head, more and more {curve} (synthetic, vectors made up; embedding is extra):"
            )
            lines += ["", said, "", *table(head, rows)]
    return [*lines, "", *map(_where, found)] if lines else []


def newest(runs: dict[str, Any], command: str) -> dict[str, Any] | None:
    """Return the newest run of a command, whatever its options were."""
    found = [run for name, run in runs.items() if name.startswith(command)]
    return max(found, key=_when, default=None)


def _when(run: dict[str, Any]) -> str:
    return str(run["when"])


def _where(run: dict[str, Any]) -> str:
    return f"`{run['command']}`, {run['when']}: {run['machine']}."
