"""Tickets in: a table and a mapping give masked, labelled tickets; a row that cannot be used is listed with why."""

from __future__ import annotations

import datetime
import difflib
import hashlib
import html
import re
from collections import Counter
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kb.sheets import surplus
from models.masking import mask
from models.text import has_words, normalise
from training.mapping import Mapping
from training.tables import Table, cell_text, is_blank

if TYPE_CHECKING:
    from models.catalog import Catalog

_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})"
    r"(?:(?:\s*日\s*|[ T]+)(\d{1,2})[:时](\d{1,2})分?(?::(\d{1,2}))?)?"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$")
_EXCEL_DAY_ZERO = datetime.datetime(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as training sees it. `text` is masked; `caller` is a hash; `path` the label from broad to fine."""

    row: int
    key: str
    text: str
    path: tuple[str, ...]
    unit: str
    final_unit: str
    time: datetime.datetime | None
    caller: str
    corrected: bool = False
    """Whether a person gave this label against the recorded one."""
    origin: str = "ticket"
    """`ticket` (of the table) or `feedback` (a call known only from what operators decided)."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row was set aside."""

    row: int
    column: str
    what: str


@dataclass
class Intake:
    """What a table gave."""

    tickets: list[Ticket] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    read: int = 0

    @property
    def left_out(self) -> dict[str, int]:
        """Number of rows set aside by reason."""
        return dict(Counter(f.what.split(":")[0] for f in self.faults).most_common())


def read_tickets(
    table: Table, mapping: Mapping, *, corrections: MappingABC[str, tuple[str, ...]] | None = None, limit: int = 0
) -> Intake:
    """Read a table row by row; raises TrainError when the mapping does not fit its columns.

    `corrections` maps a ticket's key to the label path that a person gave; it wins over the table.
    `limit` stops after that many rows.
    """
    mapping.check(table.columns, table.source)
    at = {name: i for i, name in enumerate(table.columns)}
    intake = Intake()
    for number, cells in table.rows:
        if limit and intake.read >= limit:
            break
        intake.read += 1

        def get(column: str, cells: tuple[Any, ...] = cells) -> Any:
            return cells[at[column]] if column else ""

        if shifted := surplus(cells, len(table.columns)):
            what = f"格数多于表头:应为 {len(table.columns)} 格,实为 {len(cells)} 格"
            intake.faults.append(Fault(number, f"第{shifted}格", what))
            continue
        found = _ticket(number, get, mapping, corrections or {})
        if isinstance(found, Ticket):
            intake.tickets.append(found)
        else:
            intake.faults.append(found)
    return intake


def _ticket(number: int, get: Any, mapping: Mapping, corrections: MappingABC[str, tuple[str, ...]]) -> Ticket | Fault:
    parts = dict.fromkeys(cell_text(get(c)).strip() for c in mapping.text)
    text = mask(normalise(html.unescape("。".join(p for p in parts if p))))
    if not has_words(text):
        return Fault(number, "、".join(mapping.text), "没有文字")
    unit, final = (_mapped(mapping, f, cell_text(get(c)).strip()) for f, c in _units(mapping))
    if mapping.target == "unit":
        path: tuple[str, ...] = ((final or unit),)
    else:
        name = "code" if mapping.code else "levels"
        path = tuple(_mapped(mapping, name, " ".join(cell_text(get(c)).split())) for c in mapping.labels)
    key = cell_text(get(mapping.id)).strip() or f"row{number}"
    corrected = key in corrections
    path = corrections.get(key, path)
    if not all(path):
        return Fault(number, "、".join(mapping.labels), "没有标签")
    time = None
    if mapping.time:
        time = parse_time(get(mapping.time), mapping.dates)
        if time is None:
            return Fault(number, mapping.time, f"时间读不懂:{cell_text(get(mapping.time))[:30] or '空'}")
    caller = cell_text(get(mapping.caller)).strip()
    hashed = hashlib.sha256(b"yousu-caller" + caller.encode()).hexdigest()[:16] if caller else ""
    return Ticket(number, key, text, path, unit, final or unit, time, hashed, corrected)


def _units(mapping: Mapping) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("unit", mapping.unit), ("final_unit" if "final_unit" in mapping.values else "unit", mapping.final_unit)


def _mapped(mapping: Mapping, name: str, value: str) -> str:
    return mapping.values.get(name, {}).get(value, value)


def parse_time(value: Any, formats: tuple[str, ...] = ()) -> datetime.datetime | None:
    """Return a cell as a time: real dates, Excel day numbers, the given formats, and the usual written ones."""
    if is_blank(value):
        return None
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day)
    if isinstance(value, int | float) and 20_000 < value < 80_000:
        return _EXCEL_DAY_ZERO + datetime.timedelta(days=round(float(value) * 86_400) / 86_400)
    text = cell_text(value).strip()
    for form in formats:
        try:
            return datetime.datetime.strptime(text, form)
        except ValueError:
            continue
    found = _DATE.search(text) or _COMPACT.match(text)
    if found is None:
        return None
    try:
        return datetime.datetime(*(int(g or 0) for g in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


@dataclass(frozen=True)
class Resolved:
    """Tickets with a leaf key each, and the labels outside the catalogue with their counts and nearest names."""

    taxonomy: str
    tickets: list[Ticket]
    leaves: list[str]
    unknown: list[tuple[str, int, tuple[str, ...]]]


def resolve(tickets: list[Ticket], mapping: Mapping, catalog: Catalog) -> Resolved:
    """Give every ticket its leaf: of the catalogue when most labels are in it (or the mapping says so)."""
    if mapping.target == "unit" or mapping.taxonomy == "labels":
        return Resolved("labels", tickets, [" / ".join(t.path) for t in tickets], [])
    known: dict[tuple[str, ...], str] = {}
    by_name: dict[str, list[str]] = {}
    for leaf in catalog.leaves:
        names = tuple(node.name for node in catalog.path(leaf))
        known[names] = known[(leaf,)] = leaf
        by_name.setdefault(names[-1], []).append(leaf)
    single: dict[tuple[str, ...], str] = {(name,): leaves[0] for name, leaves in by_name.items() if len(leaves) == 1}
    codes = [known.get(t.path) or single.get(t.path) or "" for t in tickets]
    inside = sum(map(bool, codes))
    if mapping.taxonomy == "auto" and inside < 0.5 * len(tickets):
        return Resolved("labels", tickets, [" / ".join(t.path) for t in tickets], [])
    outside = Counter(" / ".join(t.path) for t, code in zip(tickets, codes, strict=True) if not code)
    names_list = [*by_name, *catalog.leaves]
    unknown = [
        (label, n, tuple(difflib.get_close_matches(label.split(" / ")[-1], names_list, 3, 0.3)))
        for label, n in outside.most_common(50)
    ]
    kept = [(t, c) for t, c in zip(tickets, codes, strict=True) if c]
    return Resolved("catalog", [t for t, _ in kept], [c for _, c in kept], unknown)
