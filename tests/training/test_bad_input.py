"""What goes wrong with a city's tickets: each ends with a clear message and leaves the champion as it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook

from models.locations import bundle_dir, current_version
from tests.conftest import ROOT
from tests.training.conftest import MAPPING, rows_of_sayings, write
from training.packing import SHARED

Rows = list[dict[str, str]]


@pytest.fixture
def champion(own_home: Path, monkeypatch: pytest.MonkeyPatch, yousu) -> Iterator[Callable[..., object]]:
    """The command line over a home with a champion, which must be the same afterwards."""
    monkeypatch.setenv("YOUSU_HOME", str(own_home))
    folder = own_home / "bundles" / "champion"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    (own_home / "bundles" / "current").write_text("champion\n", encoding="utf-8")
    yield yousu
    assert current_version(own_home / "bundles") == "champion"
    assert (folder / "manifest.json").read_text(encoding="utf-8") == "{}"
    assert [p.name for p in (own_home / "bundles").iterdir() if p.is_dir()] == ["champion"]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING, encoding="utf-8")
    return file


def blank(rows: Rows, column: str, every: int) -> Rows:
    return [{**r, column: "" if i % every == 0 else r[column]} for i, r in enumerate(rows)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: [{k: v for k, v in r.items() if k != "类别"} for r in rows], "没有列 类别,现有列:工单号"),
        (lambda rows: [{**r, "类别": "供热"} for r in rows], "标签只有一种"),
        (lambda rows: rows[:3], "只有 3 行"),
        (lambda rows: [{**r, "受理时间": "2026-03-03 08:00"} for r in rows], "同一天"),
        (lambda rows: blank(rows, "诉求内容", 3), "行没有文字(33%),如第 2 行"),
        (lambda rows: blank(rows, "类别", 3), "行没有标签(33%)"),
        (lambda rows: [{**r, "受理时间": "昨天"} for r in rows], "时间读不懂"),
    ],
)
def test_tickets_that_cannot_be_learned_from_are_told(
    champion, mapping: Path, tmp_path: Path, change: Callable[[Rows], Rows], said: str
) -> None:
    table = write(tmp_path / "tickets.csv", change(rows_of_sayings(60)))
    result = champion("train", table, "--mapping", mapping, "--quiet")
    assert result.exit_code == 1
    assert said in result.output
    assert "tickets.csv" in result.output


def test_a_workbook_that_was_cut_off_on_the_way_is_told(champion, mapping: Path, tmp_path: Path) -> None:
    book = Workbook()
    rows = rows_of_sayings(60)
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(tmp_path / "whole.xlsx")
    content = (tmp_path / "whole.xlsx").read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(content[: len(content) // 2])
    result = champion("train", tmp_path / "cut.xlsx", "--mapping", mapping, "--quiet")
    assert result.exit_code == 1
    assert "cut.xlsx" in result.output
    assert "已损坏或不完整" in result.output


def test_labels_outside_the_catalogue_are_counted_and_the_nearest_named(champion, tmp_path: Path) -> None:
    from models.catalog import load_catalog
    from models.locations import catalog_dir

    catalog = load_catalog(catalog_dir())
    names = [catalog.nodes[leaf].name for leaf in catalog.leaves]
    unique = [n for n in names if names.count(n) == 1][:3]
    rows = [{**r, "类别": unique[i % 3]} for i, r in enumerate(rows_of_sayings(60))]
    rows = [{**r, "类别": unique[0] + "类"} if i < 6 else r for i, r in enumerate(rows)]
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING.replace('"labels"', '"catalog"'), encoding="utf-8")
    result = champion("train", "inspect", write(tmp_path / "t.csv", rows), "--out", file)
    assert result.exit_code == 0
    assert f"目录里没有 {unique[0]}类(6 行);相近:{unique[0]}" in result.output


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own, made full by hand."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip(f"mounting is not permitted here: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def leave_free(folder: Path, kilobytes: int) -> None:
    """Fill a file system until so much is left."""
    (folder / "filler").unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free - kilobytes * 1024
    with (folder / "filler").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)


def test_a_disk_that_fills_up_while_the_bundle_is_written_is_told(yousu, small_disk: Path, tmp_path: Path) -> None:
    """The copied encoder, the new head: whatever it is that finds no room."""
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    out = small_disk / "bundle"
    shared = sum(f.stat().st_size for name in SHARED for f in (bundle_dir() / name).rglob("*")) // 1024
    for free in (4_000, shared + 100):
        leave_free(small_disk, free)
        result = yousu("train", table, "--text", "诉求内容", "--label", "类别", "--out", out, "--quiet")
        assert result.exit_code == 1
        assert "磁盘已满" in result.output, result.output
        assert [p.name for p in small_disk.iterdir() if p.is_dir()] == []


def test_a_report_without_room_leaves_no_bundle_behind(
    yousu, small_disk: Path, tmp_path: Path, mapping: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = small_disk / "home"
    monkeypatch.setenv("YOUSU_HOME", str(home))
    base = shutil.copytree(bundle_dir(), small_disk / "base")  # on the same disk, so that a bundle links to it
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    leave_free(small_disk, 3_000)  # the page alone, with the program of its charts in it, wants more
    result = yousu("train", table, "--mapping", mapping, "--base", base, "--quiet")
    assert result.exit_code == 1
    assert "磁盘已满" in result.output, result.output
    assert [p.name for p in (home / "bundles").iterdir() if p.is_dir()] == []
    assert list((home / "training" / "runs").iterdir()) == []


def test_of_two_trainings_at_once_one_is_told_and_the_other_ends_well(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", rows_of_sayings(60))
    out = tmp_path / "bundle"
    command = [
        sys.executable, "-m", "yousu", "train", str(table), "--text", "诉求内容", "--label", "类别", "--out", str(out),
        "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "YOUSU_HOME": str(tmp_path / "home")}
    first = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lock = tmp_path / ".bundle.lock"
    while not (lock.is_file() and lock.read_text(encoding="utf-8")):
        assert first.poll() is None, "the first training ended without a lock"
        time.sleep(0.05)
    first.send_signal(signal.SIGSTOP)  # so that it cannot be done before the second one looks
    second = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    first.send_signal(signal.SIGCONT)
    _, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors.decode()
    assert second.returncode == 1
    assert "另一个训练正在写同一处" in second.stderr
    assert (out / "manifest.json").is_file()


def test_what_excel_leaves_in_a_gbk_file_with_mixed_dates_is_read(tmp_path: Path, mapping: Path) -> None:
    """What Excel leaves in cells, and three ways to write a day, in one GBK file."""
    from training.intake import read_tickets
    from training.mapping import load_mapping
    from training.tables import open_table

    rows = rows_of_sayings(60)
    days = ("2026/1/5", "2026年1月5日", "20260105")
    rows = [
        {**r, "受理时间": days[i % 3], "诉求内容": r["诉求内容"] + "_x000D_\n<br>请处理"} for i, r in enumerate(rows)
    ]
    table = open_table(write(tmp_path / "t.csv", rows, "gbk"))
    intake = read_tickets(table, load_mapping(mapping))
    assert intake.faults == []
    assert {f"{t.time:%Y-%m-%d}" for t in intake.tickets if t.time} == {"2026-01-05"}
    assert not any("x000D" in t.text or "<" in t.text for t in intake.tickets)
