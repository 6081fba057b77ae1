"""The long calls measure what short sentences cannot: they are well formed, and no training example gives them away."""

import csv
from itertools import chain
from pathlib import Path

import pytest

from models.catalog import load_catalog
from models.locations import catalog_dir, data_dir
from models.masking import find_personal
from training.tickets import REQUEST_TYPES

FILE = Path(__file__).resolve().parents[1] / "data" / "long_calls.csv"
SHARED = 14
"""Characters in a row that two independent texts of this length do not share by chance."""


@pytest.fixture(scope="module")
def calls() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_long_call_names_a_leaf_and_a_type_unless_it_asks_for_nothing(calls: list[dict[str, str]]) -> None:
    leaves = set(load_catalog(catalog_dir()).leaves)
    for call in calls:
        assert call["request_type"] in REQUEST_TYPES, call
        assert (call["code"] == "") == (call["request_type"] in {"撤单", "无效"}), call
        assert call["code"] in leaves | {""}, call
        assert 80 <= len(call["text"]) <= 260, call


def test_long_calls_hold_several_requests_often_enough_to_measure(calls: list[dict[str, str]]) -> None:
    counts = [int(call["requests"]) for call in calls]
    assert min(counts) == 1
    assert sum(n > 1 for n in counts) >= 25


def test_long_calls_hold_no_personal_data(calls: list[dict[str, str]]) -> None:
    assert [call["text"] for call in calls if find_personal(call["text"])] == []


def test_no_training_example_shares_a_passage_with_a_long_call(calls: list[dict[str, str]]) -> None:
    with (data_dir() / "tickets" / "examples.csv").open(encoding="utf-8", newline="") as file:
        seen = set(chain.from_iterable(passages(row["text"]) for row in csv.DictReader(file)))
    assert [call["text"] for call in calls if seen & passages(call["text"])] == []


def passages(text: str) -> set[str]:
    letters = "".join(filter(str.isalnum, text))
    return {letters[i : i + SHARED] for i in range(len(letters) - SHARED + 1)}
