"""The ambiguity rules choose the right branch from a caller's words, on sentences no cue was written with."""

import csv
import random
import re

import pytest

from models import rules as choosing
from models.catalog import load_catalog
from models.locations import catalog_dir
from models.rules import choose
from models.text import normalise
from tests.conftest import ROOT


def test_fresh_sentences_choose_the_right_branch_and_seldom_a_wrong_one() -> None:
    rules = {r.rule: r for r in load_catalog(catalog_dir()).rules}
    right = wrong = 0
    with (ROOT / "tests/data/rule_calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        choice = choose(rules[row["rule"]], normalise(row["text"]))
        right += choice is not None and choice.branch.branch == row["branch"]
        wrong += choice is not None and choice.branch.branch != row["branch"]
    print(f"{len(rows)} sentences: right {right / len(rows):.3f}, wrong {wrong / len(rows):.3f}")
    assert right / len(rows) >= 0.85
    assert wrong / len(rows) <= 0.02


def test_every_rule_asks_a_question_and_has_at_least_two_ways_out() -> None:
    for rule in load_catalog(catalog_dir()).rules:
        assert rule.question.endswith(("?", "吗", "呢", "?")), rule.rule
        assert len(rule.branches) >= 2, rule.rule


def test_a_place_named_only_as_a_landmark_does_not_choose_a_branch() -> None:
    rules = {r.rule: r for r in load_catalog(catalog_dir()).rules}
    held = 0
    with (ROOT / "tests/data/landmark_calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        choice = choose(rules[row["rule"]], normalise(row["text"]))
        assert choice is None or choice.branch.branch != row["not_branch"], (row["text"], choice)
        held += choice is not None and choice.branch.branch == row["branch"]
    print(f"{len(rows)} sentences with a landmark: none goes by it, {held} are decided by the place itself")
    assert held >= sum(bool(row["branch"]) for row in rows) - 1


@pytest.mark.parametrize(
    ("cue", "text", "said"),
    [
        ("学校", "学校里面", True),
        ("学校", "学校门口的马路", False),
        ("学校", "学校门口的马路,学校里面", True),
        ("学校", "医院里面", False),
        ("门口路门口路", "门口路门口路门口路", False),  # the second place overlaps the first, so it is none of its own
        ("路路", "路路路门口路", True),
    ],
)
def test_a_cue_is_said_where_it_is_no_landmark(cue: str, text: str, said: bool) -> None:
    assert choosing._said(cue, text) is said


def test_cues_that_overlap_are_looked_for_as_a_pattern_would() -> None:
    rng = random.Random(5)
    parts, both = ("学校", "门口", "路", "门口的路", "里", "校门"), set()
    for _ in range(3000):
        cue, text = "".join(rng.choices(parts, k=rng.randint(1, 3))), "".join(rng.choices(parts, k=9))
        found = any(not choosing._BESIDE.match(text, m.end()) for m in re.finditer(re.escape(cue), text))
        assert choosing._said(cue, text) is found, (cue, text)
        both.add((found, cue in text))
    assert both == {(True, True), (False, True), (False, False)}
