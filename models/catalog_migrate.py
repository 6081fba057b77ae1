"""Carrying a catalogue over to new units, functions or leaves: what changes is shown first, then written whole."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.bundle import MANIFEST, write_manifest
from models.catalog_check import check_catalog
from models.catalog_tables import COLUMNS, Fault, read_tables, split

KINDS = ("unit", "function", "leaf")
MAPPING_COLUMNS = ("kind", "old", "new", "name")
_IDENTITY = {
    "unit": ("units.csv", "code"),
    "function": ("functions.csv", "function"),
    "leaf": ("classification.csv", "code"),
}
"""Where each kind is defined."""
_USES: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "unit": (("units.csv", ("parent",)), ("functions.csv", ("unit",)), ("jurisdictions.csv", ("unit",))),
    "function": (
        ("duties.csv", ("function",)), ("jurisdictions.csv", ("function",)), ("rule_branches.csv", ("lead", "co")),
    ),
    "leaf": (
        ("duties.csv", ("leaf",)), ("rules.csv", ("scope",)), ("rule_branches.csv", ("leaf",)),
        ("seasons.csv", ("codes",)),
    ),
}  # fmt: skip
"""Columns that refer to each kind; several values in a cell are joined by `;`."""
_KEYS = {"duties.csv": ("leaf", "role", "function"), "jurisdictions.csv": ("function", "district")}
"""What is unique in a file: of rows that fall together in a merger, the one that was there first stays."""
_OUTSIDE = {"leaf": ("code", "category", "category_code"), "unit": ("lead", "co", "department", "unit")}
"""Columns of examples and entries that refer to a leaf by code, or to a unit by name."""


class MigrationError(ValueError):
    """A mapping that cannot be carried out; nothing was written. `faults` lists all that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)


@dataclass(frozen=True)
class Move:
    """One line of the mapping: `new` may exist already (a merger) or not (a new code or name)."""

    kind: str
    old: str
    new: str
    name: str
    """New name of a unit or leaf; empty keeps the name."""


@dataclass(frozen=True)
class Change:
    """A cell that becomes another, or a row that goes (`after` empty)."""

    file: str
    row: int
    column: str
    before: str
    after: str

    def __str__(self) -> str:
        where = f"{self.file} 第{self.row}行 {self.column}" if self.row else f"{self.file} {self.column}"
        return f"{where}: {self.before} → {self.after or '(删去此行)'}"


@dataclass
class Plan:
    """What a migration would do: every change, and the whole new text of every file that changes, by path."""

    changes: list[Change] = field(default_factory=list)
    catalog: dict[str, str] = field(default_factory=dict)
    outside: dict[Path, str] = field(default_factory=dict)
    history: dict[str, dict[str, dict[str, float]]] | None = None

    def counts(self) -> dict[str, int]:
        """Number of changes by file."""
        return dict(Counter(c.file for c in self.changes))


def read_mapping(path: Path) -> list[Move]:
    """Return the moves of a CSV with the columns kind, old, new and name (may be left out); raises MigrationError."""
    faults: list[Fault] = []
    moves: list[Move] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in MAPPING_COLUMNS[:3] if c not in (reader.fieldnames or ())]
        if missing:
            raise MigrationError([Fault(path.name, 1, c, "有此列", "缺失") for c in missing])
        seen: set[tuple[str, str]] = set()
        for row in reader:
            move = Move(*((row.get(c) or "").strip() for c in MAPPING_COLUMNS))
            line = reader.line_num
            if move.kind not in KINDS:
                faults.append(Fault(path.name, line, "kind", "、".join(KINDS), move.kind or "空"))
            for column, value in (("old", move.old), ("new", move.new)):
                if not value:
                    faults.append(Fault(path.name, line, column, "有值", "空"))
            if (move.kind, move.old) in seen:
                faults.append(Fault(path.name, line, "old", "只出现一次", move.old))
            seen.add((move.kind, move.old))
            moves.append(move)
    if faults:
        raise MigrationError(faults)
    return moves


def plan(folder: Path, moves: Sequence[Move], *, outside: Iterable[Path] = (), bundle: Path | None = None) -> Plan:
    """Return what the moves change in the catalogue of `folder`, in the CSV files `outside` and in a bundle's history.

    Raises MigrationError when something to be moved does not exist, or the outcome would not be a valid catalogue.
    """
    tables, _, _, faults = read_tables(folder)
    if faults:
        raise MigrationError(faults)
    rows = {name: [(line, dict(cells)) for line, cells in table.rows] for name, table in tables.items()}
    found = Plan()
    names: dict[str, str] = {}
    for move in moves:
        names.update(_move(rows, move, found))
    for name in sorted({c.file for c in found.changes}):
        found.catalog[name] = _text([cells for _, cells in rows[name]])
    _valid(folder, found)
    codes = {m.old: m.new for m in moves if m.kind == "leaf"}
    for path in outside:
        _outside(path, {"leaf": codes, "unit": names}, found)
    history = bundle / "history.json" if bundle else None
    if history is not None and history.is_file():
        _history(history, codes, names, found)
    return found


