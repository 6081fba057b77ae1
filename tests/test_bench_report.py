"""The page of the benchmarks: figures of commands that ran, and a reason where one could not."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import beside, peers
from bench.commands import keep_figures
from bench.page import page
from bench.parts import growth, head_growth, trainings
from bench.sections import (
    ANSWERS,
    OTHERS,
    SCALE,
    TOPICS,
    Chart,
    Figure,
    NotRunError,
    Panel,
    Section,
    attempt,
    compared,
    overview,
)
from bench.where import Where
from tests.conftest import ROOT

WHERE = Where("x86_64", 2, "3.11", 0.4, datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.UTC), "0a1b", "c0de")


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
    sections = text.partition('id="reading"')[2]
    assert sections.count("未运行:") == 10  # two sets of questions and two tables of labels; three peers on two each
    assert "<td" not in text
    assert '<h3>同类程序:txtai,ncp(长文档)</h3><p class="no">未运行:没有' in text


def test_calibration_is_that_of_the_bundle_in_use(tmp_path: Path) -> None:
    made = json.loads((ROOT / "models" / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    text = report(tmp_path, "manifest")
    assert made["version"] in text
    kind = made["metrics"]["request_type"]
    assert f"</svg></td><td>{kind['ece']:.3f}</td><td>{kind['rows']}</td>" in text
    assert f'<td class="drawn">{kind["accuracy"]:.3f}<svg' in text
    assert "held_out_author" not in text
    assert "author_batches" not in text


def test_retrieval_is_measured_by_the_command_on_a_set_that_is_there(tmp_path: Path) -> None:
    pairs = [("路灯不亮找谁", "路灯由城管维修"), ("水费怎么交", "水费在网上交"), ("暖气几号来", "供暖从十一月开始")]
    lines = ["question,answer", *(",".join(p) for p in pairs)]
    (tmp_path / "kaohsiung_faq.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = report(tmp_path, "retrieval")
    assert "BM25(字)" in text
    [kept] = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")).values()
    assert kept["command"].startswith("yousu bench retrieval --data kaohsiung_faq.csv")
    assert set(kept["figures"]) >= {"bm25", "yousu"}
    assert "检索:ncp(长文档)(没有 ncp_questions.csv、ncp_documents.csv)" in text
    assert text.partition('id="reading"')[2].count("未运行") == 1


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

    assert "&lt;b&gt;坏&lt;/b&gt;" in page([attempt("某项", fail)], WHERE)


def test_no_text_of_a_section_becomes_markup() -> None:
    bad = '<i>&坏"</i>'
    figure = Figure(bad, 0.5, beside=bad, other=0.4, aside=bad)
    chart = Chart(bad, (10, 100), (Panel(bad, bad, {bad: (1.0, 2.0), bad + "2": (2.0, 3.0)}),), (1_000,))
    section = Section(bad, (bad, bad), [(bad, bad)], note=bad, topic=SCALE, figures=(figure,), chart=chart)
    text = page([section, Section(bad, why_not=bad, topic=SCALE)], WHERE)
    assert not [e for e in tree(text).iter() if e.tag in ("i", "b")]
    assert "<i>" not in text
    assert "&lt;i&gt;" in text


def tree(text: str) -> ElementTree.Element:
    """Return the page as a tree; it is written so that a parser of XML takes it too: all closed, all quoted."""
    return ElementTree.fromstring(text)


def some() -> list[Section]:
    found = {"bm25": {"r1": 0.5}, "tfidf": {"r1": 0.4}, "yousu": {"r1": 0.6}}
    first, last = (Section(f"{who} 旁", topic=OTHERS) for who in ("甲", "乙"))
    for section, r1 in ((first, 0.3), (last, 0.7)):
        made = compared(section.title, {section.title: {"r1": r1}, "yousu": {"r1": 0.6}}, (("r1", "R@1"),), "某集")
        section.head, section.rows, section.figures, section.ours = made.head, made.rows, made.figures, made.ours
    measured = compared("检索:某集", found, (("r1", "R@1"),), "某集")
    measured.topic = ANSWERS
    panels = (
        Panel("检索", "毫秒", {"p50": (1.0, 2.0, 4.0), "p95": (2.0, 3.0, 5.0)}),
        Panel("内存", "MB", {"内存": (9, 0, 7)}),
    )
    rows = [("1,000", "1"), ("10,000", "2"), ("100,000", "4"), ("1,000,000", "未运行")]
    chart = Chart("条目", (1_000, 10_000, 100_000), panels, (1_000_000,))
    growing = Section("增长:条目", ("条目", "值"), rows, topic=SCALE, chart=chart)
    return [measured, Section("检索:另一集", why_not="没有文件", topic=ANSWERS), growing, first, last]


def test_the_page_is_sound_and_loads_nothing() -> None:
    text = page(some(), WHERE)
    assert text.startswith("<!DOCTYPE html>")
    root = tree(text)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    links = {str(e.get("href")) for e in root.iter("a")}
    assert links
    assert links <= {f"#{i}" for i in ids}
    assert not re.search(r"<(script|link|img|iframe|object|embed|base)\b|\bsrc=|url\(|@import|https?:", text)


def test_our_row_is_set_off_and_bars_are_as_long_as_the_figures() -> None:
    [table] = tree(page(some()[:1], WHERE)).iter("table")
    body = list(table.iter("tr"))[1:]
    assert [(row.get("class"), row[0].text) for row in body] == [
        (None, "BM25(字)"), (None, "TF-IDF(字)"), ("ours", "有诉"),
    ]  # fmt: skip
    drawn = [list(row.iter("rect"))[-1] for row in body]
    assert [rect.get("width") for rect in drawn] == ["50.0", "40.0", "60.0"]
    assert {rect.get("x") for rect in drawn} == {None}


def test_the_overview_holds_ours_beside_the_strongest_and_tells_what_was_not_run() -> None:
    found = {q.topic: q for q in overview(some())}
    assert list(found) == list(TOPICS)
    [(figure, _)] = found[ANSWERS].figures
    assert (figure.ours, figure.beside, figure.other, figure.ratio) == (0.6, "BM25(字)", 0.5, "1.20×")
    [(against, section)] = found[OTHERS].figures
    assert (against.other, section.title) == (0.7, "乙 旁")
    assert found[ANSWERS].not_run == ["检索:另一集(没有文件)"]
    assert found[SCALE].not_run == ["增长:条目 1,000,000(太久,加 --long 才跑)"]
    assert found["速度"].not_run == ["这一次没有要求测"]
    shown = page(some(), WHERE).partition('id="overview"')[2].partition('id="reading"')[0]
    assert all(line in shown for q in found.values() for line in q.not_run)
    assert "0.86×,不如" in shown


def test_a_chart_holds_a_point_for_each_size_measured_and_none_for_one_not_run() -> None:
    root = tree(page(some(), WHERE))
    panels = [e for e in root.iter("svg") if e.get("role") == "img"]
    assert [len(list(p.iter("circle"))) for p in panels] == [6, 3]
    across = sorted({float(str(c.get("cx"))) for c in panels[0].iter("circle")})
    assert across[1] - across[0] == pytest.approx(across[2] - across[1], abs=0.2)  # by powers of ten
    height = {str(c[0].text): float(str(c.get("cy"))) for c in panels[1].iter("circle")}
    floor = height["10,000 条目:内存 0 MB"]
    assert floor == max(height.values())
    assert not any("1,000,000" in str(e.text) for p in panels for e in p.iter("text"))
    assert "未运行、图上没有:1,000,000" in str(next(root.iter("figcaption")).text)


def test_one_size_alone_is_a_point_and_none_is_no_chart() -> None:
    one = Section(
        "一个", ("", ""), [("100", "1")], topic=SCALE, chart=Chart("条目", (100,), (Panel("时", "秒", {"时": (3.0,)}),))
    )
    none = Section("没有", ("", ""), [("100", "未运行")], topic=SCALE, chart=Chart("条目", (), (), (100,)))
    assert len(list(tree(page([one, none], WHERE)).iter("circle"))) == 1


def test_a_busy_machine_is_told_at_the_top() -> None:
    assert "机器当时在忙" not in page(some(), WHERE)
    sections = some()
    sections[2].load = 5.5
    assert "负载高于 1.5(增长:条目 5.5)" in page(sections, WHERE)


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
