"""Topics and the seasonal watch: what is clustered on written examples, and how often the watch is wrong."""

from __future__ import annotations

import csv
import datetime
import json
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from typer.testing import CliRunner

import yousu
from models.catalog import Season
from serve.insight.cases import Case
from serve.insight.drift import stability
from serve.insight.seasons import watch
from serve.insight.topics import clusters, hot_topics
from serve.insight.watch_bench import false_alarms
from tests.conftest import ROOT

TODAY = datetime.date(2026, 11, 20)
WINTER = Season("S1", (10, 11), "供暖", ("0101",), "", "", "")


def case(number: int, code: str, day: datetime.date = TODAY, text: str = "", **more: str) -> Case:
    at = datetime.datetime.combine(day, datetime.time(3))
    return Case(number, f"T{number}", day, at, text, code, "投诉", "", more.pop("district", ""), False, **more)


@pytest.fixture(scope="module")
def written(engine):
    """Written examples with their vectors: 12 of each of eight leaves, and one of each of 80 others."""
    by_leaf = defaultdict(list)
    with (ROOT / "data" / "tickets" / "examples.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["code"] in engine.catalog.leaves:
                by_leaf[row["code"]].append(row["text"])
    leaves = sorted(code for code, texts in by_leaf.items() if len(texts) >= 12)[::7]
    rows = [(leaf, text) for leaf in leaves[:8] for text in by_leaf[leaf][:12]]
    rows += [(leaf, by_leaf[leaf][0]) for leaf in leaves[8:88]]
    return [case(i, leaf, text=text) for i, (leaf, text) in enumerate(rows)], engine.embed([text for _, text in rows])


def test_like_tickets_are_clustered_and_unlike_ones_are_not(written) -> None:
    tickets, vectors = written
    label = np.empty(len(tickets), int)
    for i, group in enumerate(clusters(tickets, vectors)):
        label[group] = i
    leaf = np.array([int(t.code) for t in tickets])
    upper = np.triu_indices(len(tickets), 1)
    together = (label[:, None] == label[None, :])[upper]
    same = (leaf[:, None] == leaf[None, :])[upper]
    assert (together & same).sum() / together.sum() > 0.85
    assert (together & same).sum() / same.sum() > 0.65


def test_a_topic_has_a_name_its_growth_districts_and_samples(engine, written) -> None:
    tickets, vectors = written
    week = [case(t.seq, t.code, text=t.text, district="城西区" if i % 3 else "城东区") for i, t in enumerate(tickets)]
    topics = hot_topics(week, vectors, week[:6], vectors[:6], engine.catalog)
    first = next(t for t in topics if t.code == week[0].code and t.before)
    assert first.name.startswith(engine.catalog.nodes[first.code].name)
    assert first.before <= 6 < first.count + 6
    assert sum(n for _, n in first.districts) == first.count
    assert len(first.samples) == 3
    assert first.growth == first.count / first.before - 1
    assert all(a.count - a.before >= b.count - b.before for a, b in pairwise(topics))


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_bound_is_exceeded_about_as_seldom_as_it_states(spread: float) -> None:
    """Weeks of 2,000 places drawn as usual, even or bursty: alarms stay below twice the stated 1 % of places."""
    assert 0 < false_alarms(0.01, spread, places=2000, seed=3) < 0.02


def test_the_command_tells_the_false_alarms_of_every_alpha_that_was_asked_for() -> None:
    told = CliRunner().invoke(
        yousu.app, ["bench", "watch", "--alpha", "0.1", "--alpha", "0.01", "--places", "300", "--json"]
    )
    wide, narrow = json.loads(told.stdout)["rows"]
    assert (wide["alpha"], narrow["alpha"]) == (0.1, 0.01)
    assert wide["bursty"] > narrow["bursty"]
    refused = CliRunner().invoke(yousu.app, ["bench", "watch", "--alpha", "1"])
    assert refused.exit_code == 1
    assert "应在 0 与 0.5 之间" in refused.stderr


def usual(place: str, per_week: int = 2, weeks: int = 12) -> list[Case]:
    days = [TODAY - datetime.timedelta(days=7 * w + 1) for w in range(1, weeks) for _ in range(per_week)]
    return [case(i + 1000, "0101010101", d, community=place) for i, d in enumerate(days)]


def test_a_burst_in_one_community_is_an_alert_and_an_ordinary_week_is_not() -> None:
    burst = [case(i, "0101010101", community="阳光苑", caller=f"c{i}") for i in range(14)]
    quiet = [case(50 + i, "0101010101", community="安静里") for i in range(2)]
    (season,) = watch(
        [*usual("阳光苑"), *usual("安静里"), *burst, *quiet],
        [WINTER],
        TODAY,
        lambda c: c.community,
        alpha=0.001,
        least=5,
    )
    cells = {c.place: c for c in season.cells}
    assert (cells["阳光苑"].alert, cells["安静里"].alert) == (True, False)
    assert cells["阳光苑"].count == 14 > cells["阳光苑"].bound.upper
    assert season.cells[0].place == "阳光苑", "alerts stand first"
    assert season.week == 16


def test_one_caller_calling_often_is_no_burst() -> None:
    burst = [case(i, "0101010101", community="阳光苑", caller="c1") for i in range(14)]
    (season,) = watch([*usual("阳光苑"), *burst], [WINTER], TODAY, lambda c: c.community, alpha=0.001, least=5)
    assert not season.cells[0].alert


def test_without_any_history_nothing_is_called_unusual() -> None:
    burst = [case(i, "0101010101", community="阳光苑", caller=f"c{i}") for i in range(14)]
    (season,) = watch(burst, [WINTER], TODAY, lambda c: c.community, alpha=0.001, least=5)
    assert not season.cells[0].alert


def test_a_season_that_begins_next_month_is_told_ahead() -> None:
    seasons = [
        WINTER,
        Season("S2", (12,), "防冻", ("0102",), "", "", ""),
        Season("S3", (5,), "入学", ("10",), "", "", ""),
    ]
    found = watch(usual("阳光苑"), seasons, TODAY, lambda c: c.community, alpha=0.001, least=5)
    assert [(w.season.season, w.begins) for w in found] == [("S1", False), ("S2", True)]


def test_the_forecast_follows_last_years_course_at_this_years_level() -> None:
    tickets, number = [], 0
    for age, count in {0: 10, 1: 10, 2: 10, 3: 10, 51: 30, 52: 5, 53: 5, 54: 5, 55: 5, 56: 5, 57: 5}.items():
        for _ in range(count):
            number += 1
            tickets.append(case(number, "0101010101", TODAY - datetime.timedelta(days=7 * age + 6)))
    (season,) = watch(tickets, [WINTER], TODAY, lambda c: "", alpha=0.001, least=5)
    assert 55 < season.forecast < 65, (
        "last year the coming week was six times the weeks before; this year has twice as many"
    )
    assert season.forecast_upper > season.forecast


def test_the_stability_index_is_nought_for_the_same_and_large_for_another_mix() -> None:
    same = stability(["a"] * 500 + ["b"] * 500, ["a"] * 490 + ["b"] * 510)
    other = stability(["a"] * 900 + ["b"] * 100, ["a"] * 500 + ["b"] * 500)
    assert same < 0.1 < 0.25 < other
