"""Which column of a file of calls holds the text; reading and writing the files is `kb.sheets`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kb.sheets import FileError, Row, is_damaged, read_table, write_rows


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


__all__ = ["FileError", "Row", "is_damaged", "read_table", "text_column", "write_rows"]
