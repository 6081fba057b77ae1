"""The page of the benchmarks: figures of commands that ran, and a reason where one could not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import beside, peers
from bench.commands import keep_figures
from bench.parts import growth, head_growth, trainings
from bench.report import page
from bench.sections import NotRunError, Section, attempt, compared
from tests.conftest import ROOT


def report(folder: Path, *parts: str) -> str:
    out = folder / "report.html"
    command = [sys.executable, "bench/report.py", *parts, "--shared", str(folder), "--out", str(out)]
    command += ["--figures", str(folder / "figures.json")]
    environment = {**os.environ, "YOUSU_HOME": str(folder / "home")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out.read_text(encoding="utf-8")


def test_what_is_not_there_is_told_as_not_run_and_never_as_a_number(tmp_path: Path) -> None:
    text = report(tmp_path, "retrieval", "labelled", "peers")
    assert "未运行:没有 ncp_questions.csv、ncp_documents.csv" in text
    assert text.count("未运行:") == 10  # two sets of questions and two tables of labels; three peers on two each
    assert "<td>" not in text
    assert "<h2>同类程序:txtai,ncp(长文档)</h2><p class=no>未运行:没有" in text


def test_calibration_is_that_of_the_bundle_in_use(tmp_path: Path) -> None:
    made = json.loads((ROOT / "models" / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    text = report(tmp_path, "manifest")
    assert made["version"] in text
    kind = made["metrics"]["request_type"]
    assert f"<td>{kind['accuracy']:.3f}</td><td>{kind['ece']:.3f}</td><td>{kind['rows']}</td>" in text


def test_retrieval_is_measured_by_the_command_on_a_set_that_is_there(tmp_path: Path) -> None:
    pairs = [("路灯不亮找谁", "路灯由城管维修"), ("水费怎么交", "水费在网上交"), ("暖气几号来", "供暖从十一月开始")]
    lines = ["question,answer", *(",".join(p) for p in pairs)]
    (tmp_path / "kaohsiung_faq.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = report(tmp_path, "retrieval")
    assert "BM25(字)" in text
    [kept] = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")).values()
    assert kept["command"].startswith("yousu bench retrieval --data kaohsiung_faq.csv")
    assert set(kept["figures"]) >= {"bm25", "yousu"}
    assert text.count("未运行") == 1


def test_growth_is_measured_at_each_size_and_what_takes_too_long_is_told_as_not_run(tmp_path: Path) -> None:
    [entries] = growth(tmp_path, sizes=(200, 400), too_long=(1_000_000,))
    assert [row[0] for row in entries.rows] == ["200", "400", "1,000,000"], entries.why_not
    assert all(float(row[1]) >= 0 and " / " in row[3] for row in entries.rows[:2])
    assert entries.rows[2][1:] == ("未运行", "", "", "", "", "")


def test_the_growth_of_the_head_is_told_by_leaves_and_by_tickets(tmp_path: Path) -> None:
    leaves, tickets = head_growth(tmp_path, ("--leaves", "3", "--beside", "50", "--tickets", "40"))
    assert leaves.rows[0][:2] == ("3", "50"), leaves.why_not
    assert tickets.rows[0][1] == "40"
    assert all(float(row[2]) > 0 and " / " in row[5] for row in leaves.rows + tickets.rows)


def test_sizes_of_the_head_that_take_long_are_told_as_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"leaves": [], "tickets": [], "not_run": {"leaves": [5_000], "tickets": [100_000]}}
    monkeypatch.setattr("bench.parts.bench", lambda *_: found)
    leaves, tickets = head_growth(Path())
    assert leaves.rows == [("5,000", "", "未运行", "", "", "", "", "")]
    assert tickets.rows == [("", "100,000", "未运行", "", "", "", "", "")]
    assert "--long" in leaves.note


def test_whole_trainings_are_told_by_size_or_why_they_were_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = {"wall_s": 90.4, "cpu_s": 120.2, "peak_mb": 1700, "cpu_seconds": {"embed": 80.0, "fit": 30.0}, "load": 1.0}
    monkeypatch.setattr("bench.parts.bench", lambda *_: {"sizes": [{"tickets": 10_000, "estimated": 0, **cost}]})
    [section] = trainings(Path())
    assert section.rows == [("10,000", "90", "120", "1,700", "80", "30", "0", "1.0")]
    assert len(section.head) == len(section.rows[0])


def test_growth_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    sections = head_growth(tmp_path, ("--leaves", "3", "--data", str(tmp_path)))
    assert all("examples.csv" in s.why_not and not s.rows for s in sections)


def test_our_figure_is_held_against_the_best_baseline() -> None:
    found = {"bm25": {"r1": 0.5}, "tfidf": {"r1": 0.4}, "yousu": {"r1": 0.6}}
    assert compared("检索", found, (("r1", "R@1"),)).rows == [
        ("BM25(字)", "0.500", ""), ("TF-IDF(字)", "0.400", ""), ("有诉", "0.600", "1.20×"),
    ]  # fmt: skip


def test_a_reason_cannot_become_markup() -> None:
    def fail() -> Section:
        raise NotRunError("<b>坏</b>")

    assert "&lt;b&gt;坏&lt;/b&gt;" in page([attempt("某项", fail)], "某机")


@pytest.mark.parametrize("peer", [p for p in peers.PEERS if p.task == "retrieval"], ids=lambda p: p.name)
def test_a_peer_that_fails_is_told_with_its_reason(
    peer: peers.Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_environment(peer, tmp_path, monkeypatch)
    with pytest.raises(RuntimeError, match=f"No module named '{peer.name}'"):
        peers.search(peer, ["路灯由城管维修"], ["路灯"])


def test_a_peer_that_fails_has_no_row_in_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [routing] = [p for p in peers.PEERS if p.task == "routing"]
    empty_environment(routing, tmp_path, monkeypatch)
    rows = [("路灯不亮", "城管"), ("水管坏了", "水务")] * 20
    lines = ["question,department", *(f"{q}{i},{d}" for i, (q, d) in enumerate(rows))]
    (tmp_path / "kaohsiung_faq.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    [section] = [s for s in beside.peers(tmp_path) if s.title == f"同类程序:{routing.name},派单:kaohsiung"]
    assert f"No module named '{routing.name}'" in section.why_not
    assert not section.rows


def empty_environment(peer: peers.Peer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the peer have an environment in which its package is missing."""
    monkeypatch.setattr(peers, "HOME", folder)
    peer.python.parent.mkdir(parents=True)
    peer.python.symlink_to(sys.executable)


