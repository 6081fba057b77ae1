"""Entries from Excel, CSV or JSON Lines: columns mapped, faults listed by row, good rows stored in one transaction."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kb.entry import COLUMNS, KnowledgeEntry, clean_cell, from_row, row_faults, to_row
from kb.likeness import overlap, plain
from kb.sheets import FileError, Row, is_damaged, read_table, write_rows
from kb.store import EntryStore
from models.catalog import Catalog
from models.text import storable

HEADINGS: dict[str, tuple[str, ...]] = {
    "id": ("编号", "条目编号", "序号"),
    "question": ("题目", "问题", "标准问题", "标题", "问"),
    "aliases": ("别名", "相似问", "相似问法", "口语问法"),
    "answer": ("答案", "答复", "标准答案", "回答", "答"),
    "basis": ("依据", "政策依据", "文号"),
    "department": ("部门", "责任部门", "承办单位"),
    "category": ("分类", "分类代码"),
    "region": ("区县", "地区", "适用地区"),
    "effective_from": ("生效日期", "有效期起"),
    "effective_to": ("失效日期", "有效期止"),
    "keywords": ("关键词",),
    "status": ("状态",),
    "verification": ("核定情况",),
    "verified_at": ("核定日期",),
    "reviewer": ("审核人",),
    "source": ("来源",),
}
"""Headings that are understood without a mapping, beside the column names themselves."""
_SEPARATORS = re.compile(r"\s*[;；\n]+\s*")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_UNITS = re.compile(r"[;；、,，]")

Near = Callable[[str], Sequence[tuple[KnowledgeEntry, float]]]
"""Returns the entries a question nearly repeats, with their likeness, the nearest first."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row (counted from 1 with the heading) and column."""

    row: int
    column: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"第{self.row}行 {self.column}:应为 {self.expected},实为 {self.found}"


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or with `dry_run` would do; rows with faults were set aside."""

    rows: int
    new: int
    changed: int
    unchanged: int
    set_aside: int
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...]
    dry_run: bool


@dataclass(frozen=True)
class Known:
    """Names and codes an entry may refer to."""

    departments: frozenset[str]
    categories: frozenset[str]
    districts: frozenset[str]

    @classmethod
    def of(cls, catalog: Catalog) -> Known:
        """Return what the catalogue knows: units and functions with their aliases, codes, districts."""
        units = {n for u in catalog.units.values() for n in (u.name, *u.aliases)}
        functions = {n for f in catalog.functions.values() for n in (f.function, *f.aliases)}
        return cls(frozenset(units | functions), frozenset(catalog.nodes), frozenset(catalog.districts))

    def faults(self, entry: KnowledgeEntry) -> Iterator[tuple[str, str, str]]:
        """Yield (column, expected, found) of what the entry refers to and the catalogue does not know."""
        for name in filter(None, (n.strip() for n in _UNITS.split(entry.department))):
            if name not in self.departments:
                yield "department", "派单目录里的单位或职能", name
        if entry.category and entry.category not in self.categories:
            yield "category", "分类目录里的代码", entry.category
        if entry.region and entry.region not in self.districts:
            yield "region", "、".join(sorted(self.districts)), entry.region


def read_mapping(options: Sequence[str]) -> dict[str, str]:
    """Return heading -> column of `问题=question` options or TOML files with a table `columns`."""
    mapping: dict[str, str] = {}
    for option in options:
        if option.endswith(".toml"):
            try:
                mapping |= tomllib.loads(Path(option).read_text(encoding="utf-8"))["columns"]
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise FileError(
                    f'{option}: 应为含 [columns] 表的 TOML,如 "问题" = "question";实为 {error!r}'
                ) from error
        elif "=" in option:
            heading, _, column = option.rpartition("=")
            mapping[heading.strip()] = column.strip()
        else:
            raise FileError(f"--map {option}: 应为 表头=字段 或 .toml 文件")
    if wrong := [c for c in mapping.values() if c not in COLUMNS]:
        raise FileError(f"--map: 没有字段 {'、'.join(map(str, wrong))},可用:{'、'.join(COLUMNS)}")
    return mapping


@dataclass(frozen=True)
class Checked:
    """A file that was read and checked, and is not stored yet: `good` entries, and the rows set aside with why."""

    report: ImportReport
    good: tuple[KnowledgeEntry, ...]
    headings: tuple[str, ...]
    aside: tuple[tuple[Row, str], ...]


def check_file(
    path: Path, store: EntryStore, known: Known, *, mapping: Mapping[str, str] | None = None, near: Near | None = None,
    as_backup: bool = False, encoding: str = "utf-8",
) -> Checked:  # fmt: skip
    """Read a file and sort its rows against what `store` holds; nothing is written. For the arguments see below."""
    headings, rows = read_table(path, encoding)
    columns, ignored = _columns(path, headings, mapping or {})
    held = {e.id: e for e in store.entries()}
    desk = _Desk(held, known, None if as_backup else near, as_backup=as_backup)
    for row in rows:
        desk.take(row, columns)
    report = ImportReport(
        rows=len(rows),
        new=sum(e.id not in held for e in desk.good),
        changed=sum(e.id in held for e in desk.good),
        unchanged=len(rows) - len(desk.good) - len(desk.aside),
        set_aside=len(desk.aside),
        faults=tuple(desk.faults),
        ignored=tuple(ignored),
        dry_run=True,
    )
    return Checked(report, tuple(desk.good), tuple(headings), tuple(desk.aside))


def import_file(
    path: Path, store: EntryStore, known: Known, *, who: str, why: str = "", mapping: Mapping[str, str] | None = None,
    near: Near | None = None, dry_run: bool = False, as_backup: bool = False, encoding: str = "utf-8",
) -> ImportReport:  # fmt: skip
    """Store the good rows of a file as drafts by `who`, in one transaction; the report lists every fault by row.

    `near` finds near duplicates (None: not looked for). `as_backup` takes rows back as an export wrote them, with
    their status, and checks only their form. Rows with faults go to `NAME.rejected.SUFFIX` beside the file.
    Raises FileError when nothing can be read at all.
    """
    checked = check_file(path, store, known, mapping=mapping, near=near, as_backup=as_backup, encoding=encoding)
    if dry_run:
        return checked.report
    store.upsert(checked.good, who=who, why=why or f"导入 {path.name}", keep_live=not as_backup)
    if checked.aside:
        _write_rejected(path, checked)
    return replace(checked.report, dry_run=False)


def _columns(path: Path, headings: Sequence[str], mapping: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return (column -> heading, headings without a column as they can be told)."""
    there = "、".join(map(storable, headings))
    if missing := [h for h in mapping if h not in headings]:
        raise FileError(f"{path}: 没有列 {'、'.join(missing)},现有列:{there}")
    guesses = {name: column for column, names in HEADINGS.items() for name in (column, *names)}
    columns: dict[str, str] = {c: h for h, c in mapping.items()}
    for heading in headings:
        column = guesses.get(heading.strip())
        if column and heading not in mapping:
            columns.setdefault(column, heading)
    for column in ("question", "answer"):
        if column not in columns:
            raise FileError(
                f"{path}: 缺少 {column}({HEADINGS[column][0]}),现有列:{there};可用 --map 表头={column} 指定"
            )
    return columns, [storable(h) for h in headings if h not in columns.values()]


