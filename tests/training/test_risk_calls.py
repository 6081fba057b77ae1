"""Risk calls that measure are well formed, name no person, and no call the net learns from gives them away."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from models.catalog import load_catalog
from models.locations import catalog_dir, data_dir
from models.masking import find_personal
from tests.conftest import ROOT
from training.risk import all_risk_calls, read_risk_calls

TESTS = Path(__file__).resolve().parents[1]
MEASURING = (
    data_dir() / "tickets" / "risk_check.csv",
    TESTS / "data" / "risk_calls_3.csv",
    TESTS / "data" / "risk_calls_4.csv",
)
ALIKE = 0.75
"""Share of common pairs of characters from which two calls count as the same call reworded."""


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def third() -> list[dict[str, str]]:
    return rows(MEASURING[1])


def test_the_third_set_is_half_danger_and_names_risks_of_the_catalogue(third: list[dict[str, str]]) -> None:
    risks = set(load_catalog(catalog_dir()).risks)
    assert sorted(call["active"] for call in third) == ["no"] * 60 + ["yes"] * 60
    assert {call["risk"] for call in third if call["active"] == "yes"} == risks
    assert {call["risk"] for call in third} <= risks | {""}


def test_the_fourth_set_is_danger_of_every_kind_and_everyday_calls() -> None:
    fourth = rows(MEASURING[2])
    assert sorted(call["active"] for call in fourth) == ["no"] * 60 + ["yes"] * 40
    assert {call["risk"] for call in fourth if call["active"] == "yes"} == set(load_catalog(catalog_dir()).risks)


def test_written_risk_calls_hold_no_personal_data(third: list[dict[str, str]]) -> None:
    learnt = rows(data_dir() / "tickets" / "risk.csv")
    assert [call["text"] for call in [*third, *rows(MEASURING[2]), *learnt] if find_personal(call["text"])] == []


@pytest.mark.parametrize("file", MEASURING, ids=lambda file: file.name)
def test_the_net_learns_from_no_call_that_measures_it(file: Path) -> None:
    texts = [call["text"] for call in rows(file)]
    learnt = [call["text"] for call in rows(data_dir() / "tickets" / "risk.csv")]
    cutter = CountVectorizer(analyzer=pairs, binary=True)
    others, own = cutter.fit_transform(learnt), cutter.transform(texts)
    common = (own @ others.T).toarray()
    sizes = np.array([len(pairs(t)) for t in texts])[:, None] + np.array([len(pairs(t)) for t in learnt])
    alike = common / np.maximum(sizes - common, 1) > ALIKE
    assert [text for text, found in zip(texts, alike.any(1), strict=True) if found] == []


def pairs(text: str) -> set[str]:
    letters = "".join(filter(str.isalnum, text))
    return {letters[i : i + 2] for i in range(len(letters) - 1)}


def test_a_city_learns_from_the_shipped_calls_of_the_risks_on_its_own_list(tmp_path: Path) -> None:
    catalog = load_catalog(ROOT / "data" / "sample" / "catalog")
    own, shipped = ROOT / "data" / "sample" / "tickets" / "risk.csv", ROOT / "data" / "tickets" / "risk.csv"
    alone, together = read_risk_calls(own, catalog), all_risk_calls(own, catalog, shipped)
    assert together[: len(alone)] == alone
    assert sum(c.active for c in together) > 100
    assert {c.risk for c in together} == {"", "fire", "drowning"}
    assert all_risk_calls(own, catalog, own) == alone
    assert all_risk_calls(own, catalog, tmp_path / "none.csv") == alone
