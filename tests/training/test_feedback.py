"""What operators said becomes training data: settled by people, with its provenance, never over a human decision."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import numpy as np
import pytest

from models.catalog import Catalog, load_catalog
from models.locations import catalog_dir
from serve import feedback as said
from serve.records import Records
from training.feedback import add_lessons, agreement, read_feedback
from training.intake import Resolved, Ticket
from training.route_feedback import add_routes, read_routes

VERSIONS = {"bundle": "b1", "kb": "7"}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(catalog_dir())


class Desk:
    """Operators of a service with a database of its own."""

    def __init__(self, url: str) -> None:
        self.url, self._records = url, Records(url)

    def say(
        self, who: str, verdict: str, *, text: str, proposed: str = "", value: str = "", call: str = "",
        field: str = "category",
    ) -> None:  # fmt: skip
        told = {
            "call_id": call, "text": text, "field": field, "verdict": verdict, "proposed": proposed,
            "value": value, "note": "",
        }  # fmt: skip
        with self._records.write() as session:
            said.store(session, told, who=who, versions=VERSIONS)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    from kb.store import EntryStore

    url = f"sqlite:///{tmp_path / 'yousu.db'}"
    EntryStore(url).close()
    return Desk(url)


def test_what_was_accepted_and_corrected_is_read_with_its_provenance(desk: Desk, catalog: Catalog) -> None:
    a, b, c = catalog.leaves[:3]
    desk.say("张", "accept", text="我家暖气不热", proposed=a, call="1")
    desk.say("张", "correct", text="路灯不亮", proposed=a, value=b, call="2")
    desk.say("李", "accept", text="路灯不亮", proposed=a, call="2")
    desk.say("李", "unsure", text="说不清", proposed=a, call="3")
    desk.say("王", "correct", text="问路", proposed=a, value=catalog.leaves[0][:2], call="4")
    found = read_feedback(desk.url, catalog.leaves)
    lessons = {x.call_id: x for x in found.lessons}
    assert {k: (x.code, x.corrected) for k, x in lessons.items()} == {"1": (a, False), "2": (b, True)}
    assert lessons["2"].votes == 2
    assert lessons["1"].bundles == ("b1",)
    assert found.unusable == {"坐席拿不准": 1, "不是目录的末级代码": 1}
    assert c not in {x.code for x in found.lessons}


def test_the_last_word_of_an_operator_counts(desk: Desk, catalog: Catalog) -> None:
    a, b = catalog.leaves[:2]
    desk.say("张", "accept", text="井盖没了", proposed=a, call="1")
    desk.say("张", "correct", text="井盖没了", proposed=a, value=b, call="1")
    (lesson,) = read_feedback(desk.url, catalog.leaves).lessons
    assert (lesson.code, lesson.operators) == (b, 1)


def test_operators_against_each_other_are_left_for_people_to_decide(
    desk: Desk, catalog: Catalog, yousu, tmp_path: Path
) -> None:
    a, b, c = catalog.leaves[:3]
    desk.say("张", "correct", text="树倒了", proposed=a, value=b, call="1")
    desk.say("李", "correct", text="树倒了", proposed=a, value=c, call="1")
    found = read_feedback(desk.url, catalog.leaves)
    assert found.lessons == []
    assert len(found.disputed) == 1
    out = tmp_path / "feedback.csv"
    result = yousu("train", "feedback", "--out", out, "--database", desk.url)
    assert result.exit_code == 0, result.output
    assert "有争议 1 通" in result.output
    with out.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["分类代码"] == ""
    assert b in row["来历"]


def test_agreement_is_one_when_all_agree_and_about_nothing_when_it_is_chance() -> None:
    assert agreement([["a", "a"], ["b", "b"], ["c"]]).alpha == 1
    assert agreement([["a"], ["b"]]).same is None
    even = agreement([["a", "b"], ["b", "a"], ["a", "a"], ["b", "b"]])
    assert even.same == 0.5
    assert abs(even.alpha or 0) < 0.2


def test_agreement_follows_krippendorffs_own_example() -> None:
    """Units 1 to 10 of two observers in Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section A."""
    one, two = "0100000010", "1110010000"
    assert agreement(list(zip(one, two, strict=True))).alpha == pytest.approx(0.095, abs=0.001)


def test_a_human_decision_is_never_overwritten(desk: Desk, catalog: Catalog) -> None:
    a, b, c = catalog.leaves[:3]
    desk.say("张", "accept", text="一", proposed=b, call="recorded")
    desk.say("张", "correct", text="二", proposed=a, value=b, call="reviewed")
    desk.say("张", "correct", text="三", proposed=a, value=b, call="wrong")
    desk.say("张", "accept", text="四", proposed=b, call="new")
    when = datetime.datetime(2026, 1, 1)
    tickets = [
        Ticket(i, key, key, (a,), "", "", when, "", key == "reviewed")
        for i, key in enumerate(("recorded", "reviewed", "wrong"))
    ]
    resolved, done = add_lessons(Resolved("catalog", tickets, [a, c, a], []), read_feedback(desk.url, catalog.leaves))
    labels = dict(zip((t.key for t in resolved.tickets), resolved.leaves, strict=True))
    assert labels == {"recorded": a, "reviewed": c, "wrong": b, "new": b}
    assert done == {"already_labelled": 2, "relabelled": 1, "added": 1}
    assert [t.origin for t in resolved.tickets] == ["ticket"] * 3 + ["feedback"]


def test_a_training_learns_from_feedback_but_is_never_measured_on_it(
    desk: Desk, catalog: Catalog, yousu, shared_home: Path, tmp_path: Path
) -> None:
    from training.augment import write_grown
    from training.tables import open_table

    table, mapping = tmp_path / "tickets.csv", tmp_path / "mapping.toml"
    write_grown(catalog, catalog_dir().parent / "tickets" / "examples.csv", 120, table)
    mapping.write_text(
        '[columns]\ntext = ["诉求内容"]\nlevels = ["一级分类", "二级分类", "三级分类", "四级分类", "五级分类"]\n'
        'time = "受理时间"\nid = "工单号"\nunit = "承办单位"\nfinal_unit = "最终承办单位"\n',
        encoding="utf-8",
    )
    opened = open_table(table)
    text_at = opened.columns.index("诉求内容")
    *_, newest = (cells for _, cells in opened.rows)
    leaf = catalog.leaves[0]
    desk.say("张", "accept", text=newest[text_at], proposed=leaf, call="the same call under another number")
    desk.say("张", "correct", text="门口那台机器吐出来的票是空白的", proposed="", value=leaf, call="X1")
    result = yousu("train", table, "--mapping", mapping, "--quiet", "--feedback", desk.url)
    assert result.exit_code == 0, result.output
    assert "坐席反馈:2 通有定论(改正 1、采纳 1)" in result.output
    version = next(line.split()[1] for line in result.output.splitlines() if line.startswith("模型包"))
    run = shared_home / "training" / "runs" / version
    told = json.loads((run / "report.json").read_text(encoding="utf-8"))["feedback"]
    assert (told["added"], told["like_held_out"]) == (2, 1)
    manifest = json.loads((shared_home / "bundles" / version / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["feedback"]["bundles"] == {"b1": 2}
    assert manifest["metrics"]["risk_check"]["dangerous"] > 100
    assert "X1" not in (run / "replay.csv").read_text(encoding="utf-8")


def test_a_unit_that_operators_settled_on_becomes_history_where_none_is_recorded(
    desk: Desk, catalog: Catalog, yousu, tmp_path: Path
) -> None:
    a, b, c = list(catalog.units.values())[:3]
    for call, verdict, proposed, value in (
        ("open", "accept", a.code, a.code), ("recorded", "correct", a.code, b.code), ("held", "accept", a.code, ""),
        ("both", "accept", f"{a.code};{b.code}", ""), ("unknown", "accept", c.code, ""),
        ("odd", "correct", a.code, "某科"),
    ):  # fmt: skip
        desk.say("张", verdict, text=call, proposed=proposed, value=value, call=call, field="route")
    desk.say("李", "correct", text="open", proposed=a.code, value=c.name, call="open", field="route")
    desk.say("王", "correct", text="两说", proposed=a.code, value=b.code, call="split", field="route")
    desk.say("李", "correct", text="两说", proposed=a.code, value=c.code, call="split", field="route")
    routes = read_routes(desk.url, catalog)
    assert len(routes.disputed) == 1
    assert routes.unusable == {"不是目录里的单位": 1}
    when = datetime.datetime(2026, 1, 1)
    keys = ("open", "recorded", "held", "both")
    tickets = [Ticket(i, k, k, ("x",), "", "某局" if k == "recorded" else "", when, "") for i, k in enumerate(keys)]
    out, done = add_routes(tickets, np.array([False, False, True, False]), routes)
    assert [t.final_unit for t in out] == [c.name, "某局", "", ""]
    assert done == {"used": 1, "already_recorded": 1, "held_out": 1, "several_units": 1, "without_category": 1}
    desk.say("张", "accept", text="open", proposed=catalog.leaves[0], call="open")
    told = yousu("train", "feedback", "--out", tmp_path / "f.csv", "--database", desk.url)
    assert "派单:5 通有定论,有争议 1 通" in told.output, told.output
    with (tmp_path / "f.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["承办单位"] == c.name


def test_a_database_without_feedback_is_named(yousu, tmp_path: Path) -> None:
    result = yousu("train", "feedback", "--out", tmp_path / "x.csv", "--database", f"sqlite:///{tmp_path / 'none.db'}")
    assert result.exit_code == 1
    assert "读不出坐席反馈" in result.output
