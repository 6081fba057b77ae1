"""A training on tickets: repeatable, resumable, blind to what comes later, promoted only through the gate."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from models.locations import current_version
from tests.conftest import ROOT
from tests.training.conftest import MAPPING, rows_of_sayings, write
from training.registry import GateError, gate, history, promote
from training.replay import Comparison, paired_bootstrap


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.toml"
    file.write_text(MAPPING, encoding="utf-8")
    return file


def version_of(output: str) -> str:
    return next(line.split()[1] for line in output.splitlines() if line.startswith("模型包"))


def test_what_comes_after_dispatch_changes_no_weight_and_the_same_input_gives_the_same_bundle(
    yousu, shared_home: Path, tmp_path: Path, mapping: Path
) -> None:
    rows = rows_of_sayings(90)
    one = yousu("train", write(tmp_path / "a.csv", rows), "--mapping", mapping, "--quiet")
    assert one.exit_code == 0, one.output
    later = [r["办理结果"] for r in rows]
    random.Random(1).shuffle(later)
    shuffled = [{**r, "办理结果": x} for r, x in zip(rows, later, strict=True)]
    assert shuffled != rows
    two = yousu("train", write(tmp_path / "b.csv", shuffled), "--mapping", mapping, "--quiet")
    assert version_of(one.output) == version_of(two.output)
    run = shared_home / "training" / "runs" / version_of(one.output)
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert report["data"]["split_by"] == "time"
    assert report["data"]["used"] == 90
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "训练报告" in page
    assert "Plotly.newPlot" in page
    assert 'src="http' not in page
    assert (run / "suspects.xlsx").is_file()
    version = run.name
    again = yousu("train", "simulate", version, "--wrong-cost", "1", "--threshold", "0.5", "--store")
    assert again.exit_code == 0, again.output
    manifest = json.loads((shared_home / "bundles" / version / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["operating_point"]["threshold"] == 0.5


def test_a_bundle_is_promoted_used_and_rolled_back(yousu, shared_home: Path, tmp_path: Path, mapping: Path) -> None:
    trained = yousu("train", write(tmp_path / "a.csv", rows_of_sayings(90)), "--mapping", mapping, "--quiet")
    version = version_of(trained.output)
    bundles = shared_home / "bundles"
    before = len(history(bundles))  # other tests promote in this home, too
    refused = yousu("bundle", "promote", version, "--who", "王工", "--why", "试用")
    assert refused.exit_code == 1
    assert "分类体系不同" in refused.output
    assert current_version(bundles) == ""
    taken = yousu("bundle", "promote", version[:6], "--who", "王工", "--why", "换体系", "--new-taxonomy")
    assert taken.exit_code == 0, taken.output
    assert current_version(bundles) == version
    assert f"* {version}" in yousu("bundle", "list").output
    back = yousu("bundle", "rollback", "--who", "李工", "--why", "投诉多")
    assert back.exit_code == 0, back.output
    assert current_version(bundles) == ""
    assert [(e["what"], e["who"]) for e in history(bundles)[before:]] == [
        ("refused", "王工"),
        ("promote", "王工"),
        ("rollback", "李工"),
    ]
    again = yousu("bundle", "rollback", "--who", "李工", "--why", "再退")
    assert again.exit_code == 1
    assert "没有可以退回" in again.output


def test_tickets_of_one_day_are_refused_unless_split_at_random(
    yousu, shared_home: Path, tmp_path: Path, mapping: Path
) -> None:
    rows = [{**r, "受理时间": "2026-03-03 08:00"} for r in rows_of_sayings(60)]
    result = yousu("train", write(tmp_path / "a.csv", rows), "--mapping", mapping, "--quiet")
    assert result.exit_code == 1
    assert "同一天" in result.output
    taken = yousu("train", tmp_path / "a.csv", "--mapping", mapping, "--quiet", "--split", "random")
    assert taken.exit_code == 0, taken.output
    page = (shared_home / "training" / "runs" / version_of(taken.output) / "report.html").read_text(encoding="utf-8")
    assert "随机留出的" in page
    assert "最新的" not in page


def test_wrong_labels_in_a_table_are_listed_for_people(yousu, tmp_path: Path, mapping: Path) -> None:
    from training.tables import open_table

    rows = rows_of_sayings(90)
    rows[30]["类别"] = "噪音"
    out = tmp_path / "suspects.xlsx"
    result = yousu("train", "audit", write(tmp_path / "a.csv", rows), "--mapping", mapping, "--out", out, "--quiet")
    assert result.exit_code == 0, result.output
    first = next(cells for _, cells in open_table(out).rows)
    assert (first[0], first[3], first[4]) == ("T0030", "噪音", "供热")


def test_a_correction_by_a_person_wins_over_the_table(yousu, shared_home: Path, tmp_path: Path, mapping: Path) -> None:
    from training.audit import read_corrections, write_suspects

    write_suspects(tmp_path / "s.xlsx", [["T0000", 2, 0.9, "供热", "路灯", 0.9, "=1+1"]])
    from openpyxl import load_workbook

    book = load_workbook(tmp_path / "s.xlsx")
    book.active["H2"] = "路灯"
    book.save(tmp_path / "s.xlsx")
    assert read_corrections(tmp_path / "s.xlsx") == {"T0000": ("路灯",)}
    table = write(tmp_path / "a.csv", rows_of_sayings(90))
    result = yousu("train", table, "--mapping", mapping, "--corrections", tmp_path / "s.xlsx", "--quiet")
    assert result.exit_code == 0, result.output
    run = shared_home / "training" / "runs" / version_of(result.output)
    assert json.loads((run / "report.json").read_text(encoding="utf-8"))["data"]["corrected"] == 1


def test_a_killed_training_goes_on_from_its_shards(tmp_path: Path, mapping: Path) -> None:
    table = write(tmp_path / "a.csv", rows_of_sayings(320))
    home = tmp_path / "home"
    command = [sys.executable, "-m", "yousu", "train", str(table), "--mapping", str(mapping), "--quiet"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "YOUSU_HOME": str(home)})
    shards = home / "training" / "embeddings"
    for _ in range(4000):
        if list(shards.glob("[!.]*.npy")):
            break
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    first = {f: f.stat().st_mtime_ns for f in shards.glob("[!.]*.npy")}
    assert first
    assert not list((home / "bundles").glob("*/manifest.json"))
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "YOUSU_HOME": str(home)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {f: f.stat().st_mtime_ns for f in first} == first
    assert len(list((home / "bundles").glob("*/manifest.json"))) == 1


# -- the gate, on plain numbers ------------------------------------------------------------------------------


def comparison(**changes) -> Comparison:
    usual = {
        "rows": 100, "level1": (0.9, 0.9), "path": (0.8, 0.82), "difference": (0.02, -0.01, 0.05),
        "classes": (("供热", 40, 0.9, 0.9), ("路灯", 5, 1.0, 0.4)), "comparable": True,
        "same_danger": True,
    }  # fmt: skip
    return Comparison(**{**usual, **changes})


def test_a_class_that_loses_too_much_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert gate(comparison()) == []
    worse = comparison(classes=(("供热", 40, 0.9, 0.8),))
    assert "供热" in gate(worse)[0]
    assert gate(worse, max_loss=0.2) == []


def test_a_fall_of_risk_recall_or_of_accuracy_is_refused() -> None:
    other = {"same_danger": False}
    assert "风险" in gate(comparison(risk_recall=(0.98, 0.97), **other))[0]
    assert gate(comparison(risk_recall=(0.97, 0.98), **other)) == []
    assert "首次判对率" in gate(comparison(difference=(-0.05, -0.08, -0.02)))[0]


def test_a_new_taxonomy_may_be_let_in_but_never_with_less_risk_recall() -> None:
    new = {"comparable": False, "same_danger": False}
    assert gate(comparison(risk_recall=(0.97, 0.97), **new), new_taxonomy=True) == []
    assert [r[:5] for r in gate(comparison(risk_recall=(0.98, 0.97), **new), new_taxonomy=True)] == ["风险识别率"]
    assert "--new-taxonomy" in gate(comparison(risk_recall=(0.97, 0.97), **new))[0]


def test_another_risk_part_is_refused_where_nothing_can_measure_it() -> None:
    for new in ({}, {"comparable": False}):
        assert "说不清" in gate(comparison(same_danger=False, **new), new_taxonomy=True)[0]


def test_a_promotion_needs_who_and_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--who"):
        promote(tmp_path, "v", comparison(), who=" ", why="x")


def test_a_refused_promotion_leaves_the_champion(tmp_path: Path, bundle_copy: Path) -> None:
    bundle_copy.rename(tmp_path / "v2")
    (tmp_path / "current").write_text("v1\n", encoding="utf-8")
    with pytest.raises(GateError, match="供热"):
        promote(tmp_path, "v2", comparison(classes=(("供热", 40, 0.9, 0.1),)), who="a", why="b")
    assert current_version(tmp_path) == "v1"
    assert history(tmp_path)[0]["what"] == "refused"


def test_the_paired_bootstrap_sees_a_true_difference() -> None:
    rng = np.random.default_rng(0)
    first = rng.random(500) < 0.7
    mean, low, high = paired_bootstrap(first, first | (rng.random(500) < 0.2))
    assert low > 0
    assert low < mean < high
    assert paired_bootstrap(first, first) == (0, 0, 0)
