"""Import and export: every fault told by row, good rows stored, wild cells survived, round trips byte for byte."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from kb.entry import COLUMNS, from_row, read_entries, row_faults
from kb.exporting import export_entries
from kb.importing import Known, import_file, read_mapping
from kb.sheets import FileError, write_rows
from kb.store import EntryStore
from models.catalog import load_catalog
from models.locations import catalog_dir, data_dir
from tests.kb.test_entry import GOOD

ROW = {"问题": "图书馆几点开门", "答案": "九点开门。", "依据": "公告", "部门": "市教育局", "分类": "0101"}


@pytest.fixture(scope="module")
def known() -> Known:
    return Known.of(load_catalog(catalog_dir()))


@pytest.fixture
def store(tmp_path: Path) -> EntryStore:
    return EntryStore(f"sqlite:///{tmp_path / 'kb.db'}")


def write(path: Path, *rows: dict[str, str]) -> Path:
    write_rows(path, list(dict.fromkeys(k for r in rows for k in r)), [dict.fromkeys(ROW, "") | r for r in rows])
    return path


def take(path: Path, store: EntryStore, known: Known, **options: object):
    return import_file(path, store, known, **{"who": "甲", **options})


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl"])
def test_good_rows_become_drafts_by_who_imported_them(
    store: EntryStore, known: Known, tmp_path: Path, suffix: str
) -> None:
    report = take(write(tmp_path / f"e.{suffix}", ROW), store, known)
    assert (report.rows, report.new, report.faults) == (1, 1, ())
    (held,) = store.page().items
    assert (held.author, held.entry.status, held.entry.question) == ("甲", "draft", "图书馆几点开门")
    again = take(tmp_path / f"e.{suffix}", store, known)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 1)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"问题": ""}, "question"),
        ({"问题": "图书馆,几点开门?"}, "question"),
        ({"答案": ""}, "answer"),
        ({"依据": ""}, "basis"),
        ({"部门": "不存在的单位"}, "department"),
        ({"分类": "9999"}, "category"),
        ({"区县": "不存在的区"}, "region"),
        ({"生效日期": "2026-05-01", "失效日期": "2026-04-30"}, "effective_to"),
        ({"生效日期": "去年"}, "effective_from"),
        ({"生效日期": "2026-02-30"}, "effective_from"),
        ({"答案": "=HYPERLINK(1)"}, "answer"),
        ({"答案": "@SUM(A1)"}, "answer"),
        ({"依据": "\t=1+1"}, "basis"),
        ({"问题": "-1+1"}, "question"),
        ({"问题": "问" * 501}, "question"),
    ],
)
def test_a_bad_row_is_told_and_set_aside_and_the_others_stored(
    store: EntryStore, known: Known, tmp_path: Path, change: dict[str, str], column: str
) -> None:
    bad = {**ROW, "问题": "借书证怎么办", **change}
    path = write(tmp_path / "e.csv", ROW, bad, {**ROW, "问题": "几点闭馆"})
    dry = take(path, store, known, dry_run=True)
    assert {(f.row, f.column) for f in dry.faults} == {(3, column)}
    assert store.count() == 0
    assert not (tmp_path / "e.rejected.csv").exists()
    report = take(path, store, known)
    assert (report.new, report.set_aside, report.faults) == (2, 1, dry.faults)
    with (tmp_path / "e.rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        (aside,) = csv.DictReader(file)
    assert aside["row"] == "3"
    assert column in aside["reason"]


def test_a_question_the_store_has_is_a_duplicate_unless_place_or_time_differ(
    store: EntryStore, known: Known, tmp_path: Path
) -> None:
    old = replace(from_row(GOOD), question="图书馆几点开门", region="城西区", status="draft")
    store.save(old, who="乙", why="新建")
    report = take(write(tmp_path / "e.csv", ROW, {**ROW, "区县": "城东区", "编号": "T9"}), store, known)
    assert [(f.row, f.found) for f in report.faults] == [(2, "与条目 T1「图书馆几点开门」重复")]
    assert store.count() == 2


def test_a_near_duplicate_names_the_entry(store: EntryStore, known: Known, tmp_path: Path) -> None:
    old = replace(from_row(GOOD), status="draft")
    report = take(write(tmp_path / "e.csv", ROW), store, known, near=lambda question: [(old, 0.98)])
    assert "T1" in report.faults[0].found
    assert "0.98" in report.faults[0].found


def test_rows_are_counted_as_the_spreadsheet_counts_them(store: EntryStore, known: Known, tmp_path: Path) -> None:
    book = Workbook()
    for cells in (list(ROW), list(ROW.values()), [], ["空行之后", "", "公告", "", ""]):
        book.active.append(cells)
    book.save(tmp_path / "e.xlsx")
    assert [f.row for f in take(tmp_path / "e.xlsx", store, known).faults] == [4]
    (tmp_path / "e.csv").write_text('问题,答案,依据\n"两\n行","答",据\n\n空行之后,,据\n', encoding="utf-8")
    assert [f.row for f in take(tmp_path / "e.csv", store, known).faults] == [4]


def test_an_empty_cell_at_the_end_of_a_row_is_harmless_and_one_with_content_is_told(
    store: EntryStore, known: Known, tmp_path: Path
) -> None:
    path = tmp_path / "e.csv"
    rows = ["问题,答案,依据,,", "几点闭馆,六点,公告,,, ", "借书,带证,公告,", "还书,柜台,还有机器,公告"]
    path.write_text("\n".join(rows), encoding="utf-8")
    report = take(path, store, known)
    assert (report.new, report.ignored) == (2, ())
    assert [(f.row, f.expected, f.found) for f in report.faults] == [(4, "3 格", "4 格(第4格没有表头)")]


def test_a_damaged_line_stops_nothing(store: EntryStore, known: Known, tmp_path: Path) -> None:
    lines = [json.dumps(ROW, ensure_ascii=False), "{not json", "[1]", json.dumps({**ROW, "问题": {"a": 1}})]
    (tmp_path / "e.jsonl").write_text("\n".join(lines), encoding="utf-8")
    report = take(tmp_path / "e.jsonl", store, known)
    assert (report.new, [f.row for f in report.faults]) == (1, [2, 3, 4])
    (tmp_path / "e.csv").write_bytes("问题,答案,依据\n几点闭馆,六点,公告\n".encode() + "借书,办证,公告\n".encode("gbk"))
    report = take(tmp_path / "e.csv", store, known)
    assert (report.new, [f.row for f in report.faults]) == (1, [3])


def test_a_mapping_names_other_headings(store: EntryStore, known: Known, tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", {"市民问": "几点闭馆", "口径": "六点。", "依据": "公告"})
    with pytest.raises(FileError, match="--map 表头=question"):
        take(path, store, known)
    (tmp_path / "m.toml").write_text('[columns]\n"口径" = "answer"\n', encoding="utf-8")
    mapping = read_mapping(["市民问=question", str(tmp_path / "m.toml")])
    assert take(path, store, known, mapping=mapping).new == 1
    with pytest.raises(FileError, match="没有字段"):
        read_mapping(["市民问=title"])
    with pytest.raises(FileError, match="没有列 别的"):
        take(path, store, known, mapping={"别的": "question"})


def test_an_import_never_publishes_and_leaves_the_published_version_in_force(
    store: EntryStore, known: Known, tmp_path: Path
) -> None:
    store.upsert([from_row(GOOD)], who="system", why="随附")
    row = {**GOOD, "answer": "六点关门。"}
    write_rows(tmp_path / "e.csv", COLUMNS, [row])
    report = take(tmp_path / "e.csv", store, known)
    assert report.changed == 1
    assert store.get("T1").entry.status == "draft"
    assert [e.answer for e in store.entries(status="published")] == [GOOD["answer"]]


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl"])
def test_the_shipped_entries_make_the_round_trip_byte_for_byte(
    store: EntryStore, known: Known, tmp_path: Path, suffix: str
) -> None:
    shipped = read_entries(data_dir() / "kb" / "entries.csv")
    store.upsert(shipped, who="system", why="随附")
    first, second, third = (tmp_path / f"{n}.{suffix}" for n in "abc")
    export_entries(store.entries(), first)
    assert take(first, store, known).unchanged == len(shipped)
    export_entries(store.entries(), second)
    other = EntryStore(f"sqlite:///{tmp_path / 'other.db'}")
    assert take(first, other, known, as_backup=True).new == len(shipped)
    export_entries(other.entries(), third)
    assert first.read_bytes() == second.read_bytes() == third.read_bytes()


CELL = st.one_of(
    st.text(max_size=40), st.text(alphabet='甲乙,;；"\n\r\t \u3000_x0Dd\xa0', max_size=12).map("文".__add__)
)
ROWS = st.fixed_dictionaries(
    dict.fromkeys(COLUMNS, CELL)
    | {"id": st.one_of(CELL, st.text("ab1", min_size=1, max_size=2)), "question": CELL.map("问".__add__)}
)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, min_size=1, max_size=4))
@example([GOOD | {"question": "a_x000D_b", "answer": "第一行\r\n第二行\t列", "aliases": " ；;\n甲", "source": "00123"}])
@example([GOOD | {"question": "😀" * 3, "answer": "2026-01-01", "basis": "1e5", "source": "_x005F_", "id": "2026"}])
def test_wild_cells_are_stored_or_told_and_the_round_trip_holds(
    known: Known, tmp_path_factory: pytest.TempPathFactory, suffix: str, rows: list[dict[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("wild")
    rows = [r | {"status": "draft", "effective_from": "", "effective_to": "", "verified_at": ""} for r in rows]
    if suffix == "xlsx":
        write_rows(
            folder / "in.xlsx",
            COLUMNS,
            [{k: v.encode("utf-8", "replace").decode() for k, v in r.items()} for r in rows],
        )
    else:
        write_rows(folder / f"in.{suffix}", COLUMNS, rows)
    store = EntryStore(f"sqlite:///{folder / 'a.db'}")
    report = take(folder / f"in.{suffix}", store, known, as_backup=True)
    assert report.new + report.changed + report.unchanged + report.set_aside == report.rows
    assert store.count() == report.new
    assert {f.row for f in report.faults} <= set(range(1, 50))
    first, second = folder / f"out1.{suffix}", folder / f"out2.{suffix}"
    export_entries(store.entries(), first)
    other = EntryStore(f"sqlite:///{folder / 'b.db'}")
    if report.new:
        assert take(first, other, known, as_backup=True).set_aside == 0
    export_entries(other.entries(), second)
    assert other.entries() == store.entries()
    assert first.read_bytes() == second.read_bytes()


@given(st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.text(max_size=20))))
def test_any_row_has_faults_or_makes_an_entry(row: dict[str, str]) -> None:
    if not row_faults(row):
        from_row(row)
