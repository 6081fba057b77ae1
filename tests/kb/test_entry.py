"""Entries and their file: every fault is told by row and column, and nothing loads half."""

import csv
import datetime
import re
from collections import Counter
from pathlib import Path

import pytest

from kb.entry import COLUMNS, EntryError, from_row, read_entries, to_row
from kb.importing import Known
from models.catalog import load_catalog
from models.locations import catalog_dir, data_dir

GOOD = dict.fromkeys(COLUMNS, "") | {
    "id": "T1",
    "question": "窗口几点下班",
    "answer": "以大厅公告为准。",
    "basis": "自拟",
    "status": "published",
    "aliases": "几点关门;下午几点下班",
}


def write(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_shipped_entries_load_and_none_claims_to_be_verified() -> None:
    entries = read_entries(data_dir() / "kb" / "entries.csv")
    assert len(entries) >= 112
    assert not [e.id for e in entries if e.verified_at]
    assert all(e.basis for e in entries if e.status == "published")


def test_the_shipped_entries_refer_to_what_the_catalogue_knows() -> None:
    known = Known.of(load_catalog(catalog_dir()))
    assert not [(e.id, *f) for e in read_entries(data_dir() / "kb" / "entries.csv") for f in known.faults(e)]


def test_a_spoken_form_leads_to_one_shipped_entry() -> None:
    entries = [e for e in read_entries(data_dir() / "kb" / "entries.csv") if e.status != "retired"]
    assert all(len(e.aliases) >= 3 for e in entries)
    said = Counter(text for e in entries for text in {e.question, *e.aliases})
    assert not [text for text, n in said.items() if n > 1]


def test_a_row_and_its_entry_are_the_same() -> None:
    assert to_row(from_row(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"question": ""}, "question"),
        ({"status": "live"}, "status"),
        ({"basis": ""}, "basis"),
        ({"effective_from": "2026/1/1"}, "effective_from"),
        ({"effective_from": "2026-02-01", "effective_to": "2026-01-01"}, "effective_to"),
        ({"answer": "=HYPERLINK(1)"}, "answer"),
    ],
)
def test_a_fault_names_row_and_column(tmp_path: Path, change: dict[str, str], column: str) -> None:
    path = write(tmp_path / "e.csv", GOOD, {**GOOD, "id": "T2", **change})
    with pytest.raises(EntryError) as error:
        read_entries(path)
    assert {(row, name) for row, name, _, _ in error.value.faults} == {(3, column)}


def test_a_cell_without_a_heading_is_a_fault_unless_it_is_empty(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", GOOD, {**GOOD, "id": "T2"})
    heading, *rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([heading, f"{rows[0]},", f"{rows[1]}, "]), encoding="utf-8")
    assert len(read_entries(path)) == 2
    path.write_text("\n".join([heading, f"{rows[0]},", f"{rows[1]},,多出"]), encoding="utf-8")
    with pytest.raises(EntryError, match=f"第3行 第{len(COLUMNS) + 2}格 应为 空"):
        read_entries(path)


def test_the_sources_of_the_shipped_entries_are_told_in_chinese() -> None:
    named = re.compile(r"网站[a-z0-9、]+|(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/[\w/.-]*)?")
    entries = read_entries(data_dir() / "kb" / "entries.csv")
    assert not [(e.id, e.source) for e in entries if re.search(r"[A-Za-z]", named.sub("", e.source))]
    assert not [e.id for e in entries if not e.source or "同上" in e.source + e.basis]


def test_a_doubled_id_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(EntryError, match="不重复"):
        read_entries(write(tmp_path / "e.csv", GOOD, GOOD))


def test_an_entry_is_valid_only_in_its_time_and_district() -> None:
    entry = from_row({**GOOD, "effective_from": "2026-01-01", "effective_to": "2026-12-31", "region": "城西区"})
    inside = datetime.date(2026, 6, 1)
    assert entry.valid(inside, "城西区")
    assert not entry.valid(inside, "城东区")
    assert not entry.valid(datetime.date(2027, 1, 1), "城西区")
    assert not entry.valid(datetime.date(2025, 12, 31), "城西区")
