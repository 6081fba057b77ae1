"""Several requests without a joint word: cuts, what the head makes of either side, and stories that stay whole."""

import csv
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.splitting import FEATURES, MOST_CLAUSES, Rule, Splitter, by_words, cuts, likeliest
from tests.conftest import ROOT


def calls(file: str, *kinds: str) -> Iterator[dict[str, str]]:
    with (ROOT / "tests/data" / file).open(encoding="utf-8", newline="") as opened:
        yield from (row for row in csv.DictReader(opened) if row["kind"] in kinds)


def test_a_cut_stands_between_clauses_with_enough_said_on_either_side() -> None:
    found = cuts("楼下垃圾三天没人拉,对,路口的红绿灯也坏了。")
    assert [(c.left, c.right) for c in found] == [
        ("楼下垃圾三天没人拉", "对,路口的红绿灯也坏了"),
        ("楼下垃圾三天没人拉,对", "路口的红绿灯也坏了"),
    ]
    assert cuts("路灯不亮好几天了") == []


def test_a_long_story_has_no_cuts_so_it_costs_nothing() -> None:
    assert cuts(",".join(["我去找了物业物业不管"] * (MOST_CLAUSES + 1))) == []


def test_the_words_alone_find_where_the_subject_changes(engine) -> None:
    cut = likeliest("楼下垃圾三天没人拉,路口的红绿灯坏了", engine.bundle.category)
    assert cut is not None
    assert cut.right == "路口的红绿灯坏了"


def test_one_thing_said_in_two_clauses_is_not_cut(engine) -> None:
    assert likeliest("路口的红绿灯坏了,红灯一直不变绿灯", engine.bundle.category) is None


def test_a_bundle_of_an_older_version_splits_by_joint_words_only(tmp_path) -> None:
    assert Splitter.load(tmp_path) is None
    (tmp_path / "splitting.json").write_text('{"weights": {"x": 1}, "bias": 0, "threshold": 0.5}', encoding="utf-8")
    assert Splitter.load(tmp_path) is None
    rule = Rule((0.5,) * len(FEATURES), 0.1, 0.8)
    for kept in (Splitter(rule), Splitter(rule, replace(rule, threshold=0.3))):
        kept.save(tmp_path)
        assert Splitter.load(tmp_path) == kept


def test_a_cut_that_words_alone_turn_down_is_not_embedded(engine) -> None:
    text, head, always = "楼下垃圾三天没人拉,路口的红绿灯坏了", engine.bundle.category, engine.bundle.splitter.rule
    cut = likeliest(text, head)
    chance = always.probability(by_words(text, cut, head))
    for threshold, expected in ((chance - 0.01, cut), (chance + 0.01, None)):
        assert likeliest(text, head, Splitter(always, replace(always, threshold=threshold))) == expected


def test_what_the_shape_of_a_cut_rules_out_no_probabilities_could_have_parted(engine) -> None:
    head, splitter, rng = engine.bundle.category, engine.bundle.splitter, np.random.default_rng(0)
    ruled_out = 0
    for clauses in range(2, MOST_CLAUSES):
        cut = replace(cuts("小区门口的路灯不亮,楼上天天装修吵人")[0], clauses=clauses)
        ruled_out += not splitter.could_split(cut)
        for _ in range(40):
            proba = np.full((3, len(head.classes_)), 1e-9)
            sides = rng.integers(len(head.classes_), size=2)
            proba[[1, 2], sides] = 1
            proba[0, sides] = 0.5
            parted = splitter.splits(cut, head, proba)
            assert splitter.could_split(cut) or not parted
            assert splitter.could_split(cut, head, proba[:2]) or not parted
            assert splitter.could_split(cut, head, proba[[0, 2]]) or not parted
    assert 0 < ruled_out < MOST_CLAUSES - 2


def test_a_side_that_nothing_is_sure_of_spares_the_embedding_of_the_other(engine) -> None:
    head, splitter = engine.bundle.category, engine.bundle.splitter
    cut = cuts("小区门口的路灯不亮,楼上天天装修吵人")[0]
    nothing = np.full(len(head.classes_), 1 / len(head.classes_))
    assert splitter.could_split(cut)
    assert not splitter.could_split(cut, head, np.stack([nothing, nothing]))


def test_natural_calls_of_several_requests_are_told_apart_and_single_ones_stay_whole(engine) -> None:
    split = {
        (file, kind): [len(engine.assist(row["text"], record=False).requests) > 1 for row in calls(file, kind)]
        for file, kind in (
            ("several.csv", "multi"), ("several.csv", "single"), ("special_calls.csv", "single_long"),
        )
    }  # fmt: skip
    for (file, kind), found in split.items():
        print(f"{file} {kind}: {sum(found)} of {len(found)} split")
    whole = split["several.csv", "single"] + split["special_calls.csv", "single_long"]
    assert sum(split["several.csv", "multi"]) >= 30
    assert sum(whole) <= 0.05 * len(whole) + 1, "a false split is worse than a missed one"
