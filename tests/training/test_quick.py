"""Training on any labelled table: what comes out predicts, and bad input changes nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jieba
import pytest
from openpyxl import Workbook

from models.features import WordCutter
from models.textform import TextForm, is_segmented, learn_form
from tests.training.conftest import SAYINGS, rows_of_sayings, write
from training.packing import training_lock
from yousu import app as _app  # noqa: F401


def test_a_table_is_learned_and_its_labels_come_back(yousu, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    out = tmp_path / "bundle"
    result = yousu("train", table, "--text", "诉求内容", "--label", "类别", "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    assert "第1级 3 类" in result.output
    calls = tmp_path / "calls.csv"
    calls.write_text("text\n我家暖气不热\n小区门口的路灯不亮了\n我家燃气泄漏了快来人\n", encoding="utf-8")
    result = yousu("assist", "--bundle", out, "--file", calls, "--out", tmp_path / "o.csv")
    assert result.exit_code == 0, result.output
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["level1"] for r in rows[:2]] == ["供热", "路灯"]
    assert all(r["level2"] == "" and r["lead"] == "" and r["code"] == r["level1"] for r in rows[:2])
    assert rows[2]["mode"] == "emergency"
    assert rows[2]["risk"]


def test_two_levels_are_learned_as_a_path(yousu, tmp_path: Path) -> None:
    rows = [{**r, "大类": "公用" if r["类别"] != "噪音" else "环保"} for r in rows_of_sayings(60)]
    table = write(tmp_path / "t.csv", rows)
    out = tmp_path / "b"
    options = ["--text", "诉求内容", "--label", "大类", "--label", "类别", "--out", out, "--quiet"]
    assert yousu("train", table, *options).exit_code == 0
    paths = json.loads((out / "category" / "head.json").read_text(encoding="utf-8"))["paths"]
    assert ["公用", "公用 / 供热"] in paths


def test_segmented_texts_teach_which_words_they_lost() -> None:
    lost = {"的", "了", "我", "是", "在"}
    natural = ["我家的暖气是坏的,我在等,已经三天了"] * 1500
    segmented = [" ".join(w for w in jieba.lcut(t) if w not in lost and w != ",") for t in natural]
    assert is_segmented(segmented)
    assert not is_segmented(natural)
    form = learn_form(segmented)
    assert lost <= form.words
    assert "," in form.marks
    cutter = WordCutter()
    assert form.apply(natural[0], cutter) == form.apply("".join(segmented[0].split()), cutter)
    assert learn_form(natural).is_plain


def test_a_text_of_nothing_but_lost_words_stays() -> None:
    assert TextForm(words=frozenset({"的", "了"})).apply("的了", WordCutter()) == "的了"


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda rows: rows, ["--label", "类型"], "没有列“类型”"),
        (lambda rows: rows[:3], [], "只有 3 行"),
        (lambda rows: [{**r, "类别": "供热"} for r in rows], [], "标签只有一种"),
        (
            lambda rows: [{**r, "诉求内容": "" if i % 3 == 0 else r["诉求内容"]} for i, r in enumerate(rows)],
            [],
            "没有文字",
        ),
        (lambda rows: [{**r, "类别": "" if i % 3 == 0 else r["类别"]} for i, r in enumerate(rows)], [], "没有标签"),
        (lambda rows: [{**r, "类别": str(i)} for i, r in enumerate(rows)], [], "几乎每行标签都不同"),
    ],
)
def test_what_cannot_be_learned_from_is_said_and_leaves_the_old_bundle(
    yousu, tmp_path: Path, change, options: list[str], said: str
) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("{}", encoding="utf-8")
    table = write(tmp_path / "t.csv", change(rows_of_sayings(60)))
    label = options or ["--label", "类别"]
    result = yousu("train", table, "--text", "诉求内容", *label, "--out", out, "--quiet")
    assert result.exit_code == 1
    assert said in result.output
    assert [p.name for p in out.iterdir()] == ["manifest.json"]
    assert not list(tmp_path.glob(".bundle.*.tmp"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "打开密码"),
        ("a.xlsx", b"PK\x03\x04 cut off", "不完整"),
        ("a.csv", b"", "文件为空"),
        ("a.doc", b"x", "应为 .csv"),
    ],
)
def test_a_file_that_cannot_be_opened_is_named(yousu, tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    result = yousu("train", tmp_path / name, "--text", "a", "--label", "b", "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert said in result.output
    assert name in result.output
    assert not (tmp_path / "o").exists()


def test_a_folder_with_other_things_is_not_replaced(yousu, tmp_path: Path) -> None:
    (tmp_path / "o").mkdir()
    (tmp_path / "o" / "letter.txt").write_text("mine", encoding="utf-8")
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    result = yousu("train", table, "--text", "诉求内容", "--label", "类别", "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert (tmp_path / "o" / "letter.txt").read_text(encoding="utf-8") == "mine"


def test_two_trainings_at_once_are_told(yousu, tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    with training_lock(tmp_path / ".o.lock"):
        result = yousu("train", table, "--text", "诉求内容", "--label", "类别", "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert "另一个训练" in result.output


def test_a_full_disk_leaves_the_old_bundle(yousu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import training.packing

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "b"
    out.mkdir()
    (out / "manifest.json").write_text("{}", encoding="utf-8")
    monkeypatch.setattr(training.packing, "write_manifest", full)
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    result = yousu("train", table, "--text", "诉求内容", "--label", "类别", "--out", out, "--quiet")
    assert result.exit_code == 1
    assert "磁盘已满" in result.output
    assert (out / "manifest.json").read_text(encoding="utf-8") == "{}"
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_dir()) == ["b"]


def test_a_gbk_table_and_a_workbook_are_read_alike(yousu, tmp_path: Path) -> None:
    from training.quick import read_labelled

    rows = rows_of_sayings(60)
    gbk = write(tmp_path / "t.csv", rows, "gb18030")
    book = Workbook()
    book.active.append(["十二月工单"])
    book.active.append([])
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(tmp_path / "t.xlsx")
    one = read_labelled(str(gbk), "诉求内容", ["类别"])
    two = read_labelled(str(tmp_path / "t.xlsx"), "诉求内容", ["类别"])
    assert one.texts == two.texts
    assert set(one.paths) == {(k,) for k in SAYINGS}
