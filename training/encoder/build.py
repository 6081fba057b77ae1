"""Building the encoder folder: weights in, `encoder.onnx`, `tokenizer.json` and `encoder.json` out, measured."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from tokenizers import Tokenizer

from models.embedder import OnnxEmbedder
from training.encoder.graph import OPSET, build_graph
from training.encoder.smoothing import STRENGTH, Feed, loudness, smooth
from training.encoder.tokenizer import build_tokenizer, useful_pieces
from training.encoder.wheel import Weights, read

PRECISIONS = ("fp32", "int8", "q4")


def build_encoder(
    out: Path,
    *,
    source: Path | None = None,
    precision: str = "int8",
    prune: bool = True,
    max_length: int = 512,
    sentences: Sequence[str] = (),
    calibration: Sequence[str] = (),
) -> dict[str, Any]:
    """Write the encoder into the folder `out` (replaced as a whole) and return what `encoder.json` records.

    `precision`: fp32; int8 (dynamic, per channel, loud channels evened out first); q4 (4-bit blocks of 32).
    `calibration` are texts with their prefix, such as the encoder will see; int8 learns from them which channels
    are loud, and raises ValueError without any.
    With `sentences`, the loss against the unpruned float32 reading is measured on them and recorded.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}")
    if precision == "int8" and not calibration:
        raise ValueError("calibration: int8 needs texts to learn from which channels are loud, found none")
    weights = read(source)
    keep = useful_pieces(weights) if prune else list(range(len(weights.pieces)))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        folder = Path(temporary) / "encoder"
        record = _write(folder, weights, keep, precision, max_length, calibration)
        if sentences:
            whole = Path(temporary) / "whole"
            _write(whole, weights, list(range(len(weights.pieces))), "fp32", max_length)
            record["loss"] = compare(OnnxEmbedder(folder), OnnxEmbedder(whole), sentences)
            (folder / "encoder.json").write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        for extra in ("MODEL_CARD.md", "LICENSE-e5"):
            if (out / extra).is_file():
                shutil.copy(out / extra, folder / extra)
        if out.exists():
            shutil.rmtree(out)
        folder.rename(out)
    return record


def write_encoder(
    out: Path, weights: Weights, precision: str, calibration: Sequence[str], *, max_length: int = 512
) -> dict[str, Any]:
    """Write an encoder with other weights (an adapted one) into the new folder `out`, as `build_encoder` does."""
    out.parent.mkdir(parents=True, exist_ok=True)
    return _write(out, weights, useful_pieces(weights), precision, max_length, calibration)


def compare(one: OnnxEmbedder, other: OnnxEmbedder, sentences: Sequence[str]) -> dict[str, Any]:
    """Return the least and mean cosine between two encoders on `sentences`."""
    cosines = (one.encode(sentences, kind="query") * other.encode(sentences, kind="query")).sum(1)
    return {
        "against": "unpruned float32 reading of the same weights",
        "sentences": len(sentences),
        "cosine_min": round(float(cosines.min()), 5),
        "cosine_mean": round(float(cosines.mean()), 5),
    }


def _write(
    folder: Path, weights: Weights, keep: Sequence[int], precision: str, max_length: int,
    calibration: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    folder.mkdir()
    tokenizer = build_tokenizer(weights, keep, max_length)
    tokenizer.save(str(folder / "tokenizer.json"))
    path = folder / "encoder.onnx"
    model = build_graph(weights, keep)
    if precision == "q4":
        model = _four_bit(model)
    if precision == "int8":
        model = smooth(model, loudness(model, _feeds(tokenizer, calibration)))
    onnx.save(model, str(path))
    if precision == "int8":
        _eight_bit(path)
    record: dict[str, Any] = {
        "format": 1,
        "model": "multilingual-e5-small",
        "licence": "MIT",
        "source": {"file": weights.source, "sha256": weights.sha256},
        "precision": precision,
        "vocabulary": {"kept": len(keep), "of": len(weights.pieces)},
        "dimension": weights.hidden,
        "max_length": max_length,
        "prefixes": {"query": "query: ", "passage": "passage: "},
        "opset": OPSET,
        "versions": {p: importlib.metadata.version(p) for p in ("onnx", "onnxruntime", "tokenizers", "numpy")},
        "sha256": {
            p: hashlib.sha256((folder / p).read_bytes()).hexdigest() for p in ("encoder.onnx", "tokenizer.json")
        },
    }
    if precision == "int8":
        digest = hashlib.sha256("\n".join(calibration).encode()).hexdigest()
        record["smoothing"] = {"strength": STRENGTH, "texts": len(calibration), "sha256": digest}
    (folder / "encoder.json").write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    return record


def _feeds(tokenizer: Tokenizer, texts: Sequence[str]) -> Iterator[Feed]:
    for code in tokenizer.encode_batch(list(texts)):
        ids = np.asarray([code.ids], np.int64)
        yield {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def _four_bit(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    settings = DefaultWeightOnlyQuantConfig(
        block_size=32,
        is_symmetric=True,
        accuracy_level=4,
        op_types_to_quantize=("Gather", "MatMul"),
        quant_axes=(("MatMul", 0), ("Gather", 1)),
        bits=4,
    )
    quantiser = MatMulNBitsQuantizer(model, algo_config=settings)
    quantiser.process()
    return quantiser.model.model


def _eight_bit(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    done = path.with_suffix(".int8")
    quantize_dynamic(
        str(path), str(done), weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Gather"],
        extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip
    done.replace(path)


def read_sentences(path: Path) -> list[str]:
    """Return the non-empty lines of a text file."""
    return [line for line in np.char.strip(path.read_text(encoding="utf-8").split("\n")).tolist() if line]


def calibration_texts(data: Path) -> list[str]:
    """Return texts as the encoder will see them, each with its prefix, from the examples and entries below `data`."""
    examples = _column(data / "tickets" / "examples.csv", "text")
    answers = _column(data / "kb" / "entries.csv", "answer")
    asked = [f"query: {t}" for t in examples[:: max(1, len(examples) // 150)]]
    return asked + [f"passage: {t}" for t in answers[:: max(1, len(answers) // 100)]]


def _column(file: Path, column: str) -> list[str]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines)]
