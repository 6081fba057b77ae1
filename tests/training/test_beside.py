"""Texts beside the rows, such as replies: they teach, but never the row they stand beside, and are never asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from models.locations import bundle_dir
from tests.training.conftest import rows_of_sayings, write
from training.beside import MOST_ROWS, telling
from training.duplicates import Groups
from training.quick import read_labelled, read_rows
from yousu import app as _app  # noqa: F401

REPLIES = {"供热": "按换热站的运行参数处理", "路灯": "由照明管理所巡查灯杆", "噪音": "由城管队员检测分贝"}


@pytest.fixture
def rows() -> list[dict[str, str]]:
    """Sayings, and replies that hold words which no saying does; every reply is another."""
    return [
        {**r, "答复": f"{REPLIES[r['类别']]},第{i}号单{'甲乙丙丁'[i % 4] * (i % 9)}"}
        for i, r in enumerate(rows_of_sayings(60))
    ]


def test_words_that_only_the_replies_hold_are_learned(yousu, tmp_path: Path, rows: list[dict[str, str]]) -> None:
    table, out = write(tmp_path / "t.csv", rows), tmp_path / "bundle"
    options = ["--text", "诉求内容", "--label", "类别", "--beside", "答复", "--out", out, "--quiet"]
    result = yousu("train", table, *options)
    assert result.exit_code == 0, result.output
    made = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["examples"]
    assert (made["rows"], made["beside"]) == (60, 60)
    calls = tmp_path / "calls.csv"
    calls.write_text("text\n换热站\n照明管理所\n检测分贝\n", encoding="utf-8")
    assert yousu("assist", "--bundle", out, "--file", calls, "--out", tmp_path / "o.csv").exit_code == 0
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [r["level1"] for r in csv.DictReader(file)] == ["供热", "路灯", "噪音"]


def test_only_rows_are_measured_and_no_reply_teaches_the_row_it_stands_beside(
    tmp_path: Path, rows: list[dict[str, str]]
) -> None:
    raw = read_labelled(str(write(tmp_path / "t.csv", rows)), "诉求内容", ["类别"], beside=["答复"])
    data, *_ = read_rows(raw, bundle_dir(), tmp_path / "cache", False)
    assert data.asked is not None
    assert data.asked.sum() == len(raw.texts) == 60
    for row, (reply,) in enumerate(raw.beside):
        assert data.texts[60 + row][:5] == reply[:5]
        assert data.groups[60 + row] == data.groups[row]
        assert data.leaves[60 + row] == data.leaves[row]
    held = np.flatnonzero(data.groups == data.groups[0])
    assert set(data.only_asked(held)) == {i for i in held if i < 60}


def test_boilerplate_is_left_out_and_rows_that_share_a_text_are_one_group() -> None:
    groups = Groups(9)
    beside = [["收到"], ["收到"], ["查热表"], ["查热表"], [], *[["已转办"]] * 3, ["查热表", "查热表"]]
    leaves = ["灯", "热", "热", "热", "热", "灯", "灯", "灯", "热"]
    assert telling(beside, leaves, groups) == [("查热表", 2), ("已转办", 5)]
    assert groups.labels().tolist() == [0, 1, 2, 2, 4, 5, 5, 5, 2]
    many = MOST_ROWS + 1
    assert telling([["已转办"]] * many, ["灯"] * many, Groups(many)) == []


def test_a_blank_reply_is_no_fault(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    table = write(tmp_path / "t.csv", [{**r, "答复": r["答复"] if i % 2 else " "} for i, r in enumerate(rows)])
    raw = read_labelled(str(table), "诉求内容", ["类别"], beside=["答复"])
    assert len(raw.texts) == 60
    assert [len(b) for b in raw.beside] == [i % 2 for i in range(60)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--text", "诉求内容", "--label", "类别", "--beside", "答"], "没有列“答”"),
        (["--text", "诉求内容", "--label", "类别", "--beside", "诉求内容"], "文字列与标签列重复"),
        (["--mapping", "m.toml", "--beside", "答复"], "--beside 要与 --text、--label 同用"),
    ],
)
def test_a_wrong_use_is_told(yousu, tmp_path: Path, rows: list[dict[str, str]], options: list[str], said: str) -> None:
    result = yousu("train", write(tmp_path / "t.csv", rows), *options, "--out", tmp_path / "b", "--quiet")
    assert result.exit_code == 1
    assert said in result.output
    assert not (tmp_path / "b").exists()


def test_the_route_bench_learns_from_the_answers_it_finds_unless_told_not_to(
    yousu, tmp_path: Path, rows: list[dict[str, str]]
) -> None:
    table = write(
        tmp_path / "t.csv",
        [{"question": r["诉求内容"], "department": r["承办单位"], "answer": r["答复"]} for r in rows],
    )
    both = yousu("bench", "route", "--data", table, "--folds", 3)
    assert "question → department:60 行,3 类,3 折,另学 answer 列" in both.output
    alone = yousu("bench", "route", "--data", table, "--folds", 3, "--question-only")
    assert "60 行,3 类,3 折\n" in alone.output
