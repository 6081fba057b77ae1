"""The benchmark of retrieval reads any table of questions and answers, and its figures follow their definitions."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.retrieval_bench import figures, read_answers, read_documents
from yousu import app

ROWS = [
    ("暖气不热找谁", "先打供热单位客服,二十四小时内上门测温。"),
    ("屋里冷,暖气片是凉的", "先打供热单位客服,二十四小时内上门测温。"),
    ("身份证丢了怎么补", "带照片到户籍窗口,当场受理补领。"),
    ("居民医保几月份缴", "居民医保每年九月到十二月集中缴费。"),
    ("没有答案的问题", ""),
]


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    return _write(tmp_path / "faq.csv", ("q", "a"), ROWS)


def _write(file: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return file


def test_equal_answers_are_one_text_and_blank_rows_are_counted(faq: Path) -> None:
    collection = read_answers(faq, "q", "a")
    assert len(collection.texts) == 3
    assert collection.right.tolist() == [0, 0, 1, 2]
    assert collection.left_out == 1


def test_documents_with_equal_text_are_one(tmp_path: Path) -> None:
    documents = _write(tmp_path / "d.csv", ("docid", "text"), [("a", "甲"), ("b", "甲"), ("c", "乙")])
    questions = _write(tmp_path / "q.csv", ("q", "doc"), [("问一", "b"), ("问二", "c"), ("问三", "x")])
    collection = read_documents(questions, "q", "doc", documents)
    assert collection.texts == ("甲", "乙")
    assert (collection.right.tolist(), collection.left_out) == ([0, 1], 1)


def test_figures_follow_their_definitions() -> None:
    import numpy as np

    found = [[3, 1], [1, 3], list(range(10)), [0]]
    assert figures(found, np.array([3, 3, 9, 5])) == {"r1": 0.25, "r5": 0.5, "mrr10": 0.4}


def test_the_command_prints_the_four_systems(faq: Path) -> None:
    result = CliRunner().invoke(
        app, ["bench", "retrieval", "--data", str(faq), "--question", "q", "--answer", "a", "--json"]
    )
    figures_by_system = json.loads(result.stdout)
    assert list(figures_by_system) == ["tfidf", "bm25", "dense", "yousu"]
    assert figures_by_system["yousu"] == {"r1": 1.0, "r5": 1.0, "mrr10": 1.0}


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--question", "q", "--answer", "b"], "缺少列 b;现有列:q、a"),
        (["--question", "q"], "--answer"),
        (["--question", "q", "--id", "a", "--documents", "none.csv"], "none.csv:没有这个文件"),
    ],
)
def test_a_fault_is_named(faq: Path, options: list[str], part: str) -> None:
    result = CliRunner().invoke(app, ["bench", "retrieval", "--data", str(faq), *options])
    assert result.exit_code == 1
    assert part in result.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["bench", "retrieval", "--data", str(tmp_path / "x.csv"), "--question", "q", "--answer", "a"]
    )
    assert result.exit_code == 1
    assert "x.csv:没有这个文件" in result.stderr
