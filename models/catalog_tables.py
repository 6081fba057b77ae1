"""The files of a catalogue as tables: their columns, how they are read, and what a fault in one is."""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

MODES = ("direct", "parallel", "negotiate", "emergency")
RESOLUTIONS = ("unit", "district", "street", "party")
TRIGGER_KINDS = ("trigger", "need", "figurative", "past", "weak")
COLUMNS: dict[str, tuple[str, ...]] = {
    "classification.csv": (
        "code", "parent", "level", "name", "description", "keywords", "urgent", "months", "mode", "handover",
        "handover_when",
    ),
    "units.csv": ("code", "parent", "level", "name", "kind", "district", "street", "aliases"),
    "functions.csv": ("function", "resolve", "unit", "aliases"),
    "jurisdictions.csv": ("function", "district", "unit"),
    "duties.csv": ("leaf", "role", "rank", "function", "clause"),
    "rules.csv": ("rule", "topic", "scope", "question", "statement", "factor", "basis"),
    "rule_branches.csv": ("rule", "branch", "cues", "not_cues", "lead", "co", "leaf", "answer"),
    "risks.csv": ("risk", "name", "severity", "ask_first", "handover", "advice", "do_not", "after"),
    "risk_triggers.csv": ("risk", "kind", "pattern"),
    "places.csv": ("name", "kind", "district", "street", "shared", "aliases"),
    "seasons.csv": ("season", "months", "topic", "codes", "why", "watch", "action"),
}  # fmt: skip
PROVENANCE = ("provenance", "source")


@dataclass(frozen=True)
class Fault:
    """A fault in a file: `row` counts lines from 1 with the header (0 = the whole file)."""

    file: str
    row: int
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.file} 第{self.row}行" if self.row else self.file
        return f"{where} {self.column}: 应为 {self.expected},实为 {self.found}"


def split(cell: str) -> tuple[str, ...]:
    """Return the values of a cell that joins them by `;`."""
    return tuple(v.strip() for v in cell.split(";") if v.strip())


@dataclass(frozen=True)
class Table:
    """A CSV file as read: `rows` are (line number, cells by column)."""

    file: str
    rows: tuple[tuple[int, dict[str, str]], ...]


def read_tables(folder: Path) -> tuple[dict[str, Table], dict[str, object], str, list[Fault]]:
    """Return (tables by file name, catalog.toml, hash, faults of form: missing file or column, bad UTF-8)."""
    faults: list[Fault] = []
    digest = hashlib.sha256()
    tables: dict[str, Table] = {}
    settings: dict[str, object] = {}
    for name in ("catalog.toml", *COLUMNS):
        path = folder / name
        if not path.is_file():
            faults.append(Fault(name, 0, "文件", "存在", "缺失"))
            continue
        content = path.read_bytes()
        digest.update(name.encode() + b"\0" + content + b"\0")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            faults.append(
                Fault(name, content[: error.start].count(b"\n") + 1, "编码", "UTF-8", f"第{error.start}字节无效")
            )
            continue
        if name == "catalog.toml":
            try:
                settings = tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                faults.append(Fault(name, 0, "格式", "TOML", str(error)))
            faults += [
                Fault(name, 0, k, "有值", "缺失") for k in ("version", "city", "level_names") if k not in settings
            ]
            continue
        tables[name] = _table(name, text, faults)
    return tables, settings, digest.hexdigest(), faults


def _table(name: str, text: str, faults: list[Fault]) -> Table:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(_cells(name, reader, faults), [])
    wanted = (*COLUMNS[name], *PROVENANCE)
    missing = [c for c in wanted if c not in header]
    faults += [Fault(name, 1, c, "有此列", "缺失") for c in missing]
    rows = []
    for cells in _cells(name, reader, faults):
        if not any(cells):
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header):
            faults.append(Fault(name, reader.line_num, "列数", str(len(header)), str(len(cells))))
            continue
        rows.append((reader.line_num, dict.fromkeys(missing, "") | dict(zip(header, cells, strict=True))))
    return Table(name, tuple(rows))


def _cells(name: str, reader: Reader, faults: list[Fault]) -> Iterator[list[str]]:
    """Yield the rows; a row that is no CSV (such as an endless quoted cell) is a fault and ends the file."""
    try:
        yield from reader
    except csv.Error as error:
        faults.append(Fault(name, reader.line_num, "格式", "CSV", str(error)))