class _Desk:
    """Sorts rows into good entries and rows set aside, with the faults."""

    def __init__(self, held: Mapping[str, KnowledgeEntry], known: Known, near: Near | None, *, as_backup: bool) -> None:
        self._held, self._known, self._near, self._as_backup = held, known, near, as_backup
        self._ids: dict[str, int] = {}
        self._asked: dict[str, list[tuple[KnowledgeEntry, str]]] = {}
        for entry in held.values():
            if entry.status != "retired":
                self._asked.setdefault(plain(entry.question), []).append((entry, f"条目 {entry.id}"))
        self.good: list[KnowledgeEntry] = []
        self.aside: list[tuple[Row, str]] = []
        self.faults: list[Fault] = []

    def take(self, row: Row, columns: Mapping[str, str]) -> None:
        """Sort one row."""
        found: list[tuple[str, str, str]] = []
        if row.fault:
            found.append(("整行", *_parted(row.fault)))
        elif is_damaged(row.cells):
            found.append(("整行", "能按所给编码读出的文字", "有无法识别的字节"))
        else:
            cells = self._cells(row, columns)
            found = row_faults(cells)
            if cells["id"] in self._ids:
                column = "id" if cells["id"] == row.cells.get(columns.get("id", "")) else "question"
                found.append((column, "文件内不重复", f"与第{self._ids[cells['id']]}行重复"))
            dates = {c: "" for c, _, _ in found if c in {"effective_from", "effective_to", "verified_at"}}
            entry = from_row(cells | dates)
            changed = bool(found) or not self._same(self._held.get(entry.id), entry)
            if changed and not self._as_backup:
                found += self._desk_faults(entry)
            if not found:
                self._ids[entry.id] = row.number
                self._asked.setdefault(plain(entry.question), []).append((entry, f"第{row.number}行"))
                if changed:
                    self.good.append(entry)
        if found:
            faults = [Fault(row.number, column, expected, storable(f)) for column, expected, f in found]
            self.faults += faults
            self.aside.append((row, ";".join(f"{f.column} 应为 {f.expected},实为 {f.found}" for f in faults)))

    def _cells(self, row: Row, columns: Mapping[str, str]) -> dict[str, str]:
        """Return the cells of the columns of an entry; what the file does not hold stays as it is stored."""
        given = {c: row.cells[h] for c, h in columns.items()}
        cells = {c: v if v.startswith(("\t", "\r")) else clean_cell(v) for c, v in given.items()}
        if not cells.get("id"):
            cells["id"] = _id_of(cells)
        before = self._held.get(cells["id"])
        cells = (to_row(before) if before else dict.fromkeys(COLUMNS, "")) | cells
        for column in ("aliases", "keywords"):
            cells[column] = ";".join(filter(None, _SEPARATORS.split(cells[column])))
        for column in ("effective_from", "effective_to", "verified_at"):
            if match := _DATE.fullmatch(cells[column]):
                cells[column] = f"{match[1]}-{int(match[2]):02}-{int(match[3]):02}"
        if not self._as_backup:
            cells |= {"status": "draft", "reviewer": ""}
        return cells

    def _same(self, before: KnowledgeEntry | None, entry: KnowledgeEntry) -> bool:
        if before is None or self._as_backup:
            return before == entry
        return replace(before, status="draft", reviewer="") == entry

    def _desk_faults(self, entry: KnowledgeEntry) -> Iterator[tuple[str, str, str]]:
        if not entry.basis:
            yield "basis", "有依据", "空"
        yield from self._known.faults(entry)
        if not entry.question:
            return
        for other, where in self._asked.get(plain(entry.question), ()):
            if other.id != entry.id and overlap(entry, other):
                yield "question", "不与已有条目或本文件其他行重复", f"与{where}「{other.question}」重复"
                return
        if self._near is not None and entry.id not in self._held:
            for other, likeness in self._near(entry.question):
                if other.id != entry.id and overlap(entry, other):
                    yield "question", "不与已有条目近似", f"与条目 {other.id}「{other.question}」近似({likeness:.2f})"
                    return


def _id_of(cells: Mapping[str, str]) -> str:
    """Return an id for a row without one; the same question, place and start give the same id at every import."""
    parts = (plain(cells["question"]), cells.get("region", ""), cells.get("effective_from", ""))
    return "I" + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def _parted(fault: str) -> tuple[str, str]:
    expected, _, found = fault.partition(",实为 ")
    return expected.removeprefix("应为 "), found


def _write_rejected(path: Path, checked: Checked) -> None:
    suffix = path.suffix if path.suffix.lower() in {".csv", ".xlsx"} else ".csv"
    rows = [
        {**dict.fromkeys(checked.headings, ""), **row.cells, "row": str(row.number), "reason": why}
        for row, why in checked.aside
    ]
    write_rows(path.with_name(f"{path.stem}.rejected{suffix}"), [*checked.headings, "row", "reason"], rows)
