"""A knowledge entry and its file: what an operator may read out, with basis, validity and how far it is verified."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from kb.sheets import surplus
from models.text import UNFIT

STATUSES = ("draft", "review", "published", "retired")
COLUMNS = (
    "id", "question", "aliases", "answer", "basis", "department", "category", "region", "effective_from",
    "effective_to", "keywords", "status", "verification", "verified_at", "reviewer", "source",
)  # fmt: skip

LONGEST = {"question": 500, "aliases": 4000, "answer": 10_000, "category": 32, "region": 64, "reviewer": 64}
"""Longest text of a column, in characters; 1,000 for the others (a spreadsheet cell ends at 32,767)."""
_ID = re.compile(r"[\w.-]{1,64}")
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r")
"""What a spreadsheet may run as a formula at the start of a cell."""


@dataclass(frozen=True)
class KnowledgeEntry:
    """An entry; `region` is a district's name or empty for the whole city, dates are ISO or None."""

    id: str
    question: str
    aliases: tuple[str, ...]
    answer: str
    basis: str
    department: str
    category: str
    region: str
    effective_from: datetime.date | None
    effective_to: datetime.date | None
    keywords: tuple[str, ...]
    status: str
    verification: str
    verified_at: datetime.date | None
    reviewer: str
    source: str

    def valid(self, on: datetime.date, district: str = "") -> bool:
        """Whether the entry may be answered from on a day, for a call from `district` (empty = unknown)."""
        return (
            self.status == "published"
            and (self.effective_from is None or self.effective_from <= on)
            and (self.effective_to is None or on <= self.effective_to)
            and (not self.region or self.region == district)
        )


class EntryError(ValueError):
    """Faulty rows; `faults` are (row, column, expected, found)."""

    def __init__(self, file: str, faults: list[tuple[int, str, str, str]]) -> None:
        first = faults[0]
        super().__init__(f"{file}: {len(faults)} 处错误,首处:第{first[0]}行 {first[1]} 应为 {first[2]},实为 {first[3]}")
        self.faults = faults


def read_entries(path: Path) -> list[KnowledgeEntry]:
    """Return the entries of a CSV; raises EntryError that lists every fault by row, so nothing loads half."""
    faults: list[tuple[int, str, str, str]] = []
    entries: list[KnowledgeEntry] = []
    seen: set[str] = set()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        missing = [c for c in COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise EntryError(path.name, [(1, c, "有此列", "缺失") for c in missing])
        for row in reader:
            before = len(faults)
            if shifted := surplus(row.pop(None, ()), 0):
                place = len(reader.fieldnames or ()) + shifted
                faults.append((reader.line_num, f"第{place}格", "空(没有表头)", "有内容"))
            faults += [(reader.line_num, c, e, f) for c, e, f in row_faults(row)]
            if row["id"] in seen:
                faults.append((reader.line_num, "id", "不重复", row["id"]))
            seen.add(row["id"])
            if len(faults) == before:
                entries.append(from_row(row))
    if faults:
        raise EntryError(path.name, faults)
    return entries


def row_faults(row: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return the (column, expected, found) of all that is wrong with a row of text cells, whoever brings it."""
    found = [(c, "有内容", "空") for c in ("id", "question", "answer", "status") if not row[c].strip()]
    if row["id"] and not _ID.fullmatch(row["id"]):
        found.append(("id", "至多64个字母、数字、汉字、点、横线", row["id"][:20]))
    if row["status"] and row["status"] not in STATUSES:
        found.append(("status", "、".join(STATUSES), row["status"]))
    if row["status"] == "published" and not row["basis"]:
        found.append(("basis", "已发布的条目要有依据", "空"))
    dates = {}
    for column in ("effective_from", "effective_to", "verified_at"):
        try:
            dates[column] = _date(row[column])
        except ValueError:
            found.append((column, "YYYY-MM-DD", row[column][:20]))
    start, end = dates.get("effective_from"), dates.get("effective_to")
    if start and end and end < start:
        found.append(("effective_to", f"不早于 {start}", str(end)))
    for column in COLUMNS:
        value, limit = row[column], LONGEST.get(column, 1000)
        if value.startswith(_FORMULA):
            found.append((column, "不以 = + - @ 开头", value[:20]))
        if UNFIT.search(value):
            found.append((column, "没有控制字符和无法识别的字节", repr(value[:20])))
        if len(value) > limit:
            found.append((column, f"至多 {limit} 字", f"{len(value)} 字"))
    return found


def _date(cell: str) -> datetime.date | None:
    if cell and not re.fullmatch(r"\d{4}-\d\d-\d\d", cell, re.ASCII):
        raise ValueError(cell)
    return datetime.date.fromisoformat(cell) if cell else None


def clean_cell(text: str) -> str:
    """Return a cell without outer white space and with plain line ends; what the store keeps is clean."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def from_row(row: dict[str, str]) -> KnowledgeEntry:
    """Return the entry of a row of text cells."""
    values: dict[str, object] = dict(row)
    for column in ("aliases", "keywords"):
        values[column] = tuple(v.strip() for v in row[column].split(";") if v.strip())
    for column in ("effective_from", "effective_to", "verified_at"):
        values[column] = _date(row[column])
    return KnowledgeEntry(**{f.name: values[f.name] for f in fields(KnowledgeEntry)})  # type: ignore[arg-type]


def to_row(entry: KnowledgeEntry) -> dict[str, str]:
    """Return the row of text cells of an entry; `from_row` of it is the entry."""
    cells = {}
    for field in fields(KnowledgeEntry):
        value = getattr(entry, field.name)
        cells[field.name] = ";".join(value) if isinstance(value, tuple) else str(value or "")
    return cells