def test_a_peer_is_installed_by_name_and_an_unknown_one_is_told_with_those_there_are() -> None:
    assert [p.name for p in peers.chosen([])] == [p.name for p in peers.PEERS]
    assert [p.name for p in peers.chosen(["txtai"])] == ["txtai"]
    with pytest.raises(SystemExit, match=r"unknown peer nobody; there are .*txtai"):
        peers.chosen(["txtai", "nobody"])


def test_categories_of_a_peer_stand_for_the_labels_that_are_most_often_right() -> None:
    found = ["噪音", "噪音", "噪音", "道路"]
    assert beside.at_best(found, ["公安", "公安", "住建", "住建"])["accuracy"] == 0.75
    one = beside.at_best(["其他"] * 4, ["公安", "公安", "公安", "住建"])
    assert one["accuracy"] == 0.75
    assert one["macro_f1"] == pytest.approx((2 * 0.75 / 1.75 + 0) / 2, abs=0.001)  # the second label is never said


def test_figures_are_kept_by_command_and_a_new_run_replaces_only_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "measured.json"
    monkeypatch.setattr("bench.commands.RUNS", {"yousu bench serve": {"a": "1"}, "yousu bench heads": {"b": "1"}})
    keep_figures(file, "somewhere")
    monkeypatch.setattr("bench.commands.RUNS", {"yousu bench serve": {"a": "2"}})
    keep_figures(file, "elsewhere")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["yousu bench serve"]["figures"] == {"a": "2"}
    assert kept["yousu bench heads"]["machine"] == "somewhere"


def test_the_sizing_tables_say_what_was_measured_and_where(tmp_path: Path) -> None:
    from docs.generate import table
    from docs.sizing import BEGIN, END, sized

    page = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert "Not measured yet." in sized(page, tmp_path / "none.json", table)
    size = {
        "leaves": 5000, "tickets": 200, "fit_s": 1.25, "fit_cpu_s": 1.1, "peak_mb": 1234,
        "call_ms": {"p50": 2, "p95": 3}, "size_mb": 7.5,
    }  # fmt: skip
    run = {
        "command": "yousu bench growth",
        "when": "2026-01-01",
        "machine": "m",
        "figures": {"leaves": [size], "tickets": []},
    }
    (tmp_path / "measured.json").write_text(json.dumps({run["command"]: run}), encoding="utf-8")
    text = sized(page, tmp_path / "measured.json", table)
    assert "| 5,000 | 200 | 1.2 | 1.1 | 1,234 | 2.0 / 3.0 | 7.5 |" in text
    assert "`yousu bench growth`, 2026-01-01: m." in text
    assert text.startswith("before\n")
    assert text.endswith("\nafter")
    assert "old" not in text
