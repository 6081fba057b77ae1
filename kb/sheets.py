"""Tables in files: CSV, Excel or JSON Lines by ending, with true row numbers; the same rows give the same bytes."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kb.workbooks import WorkbookError, check_workbook

WORKBOOKS = frozenset({".xlsx", ".xls", ".xlsm", ".ods"})
LINES = frozenset({".jsonl", ".ndjson"})


class FileError(ValueError):
    """A file that cannot be worked on; the message names it, what was expected and what was found."""


@dataclass(frozen=True)
class Row:
    """A row: `number` counts from 1 with the heading; `fault` says why it could not be read, or is empty."""

    number: int
    cells: dict[str, str]
    fault: str = ""


def read_table(path: Path, encoding: str = "utf-8") -> tuple[list[str], list[Row]]:
    """Return (columns, rows) of a file, empty rows left out; bytes that are not `encoding` stay as lone surrogates."""
    if not path.is_file():
        raise FileError(f"{path}: 文件不存在")
    suffix = path.suffix.lower()
    if suffix in LINES:
        return _lines(path, encoding)
    if suffix in WORKBOOKS:
        table = _sheet(path)
    elif suffix == ".csv":
        csv.field_size_limit(10_000_000)
        try:
            table = list(csv.reader(io.StringIO(_text(path, encoding).replace("\x00", " "), newline="")))
        except csv.Error as error:
            raise FileError(f"{path}: 应为 CSV,实为 {error}") from error
    else:
        raise FileError(f"{path}: 应为 .csv 或 .xlsx(条目也可用 .jsonl),实为 {path.suffix or '没有后缀'}")
    if not table:
        raise FileError(f"{path}: 文件为空")
    # the rows of a sheet are all as wide as its widest: a column of remarks may lack a heading, and shifts nothing
    columns = table[0][: max(map(_reach, table if suffix in WORKBOOKS else table[:1]))]
    rows = []
    for number, cells in enumerate(table[1:], 2):
        if any(cells):
            shifted = surplus(cells, len(columns))
            fault = f"应为 {len(columns)} 格,实为 {len(cells)} 格(第{shifted}格没有表头)" if shifted else ""
            padded = [*cells, *[""] * (len(columns) - len(cells))]
            rows.append(Row(number, dict(zip(columns, padded, strict=False)), fault))
    return columns, rows


def surplus(cells: Sequence[object], width: int) -> int:
    """Return the place, from 1, of the first cell beyond `width` that holds something, 0 when none does.

    Spreadsheets leave empty cells at the end of a row. One with content means that the row is shifted, mostly by a
    comma without quotes, so none of its cells can be trusted.
    """
    return next((i for i, c in enumerate(cells[width:], width + 1) if c is not None and str(c).strip()), 0)


def _reach(cells: Sequence[str]) -> int:
    """Return how many cells there are up to the last that holds something."""
    return next((n for n in range(len(cells), 0, -1) if cells[n - 1].strip()), 0)


def is_damaged(row: dict[str, str]) -> bool:
    """Whether a row holds bytes that could not be decoded."""
    return any("\udc80" <= ch <= "\udcff" for value in row.values() for ch in value)


def write_rows(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    """Write CSV (UTF-8 with mark, for Excel), .xlsx or JSON Lines, under a temporary name first."""
    temporary = path.with_name(f".{path.name}.tmp{path.suffix}")
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        _write_workbook(temporary, columns, rows)
    elif suffix == ".csv":
        with temporary.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    elif suffix in LINES:
        with temporary.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            for row in rows:
                file.write(json.dumps({c: row[c] for c in columns}, ensure_ascii=False) + "\n")
    else:
        raise FileError(f"{path}: 输出应为 .csv 或 .xlsx(条目也可用 .jsonl)")
    temporary.replace(path)


def _text(path: Path, encoding: str) -> str:
    codec = "utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding
    return path.read_bytes().decode(codec, "surrogateescape")


def _lines(path: Path, encoding: str) -> tuple[list[str], list[Row]]:
    columns: dict[str, None] = {}
    rows: list[Row] = []
    for number, line in enumerate(_text(path, encoding).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("不是对象")
            rows.append(Row(number, {k: _json_cell(v) for k, v in value.items()}))
            columns |= dict.fromkeys(value)
        except (ValueError, RecursionError) as error:
            rows.append(Row(number, {}, f"应为一个 JSON 对象,实为 {error}"))
    if not rows:
        raise FileError(f"{path}: 文件为空")
    complete = [Row(r.number, dict.fromkeys(columns, "") | r.cells, r.fault) for r in rows]
    return list(columns), complete


def _json_cell(value: object) -> str:
    if isinstance(value, list):
        return ";".join(_json_cell(v) for v in value)
    if isinstance(value, dict):
        raise ValueError("值里有对象")
    return "" if value is None else _cell(value)


def _sheet(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        check_workbook(path)
    except (WorkbookError, zipfile.BadZipFile) as error:
        raise FileError(f"{path}: 工作簿不能打开:{error}") from error
    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise FileError(f"{path}: 应为可打开的工作簿(未加密、未损坏),实为 {error}") from error
    return [[_cell(v) for v in row] for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _write_workbook(path: Path, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("结果")
    sheet.append(list(columns))
    for row in rows:
        cells = []
        for column in columns:
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub(" ", row[column])[:32_000])
            cell.data_type = "s"
            cells.append(cell)
        sheet.append(cells)
    made = io.BytesIO()
    book.save(made)
    _without_time(made, path)


def _without_time(made: io.BytesIO, path: Path) -> None:
    """Write a workbook without the moments it was made at, so that the same rows give the same bytes."""
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "docProps/core.xml":
                body = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2026-01-01T00:00:00Z", body)
            member = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(member, body)
