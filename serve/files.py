"""Files of calls in, result files out: CSV or Excel by ending, every input column kept, bad rows set aside."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path


class FileError(ValueError):
    """A file that cannot be worked on; the message names it, what was expected and what was found."""


def read_rows(path: Path, encoding: str = "utf-8") -> tuple[list[str], list[dict[str, str]]]:
    """Return (columns, rows) of a CSV or Excel file; bytes that are not `encoding` stay as lone surrogates."""
    if not path.is_file():
        raise FileError(f"{path}: 文件不存在")
    suffix = path.suffix.lower()
    if suffix in {".xlsx", ".xls", ".xlsm", ".ods"}:
        table = _sheet(path)
    elif suffix == ".csv":
        codec = "utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding
        text = path.read_bytes().decode(codec, "surrogateescape").replace("\x00", " ")
        csv.field_size_limit(10_000_000)
        table = list(csv.reader(io.StringIO(text, newline="")))
    else:
        raise FileError(f"{path}: 应为 .csv 或 .xlsx,实为 {path.suffix or '没有后缀'}")
    if not table:
        raise FileError(f"{path}: 文件为空")
    columns = table[0]
    rows = [
        dict(zip(columns, [*row, *[""] * (len(columns) - len(row))], strict=False)) for row in table[1:] if any(row)
    ]
    return columns, rows


def _sheet(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise FileError(f"{path}: 应为可打开的工作簿(未加密、未损坏),实为 {error}") from error
    return [[_cell(v) for v in row] for row in rows]


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def text_column(path: Path, columns: Sequence[str], wanted: str | None) -> str:
    """Return the column that holds the text: the one asked for, or the only sensible guess."""
    if wanted:
        if wanted not in columns:
            raise FileError(f"{path}: 没有列 {wanted},现有列:{'、'.join(columns)}")
        return wanted
    for guess in ("text", "内容", "诉求内容", "来电内容", "question", "问题", "留言详情"):
        if guess in columns:
            return guess
    if len(columns) == 1:
        return columns[0]
    raise FileError(f"{path}: 请用 --text-column 指定文字列,现有列:{'、'.join(columns)}")


def is_damaged(row: dict[str, str]) -> bool:
    """Whether a row holds bytes that could not be decoded."""
    return any("\udc80" <= ch <= "\udcff" for value in row.values() for ch in value)


def write_rows(path: Path, columns: Sequence[str], rows: Iterator[dict[str, str]] | Sequence[dict[str, str]]) -> None:
    """Write a CSV (UTF-8 with mark, for Excel) or .xlsx file, under a temporary name first."""
    temporary = path.with_name(f".{path.name}.tmp{path.suffix}")
    if path.suffix.lower() == ".xlsx":
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
        book.save(temporary)
    elif path.suffix.lower() == ".csv":
        with temporary.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
    else:
        raise FileError(f"{path}: 输出应为 .csv 或 .xlsx")
    temporary.replace(path)
