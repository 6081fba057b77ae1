"""Opening tables of any common kind as a stream of rows: CSV, Excel, Parquet or SQL; it knows no field's meaning."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.sheets import surplus

ENCODINGS = ("utf-8-sig", "gb18030")
_SHEETS = {".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"}
_LOOK = 30
"""Rows that are looked at to find the header."""


class TableError(ValueError):
    """A table that cannot be read; the message names it, what was expected and what was found."""


@dataclass(frozen=True)
class Table:
    """A table that is read once, from top to bottom."""

    source: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[int, tuple[Any, ...]]]
    """(row number as a person sees it, cells); blank rows are left out. A row is longer than `columns` only when a
    cell that has no heading holds something (`kb.sheets.surplus`): then it is shifted."""
    notes: tuple[str, ...] = ()
    """What was found out on opening: encoding, header row, sheet."""


def open_table(source: str | Path, *, encoding: str = "", sheet: str = "", table: str = "") -> Table:
    """Open a file by its ending, or a database by its URL (`table` names the table or holds a SELECT).

    Raises TableError when it is missing, empty, encrypted, damaged or of an unknown kind.
    """
    if "://" in str(source):
        return _sql(str(source), table)
    path = Path(source)
    if not path.is_file():
        raise TableError(f"{path}: 文件不存在")
    if path.stat().st_size == 0:
        raise TableError(f"{path}: 文件为空")
    suffix = path.suffix.lower()
    if suffix in _SHEETS:
        return _excel(path, sheet)
    if suffix in {".csv", ".tsv", ".txt"}:
        return _csv(path, encoding)
    if suffix == ".parquet":
        return _parquet(path)
    raise TableError(f"{path}: 应为 .csv、.xlsx 或 .parquet,实为 {path.suffix or '没有后缀'}")


def detect_encoding(path: Path) -> str:
    """Return `utf-8-sig`, `utf-16` or `gb18030`, by the mark at the start and by what decodes without error."""
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        for name in ENCODINGS:
            file.seek(0)
            decoder = codecs.getincrementaldecoder(name)()
            try:
                for block in iter(lambda: file.read(1 << 20), b""):
                    decoder.decode(block)
                decoder.decode(b"", True)
            except UnicodeDecodeError:
                continue
            return name
    return "utf-8-sig"


def _csv(path: Path, encoding: str) -> Table:
    name = encoding or detect_encoding(path)
    csv.field_size_limit(10_000_000)
    try:
        file = path.open(encoding=name, errors="replace", newline="")
    except LookupError as error:
        raise TableError(f"{path}: 不认识的编码 {encoding}") from error
    head = file.readline()
    file.seek(0)
    delimiter = max((",", "\t", ";"), key=head.count)
    lines = (line.replace("\x00", " ") for line in file)
    rows = enumerate(csv.reader(lines, delimiter=delimiter), start=1)
    return _with_header(str(path), rows, [f"编码 {name}"], ragged=True)


def _excel(path: Path, sheet: str) -> Table:
    from python_calamine import CalamineError, CalamineWorkbook

    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\xd0\xcf\x11\xe0") and path.suffix.lower() in {".xlsx", ".xlsm", ".xlsb"}:
        raise TableError(f"{path}: 工作簿设有打开密码,请去掉密码后另存再试")
    try:
        book = CalamineWorkbook.from_path(path)
        names = book.sheet_names
        if sheet and sheet not in names:
            raise TableError(f"{path}: 没有工作表 {sheet},现有:{'、'.join(names)}")
        chosen = sheet or max(names, key=lambda n: book.get_sheet_by_name(n).total_height)
        found = book.get_sheet_by_name(chosen)
        numbered = ((i, tuple(row)) for i, row in enumerate(found.iter_rows(), start=1))
        return _with_header(str(path), numbered, [f"工作表 {chosen}"])
    except CalamineError as error:
        said = "设有打开密码" if "assword" in str(error) else f"已损坏或不完整({error})"
        raise TableError(f"{path}: 工作簿{said};应为可打开的工作簿") from error


def _parquet(path: Path) -> Table:
    try:
        import pyarrow
        import pyarrow.parquet as pq
    except ImportError as error:
        raise TableError(f"{path}: 读取 Parquet 需要 pip install 'yousu[parquet]'") from error
    try:
        file = pq.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise TableError(f"{path}: 不是完整的 Parquet 文件({error})") from error
    columns = tuple(file.schema_arrow.names)

    def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
        number = 0
        for batch in file.iter_batches(5000):
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield number, cells

    return Table(str(path), columns, rows(), (f"{file.metadata.num_rows} 行",))


def _sql(url: str, table: str) -> Table:
    import sqlalchemy as sa

    shown = url.split("@")[-1]
    if not table:
        raise TableError(f"{shown}: 请用 --table 给出表名或一条 SELECT")
    try:
        engine = sa.create_engine(url)
        connection = engine.connect().execution_options(stream_results=True, yield_per=2000)
        if table.lstrip().lower().startswith("select"):
            query: Any = sa.text(table)
        else:
            query = sa.select(sa.Table(table, sa.MetaData(), autoload_with=engine))
        result = connection.execute(query)
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise TableError(f"{shown}: 数据库读不出 {table}({str(error).splitlines()[0]})") from error

    def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
        try:
            for number, row in enumerate(result, start=1):
                yield number, tuple(row)
        finally:
            connection.close()
            engine.dispose()

    return Table(f"{shown} {table}", tuple(result.keys()), rows(), ())


def _with_header(
    source: str, rows: Iterable[tuple[int, Sequence[Any]]], notes: list[str], *, ragged: bool = False
) -> Table:
    """Find the header: titles and blank rows above it are passed over, a second header row is joined to it.

    In a sheet, whose rows are all as wide as its widest, a column may lack a name; a `ragged` one ends with the last.
    """
    stream = iter(rows)
    look: list[tuple[int, Sequence[Any]]] = []
    for number, cells in stream:
        if any(not is_blank(c) for c in cells):
            look.append((number, cells))
        if len(look) >= _LOOK:
            break
    if not look:
        raise TableError(f"{source}: 没有任何内容")
    filled = [sum(not is_blank(c) for c in cells) for _, cells in look]
    usual = sorted(filled)[len(filled) // 2]
    at = next((i for i, n in enumerate(filled) if n > 1 and n >= 0.5 * usual), 0)
    number, header = look[at]
    names = [str(c).strip() if not is_blank(c) else "" for c in header]
    if at:
        notes.append(f"表头在第 {number} 行")
    if at + 1 < len(look) and _is_second_header(names, look[at + 1][1]):
        names = _join_headers(names, look[at + 1][1])
        at += 1
        notes.append("表头为两行(合并单元格)")
    while ragged and names and not names[-1]:
        names.pop()
    columns = _unique(names)

    def body() -> Iterator[tuple[int, tuple[Any, ...]]]:
        for n, cells in look[at + 1 :]:
            yield n, _fit(cells, len(columns))
        for n, cells in stream:
            if any(not is_blank(c) for c in cells):
                yield n, _fit(cells, len(columns))

    return Table(source, columns, body(), tuple(notes))


def _is_second_header(names: Sequence[str], cells: Sequence[Any]) -> bool:
    if surplus(cells, len(names)):
        return False
    below = [str(c).strip() if isinstance(c, str) else ("#" if not is_blank(c) else "") for c in cells]
    below += [""] * (len(names) - len(below))
    gaps = [b for n, b in zip(names, below, strict=False) if not n]
    single = [i for i, n in enumerate(names) if n and not below[i]]
    return bool(gaps) and all(gaps) and bool(single) and all(len(b) <= 20 and "#" not in b for b in below)


def _join_headers(names: Sequence[str], cells: Sequence[Any]) -> list[str]:
    joined, last = [], ""
    for name, cell in zip(names, [*cells, *[""] * len(names)], strict=False):
        below = "" if is_blank(cell) else str(cell).strip()
        last = name or last
        joined.append(f"{last}/{below}" if below and last else last or below)
    return joined


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    out = []
    for i, raw in enumerate(names, start=1):
        name = " ".join(raw.replace("\ufeff", "").split()) or f"第{i}列"
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(out)


def _fit(cells: Sequence[Any], width: int) -> tuple[Any, ...]:
    kept = cells if surplus(cells, width) else cells[:width]
    return (*kept, *("",) * (width - len(kept)))


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing that can be seen."""
    return value is None or (isinstance(value, str) and not value.strip()) or value != value


def cell_text(value: Any) -> str:
    """Return a cell as text: whole numbers without `.0`, nothing for a blank."""
    if is_blank(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
