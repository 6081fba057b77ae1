"""What a category tells of the request type: shares by leaf, how they join the words, and bundles without them."""

import copy
import dataclasses
import json

import numpy as np
import pytest

from models.bundle import load_bundle, write_manifest
from models.calibration import fit_temperature, softmax
from models.catalog import load_catalog
from models.leaning import Leaning
from models.locations import catalog_dir
from models.taxonomy import Taxonomy

TYPES = ("ask", "complain", "report", "nothing")
TAXONOMY = Taxonomy.from_labels([("town", "heat", "cold"), ("town", "heat", "leak"), ("town", "noise", "dogs")])
COLD, LEAK, DOGS = (TAXONOMY.index[f"town / {leaf}"] for leaf in ("heat / cold", "heat / leak", "noise / dogs"))


@pytest.fixture(scope="module")
def leaning() -> Leaning:
    """Of cold rooms people complain, of dogs they report; of a leak there is a single row, a question."""
    rows = [(COLD, 1)] * 18 + [(COLD, 0)] * 2 + [(DOGS, 2)] * 19 + [(DOGS, 1)] + [(LEAK, 0)]
    leaves, types = np.array(rows).T
    return Leaning.fit(leaves, types, TAXONOMY, TYPES)


def certain(*leaves: int) -> np.ndarray:
    return np.eye(len(TAXONOMY.leaves))[list(leaves)]


def test_words_that_leave_it_open_are_decided_by_the_category(leaning: Leaning) -> None:
    undecided = np.zeros((2, len(TYPES)))
    assert leaning.join(undecided, certain(COLD, DOGS)).argmax(1).tolist() == [1, 2]


def test_clear_words_win_over_the_category(leaning: Leaning) -> None:
    asked = np.array([[6.0, 0, 0, 0]])
    assert leaning.join(asked, certain(DOGS)).argmax() == 0


def test_a_leaf_with_one_row_leans_between_that_row_and_its_group(leaning: Leaning) -> None:
    ask = leaning.shares[:, 0]
    assert ask[COLD] < ask[LEAK] < 1
    assert leaning.shares[LEAK, 1] > 5 * leaning.shares[DOGS, 1], "what its group is about counts as well"


def test_an_unsure_category_leans_less_than_a_sure_one(leaning: Leaning) -> None:
    sure, unsure = leaning.lean(np.vstack([certain(DOGS), 0.7 * certain(DOGS) + 0.3 * certain(COLD)]))
    assert 0 < unsure[2] < sure[2]


def test_a_type_that_no_category_holds_is_neither_raised_nor_lowered(leaning: Leaning) -> None:
    assert leaning.overall[3] == 0
    assert leaning.lean(certain(COLD, LEAK, DOGS))[:, 3] == pytest.approx(0.0, abs=1e-9)


def test_a_temperature_is_fitted_beside_what_is_added_after_it(leaning: Leaning) -> None:
    rng = np.random.default_rng(0)
    offset, scores = rng.normal(size=(4000, 4)), rng.normal(size=(4000, 4))
    chances = softmax(scores / 0.4 + offset)
    truth = (chances.cumsum(1) > rng.random((4000, 1))).argmax(1)
    assert fit_temperature(scores, truth, offset=offset) == pytest.approx(0.4, rel=0.08)


def test_what_is_saved_is_read_in_the_order_of_those_who_ask(leaning: Leaning, tmp_path) -> None:
    kept = dataclasses.replace(leaning, temperature=0.2)
    kept.save(tmp_path)
    assert json.loads((tmp_path / "leaning.json").read_text(encoding="utf-8"))["leaves"].keys() == set(TAXONOMY.leaves)
    turned = Leaning.load(tmp_path, TAXONOMY.leaves[::-1], TYPES[::-1])
    assert turned is not None
    assert turned.temperature == 0.2
    assert turned.lean(certain(DOGS)[:, ::-1])[:, ::-1] == pytest.approx(kept.lean(certain(DOGS)), abs=1e-3)


def test_a_leaf_that_is_not_in_the_file_leans_nowhere(leaning: Leaning, tmp_path) -> None:
    leaning.save(tmp_path)
    other = Leaning.load(tmp_path, ("new leaf", *TAXONOMY.leaves), TYPES)
    assert other is not None
    assert other.lean(np.eye(4)[:1]) == pytest.approx(0.0, abs=1e-9)


def test_without_a_file_or_for_other_types_the_words_alone_decide(leaning: Leaning, tmp_path) -> None:
    assert Leaning.load(tmp_path, TAXONOMY.leaves, TYPES) is None
    leaning.save(tmp_path)
    assert Leaning.load(tmp_path, TAXONOMY.leaves, ("other", *TYPES[1:])) is None


def test_a_bundle_without_the_file_goes_by_the_words_and_one_with_it_by_both(bundle_copy, engine) -> None:
    catalog = load_catalog(catalog_dir())
    head, category = engine.bundle.request_type, engine.bundle.category
    text = "楼上装修到半夜"
    vector = engine.embed([text])
    leaf = category.predict_proba([text], vector)
    (bundle_copy / "request_type" / "leaning.json").unlink(missing_ok=True)
    record = {k: v for k, v in engine.bundle.manifest.items() if k not in {"version", "files"}}
    write_manifest(bundle_copy, record)
    older = load_bundle(bundle_copy, catalog)
    assert older.leaning is None
    alone = older.request_type.predict_proba([text], vector)
    assert older.request_types([text], vector, leaf) == pytest.approx(alone)
    types = head.classes_.tolist()
    reported = types.index("举报")
    kinds = np.full(len(catalog.leaves), types.index("投诉"))
    kinds[leaf.argmax()] = reported
    made = Leaning.fit(np.arange(len(kinds)), kinds, category.taxonomy_, types)
    dataclasses.replace(made, temperature=head.temperature_).save(bundle_copy / "request_type")
    write_manifest(bundle_copy, record)
    newer = load_bundle(bundle_copy, catalog)
    assert newer.request_types([text], vector, None) == pytest.approx(alone), "no category is known"
    assert newer.request_types([text], vector, leaf)[0, reported] > alone[0, reported]


@pytest.mark.parametrize("text", ["楼上装修到半夜", "楼下垃圾三天没人拉,路口的红绿灯坏了"])
def test_a_call_is_typed_by_its_words_and_its_category(engine, text: str) -> None:
    head, category = engine.bundle.request_type, engine.bundle.category
    types = head.classes_.tolist()
    kinds = np.arange(len(category.classes_)) % len(types)
    made = dataclasses.replace(Leaning.fit(np.arange(len(kinds)), kinds, category.taxonomy_, types), temperature=0.2)
    served = copy.copy(engine)
    served.bundle = dataclasses.replace(engine.bundle, leaning=made)
    vector = engine.embed([text])
    expected = made.join(head.decision_function([text], vector), category.predict_proba([text], vector))[0]
    found = served.assist(text, record=False)
    assert found.request_type == types[expected.argmax()]
    assert found.request_type_confidence == pytest.approx(expected.max(), rel=1e-3)