def apply(folder: Path, found: Plan, *, bundle: Path | None = None) -> None:
    """Write a plan: every file under a temporary name first, then all of them renamed."""
    ready: list[tuple[Path, Path]] = []
    try:
        for path, text in (*((folder / n, t) for n, t in found.catalog.items()), *found.outside.items()):
            temporary = path.with_name(f".{path.name}.migrating")
            ready.append((temporary, path))
            temporary.write_text(text, encoding="utf-8", newline="")
    except BaseException:
        for temporary, _ in ready:
            temporary.unlink(missing_ok=True)
        raise
    for temporary, path in ready:
        os.replace(temporary, path)
    if found.history is not None and bundle is not None:
        temporary = bundle / ".history.json.migrating"
        temporary.write_text(json.dumps(found.history, ensure_ascii=False, indent=1), encoding="utf-8")
        os.replace(temporary, bundle / "history.json")
        record = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        write_manifest(bundle, {k: v for k, v in record.items() if k not in ("version", "files")})


def _move(rows: Mapping[str, list[tuple[int, dict[str, str]]]], move: Move, found: Plan) -> dict[str, str]:
    """Carry one move out on `rows`; return the unit names it changes, old to new."""
    file, column = _IDENTITY[move.kind]
    by_id = {cells[column]: (line, cells) for line, cells in rows[file]}
    if move.old not in by_id:
        raise MigrationError([Fault("对照表", 0, "old", f"{file} 里的 {column}", move.old)])
    line, own = by_id[move.old]
    label = "function" if move.kind == "function" else "name"
    before = own[label]
    if move.new in by_id and move.new != move.old:
        found.changes.append(Change(file, line, column, move.old, ""))
        rows[file][:] = [(n, cells) for n, cells in rows[file] if cells is not own]
        target = by_id[move.new][1]
        if move.name and target["name"] != move.name:
            found.changes.append(Change(file, by_id[move.new][0], "name", target["name"], move.name))
            target["name"] = move.name
        after = target[label]
    else:
        if move.new != move.old:
            found.changes.append(Change(file, line, column, move.old, move.new))
            own[column] = move.new
        if move.name and move.kind != "function" and own["name"] != move.name:
            found.changes.append(Change(file, line, "name", own["name"], move.name))
            own["name"] = move.name
        after = own[label]
    for used, columns in _USES[move.kind]:
        _refer(rows[used], used, columns, move, found)
    return {before: after} if move.kind == "unit" and before != after else {}


def _refer(
    rows: list[tuple[int, dict[str, str]]], file: str, columns: tuple[str, ...], move: Move, found: Plan
) -> None:
    """Point every reference of a file to the new one; a row that says what another says already goes."""
    key = _KEYS.get(file, ())
    there = {tuple(c[k] for k in key) for _, c in rows if move.old not in (c[k] for k in columns)}
    kept = []
    for line, cells in rows:
        for column in columns:
            values = split(cells[column])
            if move.old in values and move.old != move.new:
                after = ";".join(dict.fromkeys(move.new if v == move.old else v for v in values))
                found.changes.append(Change(file, line, column, cells[column], after))
                cells[column] = after
                if key and tuple(cells[k] for k in key) in there:
                    found.changes[-1] = Change(file, line, column, move.old, "")
                    break
        else:
            kept.append((line, cells))
    rows[:] = kept


def _valid(folder: Path, found: Plan) -> None:
    """Raise MigrationError when the catalogue that would come out has faults."""
    with tempfile.TemporaryDirectory() as trial:
        for name in ("catalog.toml", *COLUMNS):
            if name in found.catalog:
                (Path(trial) / name).write_text(found.catalog[name], encoding="utf-8", newline="")
            else:
                shutil.copy2(folder / name, Path(trial) / name)
        if faults := check_catalog(Path(trial)):
            raise MigrationError(faults)


def _outside(path: Path, moved: Mapping[str, Mapping[str, str]], found: Plan) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        rows = [(reader.line_num, row) for row in reader]
    changed = False
    for line, row in rows:
        for kind, columns in _OUTSIDE.items():
            for column in (c for c in columns if row.get(c)):
                values = split(row[column])
                after = ";".join(dict.fromkeys(moved[kind].get(v, v) for v in values))
                if any(v in moved[kind] for v in values):
                    found.changes.append(Change(path.name, line, column, row[column], after))
                    row[column], changed = after, True
    if changed:
        found.outside[path] = _text([row for _, row in rows])


def _history(path: Path, codes: Mapping[str, str], names: Mapping[str, str], found: Plan) -> None:
    """Carry what is known of accepted and returned tickets over to the new leaves and units; counts add up."""
    record = json.loads(path.read_text(encoding="utf-8"))
    out: dict[str, dict[str, dict[str, float]]] = {}
    for side, leaves in record.items():
        out[side] = {}
        for leaf, units in leaves.items():
            into = out[side].setdefault(codes.get(leaf, leaf), {})
            for unit, count in units.items():
                to = names.get(unit, unit)
                into[to] = into.get(to, 0.0) + count
                if to != unit or leaf in codes:
                    place = f"{side} {leaf}"
                    found.changes.append(
                        Change(path.name, 0, place, f"{unit} {count:g}件", f"{codes.get(leaf, leaf)} {to}")
                    )
    if out != record:
        found.history = out


def _text(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows as CSV, columns in the order of the first row."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
