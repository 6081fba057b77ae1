"""Whether a workbook may be opened at all: how much it unfolds to and how far its cells reach; it reads no cells."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 300_000_000
"""Most bytes that all parts of a workbook may unfold to; 100,000 long entries take about a third of it."""
MOST_CELLS = 20_000_000
"""Most cells of the rectangle that the cells of a sheet span; readers allocate all of it."""
_MOST_PARTS = 2000
_CHUNK = 1 << 20
_CELL = re.compile(rb"""\br\s*=\s*["']\s*([A-Za-z]{0,3})(\d{1,10})""")
_LOCAL_HEADER = 30


class WorkbookError(ValueError):
    """A workbook that would take too much memory; the message says what was expected and found."""


def check_workbook(path: Path) -> None:
    """Raise WorkbookError when a zipped workbook is a bomb: too many parts, bytes or cells, whatever its heads claim.

    The parts are unfolded piece by piece and thrown away, so the check itself stays small. A file that is no zip is
    left to whoever opens it.
    """
    if not zipfile.is_zipfile(path):
        return
    left = MOST_BYTES
    with zipfile.ZipFile(path) as book, path.open("rb") as raw:
        parts = book.infolist()
        if len(parts) > _MOST_PARTS:
            raise WorkbookError(f"应至多 {_MOST_PARTS} 个部件,实为 {len(parts)} 个")
        for part in parts:
            sheet = part.filename.lower().startswith("xl/worksheets/")
            columns = rows = 1
            tail = b""
            for piece in _unfolded(raw, part):
                left -= len(piece)
                if left < 0:
                    raise WorkbookError(f"应解压后至多 {MOST_BYTES // 1_000_000} MB,实际更大")
                if not sheet:
                    continue
                for letters, digits in _CELL.findall(tail + piece):
                    columns, rows = max(columns, _column(letters)), max(rows, int(digits))
                if columns * rows > MOST_CELLS:
                    raise WorkbookError(f"应至多 {MOST_CELLS} 格,实际一直用到第 {rows} 行第 {columns} 列")
                tail = piece[-40:]


def _unfolded(raw: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what a part holds, read from its raw bytes: the size that its head gives may be a lie."""
    raw.seek(part.header_offset)
    head = raw.read(_LOCAL_HEADER)
    raw.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
    if part.compress_type == zipfile.ZIP_STORED:
        yield raw.read(min(part.compress_size, MOST_BYTES + 1))
        return
    if part.compress_type != zipfile.ZIP_DEFLATED:
        raise WorkbookError(f"部件应以 deflate 压缩,实为方式 {part.compress_type}")
    engine, left = zlib.decompressobj(-zlib.MAX_WBITS), part.compress_size
    waiting = b""
    try:
        while not engine.eof:
            if not waiting:
                waiting = raw.read(min(_CHUNK, left))
                left -= len(waiting)
                if not waiting:
                    return
            yield engine.decompress(waiting, _CHUNK)
            waiting = engine.unconsumed_tail
    except zlib.error as error:
        raise WorkbookError(f"应为完好的工作簿,实为 {error}") from error


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return max(number, 1)
