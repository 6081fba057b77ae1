"""What needs torch: the ONNX encoder against sentence-transformers, and an encoder adapted to tickets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.embedder import OnnxEmbedder
from models.locations import data_dir
from tests.conftest import ROOT
from tests.training.conftest import MAPPING, rows_of_sayings, write

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


def fewer(source: Path, target: Path, keep: Callable[[int, dict[str, str]], bool]) -> list[dict[str, str]]:
    """Copy the rows of a CSV that `keep` takes; return them."""
    with source.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for i, row in enumerate(csv.DictReader(file)) if keep(i, row)]
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return rows


@pytest.fixture
def few_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with a part of the shipped examples, entries and questions, so that all of it is learned soon."""
    data, shipped = tmp_path / "data", ROOT / "data"
    fewer(shipped / "tickets/examples.csv", data / "tickets/examples.csv", lambda i, _: i % 20 == 0)
    fewer(shipped / "tickets/risk.csv", data / "tickets/risk.csv", lambda i, _: i % 12 == 0)
    fewer(shipped / "tickets/risk_check.csv", data / "tickets/risk_check.csv", lambda i, _: i % 10 == 0)
    entries = fewer(shipped / "kb/entries.csv", data / "kb/entries.csv", lambda i, _: i % 12 == 0)
    known = {"", *(e["id"] for e in entries)}
    fewer(
        shipped / "kb/dev_questions.csv", data / "kb/dev_questions.csv",
        lambda i, row: row["entry_id"] in known and (row["entry_id"] != "" or i % 4 == 0),
    )  # fmt: skip
    monkeypatch.setenv("YOUSU_DATA", str(data))
    monkeypatch.setenv("YOUSU_CATALOG", str(shipped / "catalog"))
    return data


def test_an_encoder_adapted_to_tickets_is_exported_checked_and_serves_in_a_whole_bundle(
    yousu, few_examples: Path, own_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.bundle import load_bundle
    from models.catalog import load_catalog

    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING, encoding="utf-8")
    table = write(tmp_path / "tickets.csv", rows_of_sayings(90))
    monkeypatch.setenv("YOUSU_HOME", str(own_home))
    result = yousu("train", table, "--mapping", mapping, "--quiet", "--finetune", "--finetune-steps", "8")
    assert result.exit_code == 0, result.output
    (folder,) = (f.parent for f in (own_home / "bundles").glob("*/manifest.json"))
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    made = manifest["finetune"]
    assert made["parity"]["cosine_min"] >= 0.99
    assert made["steps"] == 8
    before = json.loads((ROOT / "models/bundle/encoder/encoder.json").read_text(encoding="utf-8"))
    after = json.loads((folder / "encoder/encoder.json").read_text(encoding="utf-8"))
    assert after["sha256"]["encoder.onnx"] != before["sha256"]["encoder.onnx"]
    bundle = load_bundle(folder, load_catalog(ROOT / "data" / "catalog"))
    text = "虎台十五号暖气片漏水已经三天了"
    category = bundle.categorise(text, bundle.embedder.encode([text], kind="query")[0])
    assert category.names == ("供热",)
    assert manifest["metrics"]["risk_check"]["dangerous"] > 0


def test_learning_pulls_texts_of_a_leaf_together(tmp_path: Path) -> None:
    from training.finetune import FineTuning, finetune

    rows = rows_of_sayings(60)
    texts, leaves = [r["诉求内容"] for r in rows], [r["类别"] for r in rows]
    calibration = [f"query: {t}" for t in texts[:20]]
    made = finetune(
        texts, leaves, [t + "请处理" for t in texts[:20]], tmp_path / "encoder", calibration,
        FineTuning(steps=20, rate=5e-5, precision="fp32"), progress=False,
    )  # fmt: skip
    assert made["loss"][1] < made["loss"][0]
    assert made["parity"]["cosine_min"] > 0.999
