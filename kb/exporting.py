"""Entries to CSV, Excel or JSON Lines: taken back by `kb import --as-backup`, the next export is the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kb.entry import COLUMNS, KnowledgeEntry, to_row
from kb.sheets import write_rows


def export_entries(entries: Iterable[KnowledgeEntry], path: Path) -> None:
    """Write entries by id; raises FileError for an ending that is not .csv, .xlsx or .jsonl."""
    write_rows(path, COLUMNS, (to_row(e) for e in sorted(entries, key=lambda e: e.id)))
