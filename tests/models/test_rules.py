"""The ambiguity rules choose the right branch from a caller's words, on sentences no cue was written with."""

import csv

from models.catalog import load_catalog
from models.locations import catalog_dir
from models.rules import decide
from models.text import normalise
from tests.conftest import ROOT


def test_fresh_sentences_choose_the_right_branch_and_seldom_a_wrong_one() -> None:
    rules = {r.rule: r for r in load_catalog(catalog_dir()).rules}
    right = wrong = 0
    with (ROOT / "tests/data/rule_calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        branch, _ = decide(rules[row["rule"]], normalise(row["text"]))
        right += branch is not None and branch.branch == row["branch"]
        wrong += branch is not None and branch.branch != row["branch"]
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
        branch, cue = decide(rules[row["rule"]], normalise(row["text"]))
        assert branch is None or branch.branch != row["not_branch"], (row["text"], cue)
        held += branch is not None and branch.branch == row["branch"]
    print(f"{len(rows)} sentences with a landmark: none goes by it, {held} are decided by the place itself")
    assert held >= sum(bool(row["branch"]) for row in rows) - 1
