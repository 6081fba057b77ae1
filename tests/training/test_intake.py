"""Tickets in: every kind of table, every kind of dirt; what is known only after dispatch stays out."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from models.catalog import load_catalog
from models.locations import catalog_dir
from training.errors import TrainError
from training.intake import parse_time, read_tickets, resolve
from training.mapping import Mapping, load_mapping, propose
from training.tables import detect_encoding, open_table

M = Mapping(text=("内容",), levels=("类别",), time="时间")


def read(file: Path, mapping: Mapping = M):
    return read_tickets(open_table(file), mapping)


def test_html_excel_leavings_and_telephone_numbers_are_cleaned_on_the_way_in(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "内容,类别,时间\n<p>暖气&nbsp;不热_x000D_</p>电话13912345678,供热,2026/1/2\n", encoding="utf-8"
    )
    (ticket,) = read(tmp_path / "a.csv").tickets
    assert "13912345678" not in ticket.text
    assert "暖气" in ticket.text
    assert "<" not in ticket.text
    assert "_x000D_" not in ticket.text


def test_merged_headers_blank_rows_and_mixed_dates_are_understood(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet.append(["热线工单导出"])
    sheet.append(["编号", "诉求", None, "时间"])
    sheet.append([None, "标题", "内容", None])
    sheet.merge_cells("B2:C2")
    sheet.append([1, "暖气", "不热", datetime.datetime(2026, 1, 2, 3, 4)])
    sheet.append([None, None, None, None])
    sheet.append([2, "路灯", "不亮", "2026年1月3日 5:06"])
    sheet.append([3, "噪音", "太吵", 46025])
    sheet.append([4, "噪音", "太吵", "不知道"])
    book.save(tmp_path / "a.xlsx")
    table = open_table(tmp_path / "a.xlsx")
    assert table.columns == ("编号", "诉求/标题", "诉求/内容", "时间")
    intake = read_tickets(table, Mapping(text=("诉求/内容",), levels=("诉求/标题",), time="时间"))
    assert [(t.row, t.path, t.time and t.time.day) for t in intake.tickets] == [
        (4, ("暖气",), 2),
        (6, ("路灯",), 3),
        (7, ("噪音",), 3),
    ]
    assert [(f.row, f.what) for f in intake.faults] == [(8, "时间读不懂:不知道")]


def test_dates_of_every_written_form_are_read() -> None:
    day = datetime.datetime(2026, 1, 2)
    for value in ("2026-01-02", "2026/1/2", "2026年1月2日", "20260102", "2026.1.2", day, day.date(), 46024):
        assert parse_time(value) == day, value
    assert parse_time("02|01|26", ("%d|%m|%y",)) == day
    assert parse_time("2026/1/2 9:32:09") == datetime.datetime(2026, 1, 2, 9, 32, 9)
    for value in ("", None, "2026-13-45", "昨天"):
        assert parse_time(value) is None


def test_an_empty_cell_at_the_end_of_a_row_is_harmless_and_one_with_content_is_told(tmp_path: Path) -> None:
    rows = ["内容,类别,时间,", "暖气不热,供热,2026-01-02,", "路灯不亮,市政,2026-01-03,, "]
    shifted = "路灯不亮,打电话没人管,市政,2026-01-04"
    (tmp_path / "a.csv").write_text("\n".join([*rows, shifted]), encoding="utf-8")
    table = open_table(tmp_path / "a.csv")
    assert table.columns == ("内容", "类别", "时间")
    intake = read_tickets(table, M)
    assert [t.row for t in intake.tickets] == [2, 3]
    assert [(f.row, f.column, f.what) for f in intake.faults] == [(4, "第4格", "格数多于表头:应为 3 格,实为 4 格")]


def test_a_shifted_row_far_below_the_heading_is_told_too(tmp_path: Path) -> None:
    rows = ["内容,类别,时间", *["暖气不热,供热,2026-01-02"] * 60, "灯坏了,没人管,市政,2026-01-03"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    intake = read_tickets(open_table(tmp_path / "a.csv"), M)
    assert (len(intake.tickets), [f.row for f in intake.faults]) == (60, [62])


def test_encodings_are_found_out(tmp_path: Path) -> None:
    for encoding, said in (("utf-8", "utf-8-sig"), ("gbk", "gb18030"), ("utf-16", "utf-16")):
        (tmp_path / "a.csv").write_bytes("内容,类别\n暖气不热,供热\n".encode(encoding))
        assert detect_encoding(tmp_path / "a.csv") == said
        assert open_table(tmp_path / "a.csv").columns == ("内容", "类别")


def test_a_database_table_and_a_parquet_file_are_read_like_a_csv(tmp_path: Path) -> None:
    import pandas as pd
    import sqlalchemy as sa

    frame = pd.DataFrame(
        {"内容": ["暖气不热", "路灯不亮"], "类别": ["供热", "路灯"], "时间": ["2026-01-02", "2026-01-03"]}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    url = f"sqlite:///{tmp_path / 'a.db'}"
    with sa.create_engine(url).begin() as connection:
        frame.to_sql("tickets", connection, index=False)
    expected = [(t.text, t.path, t.time) for t in read(tmp_path / "a.csv").tickets]
    for table in (
        open_table(tmp_path / "a.parquet"),
        open_table(url, table="tickets"),
        open_table(url, table="select * from tickets"),
    ):
        assert [(t.text, t.path, t.time) for t in read_tickets(table, M).tickets] == expected


def test_a_column_known_only_after_dispatch_is_refused_as_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("内容,类别,时间,办理结果,乙\n暖气,供热,2026-01-02,好,x\n", encoding="utf-8")
    with pytest.raises(TrainError, match="派单之后才有"):
        read(tmp_path / "a.csv", Mapping(text=("内容", "办理结果"), levels=("类别",)))
    with pytest.raises(TrainError, match="派单之后才有"):
        read(tmp_path / "a.csv", Mapping(text=("内容", "乙"), levels=("类别",), after_dispatch=("乙",)))
    with pytest.raises(TrainError, match="是标签"):
        read(tmp_path / "a.csv", Mapping(text=("内容", "类别"), levels=("类别",)))


def test_the_final_unit_of_a_returned_ticket_is_what_teaches(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("内容,派往单位,最终单位\n暖气不热,城管,住建\n路灯不亮,照明,\n", encoding="utf-8")
    mapping = propose(("内容", "派往单位", "最终单位"))
    assert (mapping.unit, mapping.final_unit, mapping.target) == ("派往单位", "最终单位", "unit")
    assert [t.path for t in read(tmp_path / "a.csv", mapping).tickets] == [("住建",), ("照明",)]


def test_a_proposed_mapping_survives_being_written(tmp_path: Path) -> None:
    columns = (
        "工单号",
        "标题",
        "诉求内容",
        "一级",
        "一级分类",
        "二级分类",
        "受理时间",
        "办结时间",
        "来电号码",
        "满意度",
    )
    mapping = propose(columns)
    assert mapping.text == ("标题", "诉求内容")
    assert mapping.after_dispatch == ("办结时间", "满意度")
    assert mapping.time == "受理时间"
    mapping.save(tmp_path / "m.toml")
    assert load_mapping(tmp_path / "m.toml") == mapping


def test_labels_outside_the_catalogue_are_listed_with_counts_and_nearest_names(tmp_path: Path) -> None:
    catalog = load_catalog(catalog_dir())
    leaf = catalog.leaves[0]
    rows = "".join(f"暖气不热{i},{leaf}\n" for i in range(5)) + "路灯,暖气不热热\n路灯,暖气不热热\n"
    (tmp_path / "a.csv").write_text("内容,code\n" + rows, encoding="utf-8")
    mapping = Mapping(text=("内容",), code="code")
    resolved = resolve(read(tmp_path / "a.csv", mapping).tickets, mapping, catalog)
    assert resolved.taxonomy == "catalog"
    assert len(resolved.tickets) == 5
    assert resolved.unknown[0][:2] == ("暖气不热热", 2)
