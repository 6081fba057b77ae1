"""What needs torch: the ONNX encoder against sentence-transformers' own pooling of the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.embedder import OnnxEmbedder
from models.locations import data_dir
from tests.conftest import ROOT

pytestmark = pytest.mark.finetune
SENTENCES = [s for s in (ROOT / "tests/data/parity_sentences.txt").read_text(encoding="utf-8").split("\n") if s]


def test_the_onnx_encoder_matches_sentence_transformers(tmp_path: Path) -> None:
    from training.encoder.build import build_encoder, calibration_texts
    from training.encoder.torch_model import to_sentence_transformer

    build_encoder(tmp_path / "fp32", precision="fp32")
    build_encoder(tmp_path / "int8", precision="int8", calibration=calibration_texts(data_dir()))
    build_encoder(tmp_path / "q4", precision="q4")
    reference = to_sentence_transformer().encode(["query: " + s for s in SENTENCES], normalize_embeddings=True)
    for precision, least in (("fp32", 0.999), ("int8", 0.999), ("q4", 0.99)):
        ours = OnnxEmbedder(tmp_path / precision).encode(SENTENCES, kind="query")
        cosines = (ours * np.asarray(reference)).sum(1)
        print(f"{precision}: cosine min {cosines.min():.5f} mean {cosines.mean():.5f}")
        assert cosines.min() >= least


def test_a_sentence_transformers_model_serves_through_the_same_protocol(tmp_path: Path) -> None:
    from models.embedder import load_embedder
    from training.encoder.torch_model import to_sentence_transformer

    to_sentence_transformer().save(str(tmp_path / "model"))
    embedder = load_embedder(tmp_path / "model")
    vectors = embedder.encode(["暖气不热", "路灯不亮"], kind="query")
    assert vectors.shape == (2, embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
