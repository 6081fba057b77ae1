"""Files of calls: every column kept, bad rows set aside with the reason, nothing half-written."""

import csv
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from serve.files import FileError, read_table, text_column, write_rows
from serve.views import ASK_COLUMNS, ASSIST_COLUMNS
from yousu import app


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


def test_assist_keeps_every_column_and_adds_its_own(home, tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_text("编号,text,备注\n1,城西区暖气不热,甲\n2,,乙\n3,路灯不亮,丙\n", encoding="utf-8")
    result = run("assist", "--file", str(source), "--out", str(tmp_path / "out.csv"))
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path / "out.csv")
    assert tuple(rows[0]) == ("编号", "text", "备注", *ASSIST_COLUMNS)
    assert [r["编号"] for r in rows] == ["1", "3"]
    assert rows[0]["level2"] == "供热"
    aside = rows_of(tmp_path / "out.rejected.csv")
    assert [(r["编号"], r["row"]) for r in aside] == [("2", "3")]
    assert "为空" in aside[0]["reason"]


def test_rows_worked_on_side_by_side_come_out_in_their_order(home, tmp_path: Path) -> None:
    texts = [f"{n}号楼的路灯不亮" if n % 7 else "" for n in range(1, 40)]
    source = tmp_path / "calls.csv"
    source.write_text("id,text\n" + "".join(f"{n},{t}\n" for n, t in enumerate(texts, start=1)), encoding="utf-8")
    result = run("assist", "--file", str(source), "--out", str(tmp_path / "out.csv"))
    assert "每秒" in result.output
    assert [r["id"] for r in rows_of(tmp_path / "out.csv")] == [str(n) for n in range(1, 40) if n % 7]
    assert [r["row"] for r in rows_of(tmp_path / "out.rejected.csv")] == [str(n + 1) for n in range(7, 40, 7)]


def test_ask_adds_its_columns_to_a_workbook(home, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["question", "n"])
    book.active.append(["试用期最长多久", 7])
    book.save(tmp_path / "q.xlsx")
    result = run(
        "ask", "--file", str(tmp_path / "q.xlsx"), "--text-column", "question", "--out", str(tmp_path / "a.xlsx")
    )
    assert result.exit_code == 0, result.output
    header, row = load_workbook(tmp_path / "a.xlsx").active.iter_rows(values_only=True)
    assert header == ("question", "n", *ASK_COLUMNS)
    assert row[1] == "7"
    assert row[2] in {"true", "false"}


def test_bytes_that_are_not_the_encoding_set_the_row_aside(home, tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_bytes("text\n路灯不亮\n".encode() + "暖气不热\n".encode("gbk"))
    result = run("assist", "--file", str(source), "--out", str(tmp_path / "out.csv"))
    assert result.exit_code == 0, result.output
    assert len(rows_of(tmp_path / "out.csv")) == 1
    assert "utf-8" in rows_of(tmp_path / "out.rejected.csv")[0]["reason"]


def test_a_gbk_file_is_read_when_its_encoding_is_given(home, tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_bytes("text\n路灯不亮\n".encode("gbk"))
    result = run("assist", "--file", str(source), "--out", str(tmp_path / "out.csv"), "--encoding", "gb18030")
    assert rows_of(tmp_path / "out.csv")[0]["level2"] == "城市照明", result.output


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("a.csv", "text\n路灯\n", ["--text-column", "nope"], "没有列 nope"),
        ("a.csv", "a,b\n1,2\n", [], "--text-column"),
        ("a.csv", "", [], "文件为空"),
        ("a.doc", "x", [], ".csv 或 .xlsx"),
        ("a.xlsx", "this is no workbook", [], "a.xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_name(
    home, tmp_path: Path, name: str, content: str, options: list[str], said: str
) -> None:
    source = tmp_path / name
    source.write_text(content, encoding="utf-8")
    result = run("assist", "--file", str(source), *options)
    assert result.exit_code == 1
    assert said in result.output
    assert name in result.output


def test_mask_adds_one_column_and_needs_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serve.cli._engine", lambda _: pytest.fail("the engine was loaded"))
    source, target = tmp_path / "calls.csv", tmp_path / "out.csv"
    source.write_text(
        '编号,内容,电话\n1,"我叫王小明,\n电话13897412356",0971\n2,,x\n3,拨打12345没人接,y\n', encoding="utf-8"
    )
    result = run("mask", "--file", str(source), "--text-column", "内容", "--out", str(target))
    assert result.exit_code == 0, result.output
    rows = rows_of(target)
    assert tuple(rows[0]) == ("编号", "内容", "电话", "masked")
    assert [r["masked"] for r in rows] == ["我叫[姓名],\n电话[电话]", "拨打12345没人接"]
    aside = rows_of(tmp_path / "out.rejected.csv")
    assert [(r["编号"], r["row"]) for r in aside] == [("2", "3")]


def test_mask_prints_a_text() -> None:
    assert run("mask", "李女士的电话是13897412356").output == "[姓名]女士的电话是[电话]\n"
    assert run("mask", " ").exit_code == 1


def test_a_missing_file_is_told_by_name(home, tmp_path: Path) -> None:
    result = run("assist", "--file", str(tmp_path / "gone.csv"))
    assert result.exit_code == 1
    assert "gone.csv" in result.output


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old", encoding="utf-8")

    def rows():
        yield {"a": "1"}
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_rows(target, ["a"], rows())
    assert target.read_text(encoding="utf-8") == "old"


def test_a_formula_in_a_cell_stays_text(tmp_path: Path) -> None:
    write_rows(tmp_path / "o.xlsx", ["a"], [{"a": "=1+1"}])
    assert load_workbook(tmp_path / "o.xlsx").active["A2"].data_type == "s"


def test_the_text_column_is_guessed_only_when_it_is_plain() -> None:
    assert text_column(Path("f"), ["id", "内容"], None) == "内容"
    with pytest.raises(FileError):
        text_column(Path("f"), ["id", "b"], None)


def test_short_rows_are_filled(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1\n", encoding="utf-8")
    assert [r.cells for r in read_table(tmp_path / "a.csv")[1]] == [{"a": "1", "b": ""}]


def test_a_row_with_more_cells_than_the_heading_is_set_aside_under_its_own_number(home, tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_text("text\n路灯不亮\n\n暖气不热,打电话没人管\n", encoding="utf-8")
    run("assist", "--file", str(source), "--out", str(tmp_path / "out.csv"))
    assert [r["text"] for r in rows_of(tmp_path / "out.csv")] == ["路灯不亮"]
    (aside,) = rows_of(tmp_path / "out.rejected.csv")
    assert aside["row"] == "4"
    assert aside["reason"] == "应为 1 格,实为 2 格(第2格没有表头)"
