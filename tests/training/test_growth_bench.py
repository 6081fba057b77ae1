"""What the head and a whole training cost as they grow: leaves, tickets, a process for every size."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kb.index_bench import ClusteredVectors
from models.catalog import Catalog, load_catalog
from models.locations import bundle_dir, catalog_dir
from tests.conftest import ROOT
from training.errors import TrainError
from training.growth_bench import MadeLeaves, made_tickets, measure_all

EXAMPLES = ROOT / "data" / "tickets" / "examples.csv"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(catalog_dir())


def test_leaves_beyond_the_catalogue_lie_beside_their_own_and_have_words_of_their_own(catalog: Catalog) -> None:
    total = len(catalog.leaves)
    made = MadeLeaves(catalog, total + 5, 0)
    assert len(set(made.taxonomy.leaves)) == total + 5
    assert made.taxonomy.paths[:total] == tuple(tuple(n.code for n in catalog.path(c)) for c in catalog.leaves)
    for i in range(total, total + 5):
        assert made.taxonomy.paths[i][:-1] == made.taxonomy.paths[i - total][:-1]
        assert all(word in made.taxonomy.texts[i] for word in made.words[i])
    assert made.words[0] == ()


def test_fewer_leaves_are_spread_over_the_catalogue_and_only_their_tickets_are_made(catalog: Catalog) -> None:
    made = MadeLeaves(catalog, 6, 0)
    assert len({path[0] for path in made.taxonomy.paths}) > 3
    texts, labels = made_tickets(catalog, EXAMPLES, made, 120, 0)
    assert len(texts) == len(labels) == 120
    assert set(labels.tolist()) == set(range(6))


def test_a_split_leaf_gets_tickets_that_say_its_words_and_the_same_seed_the_same(catalog: Catalog) -> None:
    total = len(catalog.leaves)
    made = MadeLeaves(catalog, 2 * total, 0)
    texts, labels = made_tickets(catalog, EXAMPLES, made, 300, 0)
    split = np.flatnonzero(labels >= total)
    said = [any(word in texts[i] for word in made.words[labels[i]]) for i in split.tolist()]
    assert len(split) > 100
    assert np.mean(said) > 0.6
    assert made_tickets(catalog, EXAMPLES, made, 300, 0)[0] == texts


def test_vectors_of_a_leaf_are_closer_to_each_other_than_to_those_of_another() -> None:
    vectors = ClusteredVectors(64, clusters=2).near([0] * 20 + [1] * 20)
    near = vectors @ vectors.T
    assert near[:20, :20].mean() > near[:20, 20:].mean() + 0.05


def test_the_command_measures_every_size_in_a_process_of_its_own(yousu) -> None:
    result = yousu("bench", "growth", "--tickets", 30, "--tickets", 60, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [m["tickets"] for m in found["tickets"]] == [30, 60]
    assert found["leaves"] == []
    assert found["not_run"] == {}
    for m in found["tickets"]:
        assert m["leaves"] == len(load_catalog(catalog_dir()).leaves)
        assert 0 < m["call_ms"]["p50"] <= m["call_ms"]["p95"]
        assert min(m["fit_cpu_s"], m["peak_mb"], m["size_mb"], m["terms"]) > 0


def test_leaves_without_an_example_are_named_as_the_fault(tmp_path) -> None:
    empty = tmp_path / "examples.csv"
    empty.write_text("text,code\n", encoding="utf-8")
    with pytest.raises(TrainError, match="没有属于这 4 个末级的样例"):
        measure_all(catalog_dir(), empty, bundle_dir(), [(4, 20)], 0)


def test_a_whole_training_is_measured_step_by_step_from_the_table_to_the_bundle(yousu) -> None:
    sample = ROOT / "data" / "sample"
    result = yousu(
        "bench", "training", "--tickets", 60, "--catalog", sample / "catalog", "--data", sample, "--json"
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    [found] = json.loads(result.stdout)["sizes"]
    assert (found["tickets"], found["read"]) == (60, 60)
    assert list(found["seconds"]) == ["read", "prepare", "group", "embed", "fit", "report", "pack"]
    assert found["cpu_seconds"].keys() == found["seconds"].keys()
    assert found["cpu_s"] == pytest.approx(sum(found["cpu_seconds"].values()), abs=0.1)
    assert found["cpu_seconds"]["embed"] > 0
    assert found["peak_mb"] > 100
