"""The weights of the retrieval say how they were made, and the same inputs give the same file."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from kb.entry import COLUMNS
from kb.fusion import FILE, Fusion
from models.bundle import check_files, write_manifest
from models.locations import bundle_dir
from training.retrieval import fit_fusion

ENTRIES = [
    ("居民医保什么时候缴费", "合疗几月份交;农合啥时候收钱", "每年九月到十二月集中缴费。"),
    ("暖气不热找谁", "家里暖气冰凉;供暖温度不够打哪个电话", "先打供热单位客服,上门测温。"),
    ("身份证丢了怎么补", "身份证掉了咋办;补身份证去哪", "带照片到户籍窗口受理。"),
    ("公积金怎么提取", "想取公积金;公积金能拿出来不", "线上申请,审核后到账。"),
]
QUESTIONS = ["合疗的钱几月交", "屋里不暖和,暖气片凉的", "身份证没了", "公积金想取出来", "农合缴费时间"]
RIGHT = ["E0", "E1", "E2", "E3", "E0"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle_dir() / "encoder", folder / "encoder")
    write_manifest(folder, {"catalog": {"version": "1"}})
    return folder


def _files(folder: Path) -> tuple[Path, Path]:
    entries, questions = folder / "entries.csv", folder / "questions.csv"
    rows = [
        (f"E{i}", q, a, t, "法", "局", "0101", *[""] * 4, "published", "law", "", "", "自拟")
        for i, (q, a, t) in enumerate(ENTRIES)
    ]
    _write(entries, COLUMNS, rows)
    _write(questions, ("question", "entry_id"), [*zip(QUESTIONS, RIGHT, strict=True), ("今天天气怎么样", "")])
    return entries, questions


def _write(file: Path, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


def test_the_weights_say_how_they_were_made_and_enter_the_manifest(bundle: Path, tmp_path: Path) -> None:
    record = fit_fusion(bundle, *_files(tmp_path))
    assert record["made"]["questions"]["rows"] == 5
    assert record["metrics"]["r5"] == 1.0
    assert Fusion.load(bundle / FILE).dense_short == record["weights"]["dense_short"]
    assert FILE in check_files(bundle)["files"]


def test_the_same_inputs_give_the_same_file(bundle: Path, tmp_path: Path) -> None:
    fit_fusion(bundle, *_files(tmp_path))
    first = (bundle / FILE).read_bytes()
    fit_fusion(bundle, *_files(tmp_path))
    assert (bundle / FILE).read_bytes() == first
    assert json.loads(first)["made"]["seed"] == 0
