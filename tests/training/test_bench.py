"""The benches over a labelled table: three systems side by side, and no saying on both sides of a fold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.features import WordCutter
from tests.training.conftest import rows_of_sayings, write
from training.bench import SYSTEMS, grouped_folds
from training.duplicates import near_duplicates
from training.errors import TrainError
from training.fit import Labelled
from training.share import SHARES, lexical_share
from yousu import app as _app  # noqa: F401


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [{"question": r["诉求内容"], "level1": r["类别"], "department": r["承办单位"]} for r in rows_of_sayings(60)]
    return write(tmp_path / "t.csv", rows)


@pytest.mark.parametrize("bench", ["classify", "route"])
def test_a_bench_guesses_the_columns_and_gives_three_systems_as_json(yousu, table: Path, bench: str) -> None:
    result = yousu("bench", bench, "--data", table, "--folds", 3, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert tuple(figures) == SYSTEMS
    assert all(set(row) == {"accuracy", "macro_f1"} for row in figures.values())
    assert all(0 <= value <= 1 for row in figures.values() for value in row.values())
    assert figures["yousu"]["accuracy"] > 0.9


def test_the_same_seed_gives_the_same_figures(yousu, table: Path) -> None:
    once, again = (yousu("bench", "route", "--data", table, "--folds", 3, "--json").stdout for _ in range(2))
    assert once == again


def test_without_json_the_table_names_columns_rows_and_systems(yousu, table: Path) -> None:
    result = yousu("bench", "classify", "--data", table, "--folds", 3)
    assert "question → level1:60 行,3 类,3 折" in result.output
    assert "有诉" in result.output


def test_a_label_with_too_few_rows_is_left_out_and_said(yousu, table: Path) -> None:
    with table.open("a", encoding="utf-8") as file:
        file.write("公园长椅坏了,设施,园林局\n公园没有厕所,设施,园林局\n")
    result = yousu("bench", "route", "--data", table, "--folds", 3, "--least", 5)
    assert "60 行,3 类" in result.output
    assert "略去 2 行标签不足 5 行" in result.output


def test_no_saying_is_on_both_sides_of_a_fold() -> None:
    texts = [f"{place}的路灯不亮已经很多天了请尽快派人来修" for place in "东西南北中" for _ in range(4)]
    texts += [f"{place}的暖气不热室温只有十度老人受不了" for place in "东西南北中" for _ in range(4)]
    groups = near_duplicates(texts).labels()
    truth = np.repeat([0, 1], 20)
    tested: list[int] = []
    for train, test in grouped_folds(truth, groups, 2, 0):
        assert not set(groups[train]) & set(groups[test])
        tested += test.tolist()
    assert sorted(tested) == list(range(40))


def test_more_folds_than_different_sayings_are_refused() -> None:
    with pytest.raises(TrainError, match="--folds 应在 2 与"):
        next(grouped_folds(np.array([0, 0, 1, 1]), np.array([0, 0, 2, 2]), 5, 0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--text", "正文"], "没有列“正文”"),
        (["--label", "类型"], "没有列“类型”"),
        (["--folds", "1"], "--folds 应在 2 与"),
        (["--least", "100"], "可用的只有 0 行"),
    ],
)
def test_a_fault_is_named(yousu, table: Path, options: list[str], said: str) -> None:
    result = yousu("bench", "route", "--data", table, *options)
    assert result.exit_code == 1
    assert said in result.output


def test_unknown_columns_are_asked_for(yousu, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", [{"甲": "路灯不亮", "乙": "路灯"}] * 12)
    result = yousu("bench", "classify", "--data", table)
    assert result.exit_code == 1
    assert "请用 --text 指明列;现有列:甲、乙" in result.output


def test_repeated_sayings_do_not_change_how_much_the_words_count() -> None:
    rows = rows_of_sayings(60)
    texts, leaves = [r["诉求内容"] for r in rows], [r["类别"] for r in rows]
    vectors = np.random.default_rng(0).normal(size=(60, 8)).astype(np.float32)
    groups = np.arange(60)
    once = lexical_share(Labelled(texts, vectors, leaves, groups), cutter=WordCutter(), balance=0.5)
    thrice = Labelled(texts * 3, np.tile(vectors, (3, 1)), leaves * 3, np.tile(groups, 3))
    assert once in SHARES
    assert lexical_share(thrice, cutter=WordCutter(), balance=0.5) == once
