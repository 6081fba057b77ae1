"""What needs torch: the ONNX encoder against sentence-transformers, and an encoder adapted to tickets."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
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


def test_pairs_move_only_the_upper_layers_and_the_drift_holds_them_near() -> None:
    from training.encoder.adapt import Adaptation, Pair, adapt, blend

    pairs = [Pair("供暖", f"{i}号楼的暖气找谁修", f"{i}号楼由第{i + 3}供热站负责检修。") for i in range(12)]
    pairs += [Pair("证件", f"第{i}类证件去哪办", f"在{i}号窗口受理第{i}类证件。") for i in range(12)]
    easy = Adaptation(steps=20, batch=6, rate=1e-4, layers=1, length=24, drift=0.0)
    before, free, made = adapt(pairs, easy)
    assert made["loss"][1] < made["loss"][0]
    assert made["pairs"] == {"证件": 12, "供暖": 12}
    last = f"l{before.layers - 1}."
    moved = {n for n, t in before.tensors.items() if not np.array_equal(t, free.tensors[n])}
    assert moved
    assert all(n.startswith(last) for n in moved)
    _, _, held = adapt(pairs, replace(easy, drift=100.0))
    assert 0 < held["drift"] < made["drift"] / 2
    name = f"{last}fo.w"
    half = blend(before, free, 0.5).tensors[name]
    np.testing.assert_allclose(half, (before.tensors[name] + free.tensors[name]) / 2, atol=1e-6)


def test_the_share_that_finds_what_the_original_could_not_is_written_with_its_figures(tmp_path: Path) -> None:
    from kb.fusion import Fusion
    from training.card import write_card
    from training.encoder.adapt import Adaptation, Pair
    from training.encoder.adapt_trial import Material, try_shares
    from training.encoder.build import calibration_texts
    from training.retrieval_bench import Collection

    streets = ("东关", "西关", "南关", "北关", "中山", "解放", "人民", "建设", "胜利", "和平", "光明", "长江")
    keepers = "冬梅丽华国庆秀英玉兰建军桂芳海燕晓东春生志强文静"
    pairs = [Pair("代号", f"{s}路归谁管", f"找{keepers[2 * i : 2 * i + 2]}师傅。") for i, s in enumerate(streets)]
    asked = Collection(tuple(p.passage for p in pairs), tuple(p.query for p in pairs), np.arange(len(pairs)), 0)
    shipped = ROOT / "models/bundle"
    result = try_shares(
        Material(tuple(pairs), {"代号": asked}), tmp_path / "encoder", calibration_texts(data_dir())[::10],
        Fusion.load(shipped / "retrieval.json"), (1.0,),
        Adaptation(steps=40, batch=12, rate=3e-4, layers=3, length=24, drift=0.0),
        licence=shipped / "encoder/LICENSE-e5",
    )  # fmt: skip
    assert result["kept"] > 0
    kept = result["shares"][f"{result['kept']:g}"]["代号"]["yousu"]["mrr10"]
    assert kept > result["shares"]["0"]["代号"]["yousu"]["mrr10"]
    assert {f.name for f in (tmp_path / "encoder").iterdir()} >= {"encoder.onnx", "tokenizer.json", "LICENSE-e5"}
    record = json.loads((tmp_path / "encoder/encoder.json").read_text(encoding="utf-8"))
    assert record["adapted"]["kept"] == result["kept"]
    assert OnnxEmbedder(tmp_path / "encoder").name != OnnxEmbedder(shipped / "encoder").name
    for part in ("manifest.json", "answering.json", "retrieval.json"):
        (tmp_path / part).write_bytes((shipped / part).read_bytes())
    assert "12 of `代号`" in write_card(tmp_path)
