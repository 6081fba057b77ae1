"""A bundle stores weights and vectors in 8 bits: smaller, and what is predicted or found stays."""

from pathlib import Path

import numpy as np
import pytest

from models.classifier import CategoryClassifier
from models.compact import load_vectors, pack_weights, save_vectors, unpack_weights
from models.linear import LinearWeights, drop_small
from models.taxonomy import Taxonomy


def weights(rng: np.random.Generator) -> LinearWeights:
    """Twenty terms over 300 outputs, one of them without any weight."""
    lengths = rng.integers(1, 9, 20)
    lengths[7] = 0
    columns = np.concatenate([np.sort(rng.choice(300, n, replace=False)) for n in lengths]).astype(np.int32)
    data = (rng.normal(size=lengths.sum()) * 10.0 ** rng.integers(-3, 2, lengths.sum())).astype(np.float32)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return LinearWeights(data, columns, indptr, rng.normal(size=(4, 300)).astype(np.float32))


def test_packed_weights_come_back_within_a_step_of_their_terms_largest() -> None:
    before = weights(np.random.default_rng(0))
    arrays = pack_weights(before)
    after = unpack_weights(arrays)
    assert (after.indptr == before.indptr).all()
    assert (after.columns == before.columns).all()
    rows = np.repeat(np.arange(20), np.diff(before.indptr))
    largest = np.array([np.abs(before.data[rows == r]).max(initial=0) for r in range(20)])
    assert (np.abs(after.data - before.data) <= largest[rows] / 250).all()
    assert sum(a.nbytes for n, a in arrays.items() if n != "dense") < before.data.nbytes + before.columns.nbytes


def test_weights_of_older_bundles_are_still_read() -> None:
    old = weights(np.random.default_rng(1))
    arrays = {"data": old.data.astype(np.float16), "columns": old.columns.astype(np.uint16), "indptr": old.indptr}
    read = unpack_weights({**arrays, "dense": old.dense.astype(np.float16)})
    assert read.data == pytest.approx(old.data, rel=1e-3, abs=1e-6)
    assert (read.indptr == old.indptr).all()


def test_vectors_keep_their_neighbours(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(500, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    save_vectors(tmp_path / "v.safetensors", vectors)
    read = load_vectors(tmp_path / "v.safetensors")
    cosines = (read * vectors).sum(1) / np.linalg.norm(read, axis=1)
    assert cosines.min() > 0.9998
    assert (tmp_path / "v.safetensors").stat().st_size < vectors.nbytes / 3
    near, still = (-(vectors @ v.T) + 2 * np.eye(500) for v in (vectors, read))
    assert (near.argmin(1) == still.argmin(1)).mean() > 0.95


def test_the_smallest_weights_are_dropped_up_to_their_share() -> None:
    full = weights(np.random.default_rng(3))
    small = drop_small(full, 0.1)
    squares = full.data.astype(np.float64) ** 2
    lost = squares.sum() - (small.data.astype(np.float64) ** 2).sum()
    assert 0 < lost <= 0.1 * squares.sum()
    assert len(small.data) < len(full.data)
    assert np.abs(small.data).min() >= np.sort(np.abs(full.data))[len(full.data) - len(small.data)]
    for term in range(20):
        kept = small.columns[small.indptr[term] : small.indptr[term + 1]]
        assert set(kept) <= set(full.columns[full.indptr[term] : full.indptr[term + 1]])
    assert drop_small(full, 0.0) is full


def test_a_saved_head_with_dropped_weights_says_what_it_said(tmp_path: Path) -> None:
    said = {"水": ["水管漏水了", "没水用了", "水压太小"], "路": ["路灯不亮", "路上有坑", "马路没人扫"]}
    texts, labels = [t for ts in said.values() for t in ts], [k for k, ts in said.items() for _ in ts]
    vectors = np.random.default_rng(4).normal(size=(6, 8)).astype(np.float32)
    model = CategoryClassifier(dropped=0.05)
    model.fit(texts, labels, embeddings=vectors, taxonomy=Taxonomy.from_labels([("水",), ("路",)]))
    model.save(tmp_path)
    read = CategoryClassifier.load(tmp_path)
    assert list(read.predict(texts, vectors)) == labels
    assert read.decision_function(texts, vectors) == pytest.approx(model.decision_function(texts, vectors), abs=0.01)
