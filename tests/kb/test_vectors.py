"""One suite over every vector engine; what it must equal is a scan with numpy."""

import uuid
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from kb.vectors import FlatIndex, GrowingIndex, ScalarIndex, VectorIndex

DIMENSION = 384


def vectors(n: int, seed: int = 0) -> np.ndarray:
    """Unit vectors in 40 clusters."""
    rng = np.random.default_rng(seed)
    made = np.random.default_rng(9).normal(size=(40, DIMENSION))[rng.integers(40, size=n)]
    made = made + rng.normal(size=made.shape) * 0.7
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=["flat", "scalar", "growing", "cells", "pgvector", "pgvector-hnsw"])
def index(request: pytest.FixtureRequest) -> Iterator[VectorIndex]:
    if not request.param.startswith("pgvector"):
        local: dict[str, Callable[[], VectorIndex]] = {
            "flat": lambda: FlatIndex(DIMENSION),
            "scalar": lambda: ScalarIndex(DIMENSION),
            "growing": lambda: GrowingIndex(DIMENSION, 1500),
            "cells": lambda: GrowingIndex(DIMENSION, 500, 1500),
        }
        yield local[request.param]()
        return
    pytest.importorskip("pgvector")
    from kb.pgvector import PgVectorIndex

    url, table = request.getfixturevalue("postgres"), f"v{uuid.uuid4().hex}"
    try:
        opened = PgVectorIndex(url, DIMENSION, table, hnsw_from=1500 if request.param.endswith("hnsw") else 10**9)
    except RuntimeError as reason:
        pytest.skip(str(reason))
    yield opened
    opened.close()


def test_the_nearest_are_those_of_a_full_scan(index: VectorIndex) -> None:
    """Eight bits swap neighbours near the cut (0.96 of these first ten); whoever asks for twenty has all ten."""
    held, asked = vectors(3000), vectors(50, 1)
    slots = np.arange(3000) * 2 + 5
    index.add(slots[:2000], held[:2000])
    index.add(slots[2000:], held[2000:])
    assert len(index) == 3000
    common, nominated = 0, 0
    for vector in asked:
        products = held @ vector
        found, said = index.search(vector, 10)
        assert (np.diff(said) <= 1e-6).all()
        np.testing.assert_allclose(said, products[(found - 5) // 2], atol=0.01)
        right = {*slots[np.argsort(-products)[:10]].tolist()}
        common += len({*found.tolist()} & right)
        nominated += len({*index.search(vector, 20)[0].tolist()} & right)
    eight_bits = isinstance(index, ScalarIndex | GrowingIndex)
    assert common / 500 >= (0.95 if eight_bits else 0.99)
    assert nominated / 500 >= 0.995


def test_a_new_vector_is_found_at_once_and_a_removed_one_never_again(index: VectorIndex) -> None:
    held = vectors(2000)
    index.add(np.arange(1999), held[:-1])
    assert 1999 not in index.search(held[-1], 10)[0]
    index.add(np.array([1999]), held[-1:])
    assert index.search(held[-1], 1)[0].tolist() == [1999]
    index.remove(np.array([1999, 3, 77777]))
    assert len(index) == 1998
    assert not {1999, 3} & {*index.search(held[-1], 100)[0].tolist(), *index.search(held[3], 100)[0].tolist()}


def test_a_slot_that_comes_again_holds_only_its_new_vector(index: VectorIndex) -> None:
    held = vectors(2000)
    index.add(np.arange(2000), held)
    index.add(np.array([0, 1]), -held[:2])
    assert len(index) == 2000
    assert index.search(-held[0], 1)[0].tolist() == [0]
    assert 0 not in index.search(held[0], 50)[0]


def test_an_empty_index_and_too_large_a_k_are_no_accident(index: VectorIndex) -> None:
    held = vectors(3)
    assert [len(a) for a in index.search(held[0], 5)] == [0, 0]
    index.add(np.zeros(0, np.int64), held[:0])
    index.remove(np.arange(4))
    index.add(np.arange(3), held)
    assert sorted(index.search(held[0], 10)[0].tolist()) == [0, 1, 2]
    index.remove(np.arange(3))
    assert len(index) == 0
    assert [len(a) for a in index.search(held[0], 5)] == [0, 0]
    index.add(np.array([8]), held[:1])
    assert index.search(held[0], 5)[0].tolist() == [8]


def test_an_index_is_exact_until_it_outgrows_its_size() -> None:
    index = GrowingIndex(DIMENSION, 100, 20_000)
    index.add(np.arange(100), vectors(100))
    assert index.exact
    index.add(np.array([100]), vectors(1, 5))
    assert not index.exact
    assert len(index) == 101
    assert index.search(vectors(1, 5)[0], 1)[0].tolist() == [100]


def test_cells_nominate_what_a_full_scan_finds() -> None:
    index, held, asked = GrowingIndex(DIMENSION, 2000, 12_000), vectors(15_000), vectors(40, 1)
    index.add(np.arange(11_000), held[:11_000])
    assert not index.exact
    assert not index.celled
    index.add(np.arange(11_000, 15_000), held[11_000:])
    assert index.celled
    index.remove(np.arange(0, 15_000, 3))
    left = np.flatnonzero(np.arange(15_000) % 3)
    nominated = 0
    for vector in asked:
        right = left[np.argsort(-(held[left] @ vector))[:10]]
        nominated += len({*index.search(vector, 64)[0].tolist()} & {*right.tolist()})
    assert nominated / 400 >= 0.97
