"""Adapting the encoder to a city's tickets with sentence-transformers, exported and checked (extra `finetune`)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainError

PARITY = 0.99
"""Least cosine between the exported encoder and sentence-transformers on held-out texts; below it nothing is used."""
_CHECKED = 64
"""Texts that the export is checked on."""


@dataclass(frozen=True)
class FineTuning:
    """How the encoder is adapted."""

    steps: int = 300
    batch: int = 24
    """Pairs of a step; every pair is of another leaf."""
    rate: float = 2e-5
    length: int = 96
    """Tokens of a text that are looked at while learning."""
    precision: str = "int8"
    seed: int = 0


def finetune(
    texts: Sequence[str],
    leaves: Sequence[str],
    held_out: Sequence[str],
    out: Path,
    calibration: Sequence[str],
    options: FineTuning = FineTuning(),
    *,
    source: Path | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Write an adapted ONNX encoder into the folder `out` and return how it was made and how exact the export is.

    Two training texts of a leaf are pulled together and away from those of the other leaves in the batch
    (multiple negatives ranking, Henderson et al., 2017). `held_out` texts, unseen, are what the export is compared
    on; `calibration` are prefixed texts for the 8-bit export. `source` as in `training.encoder.wheel.read`.
    Raises TrainError without the extra, without two texts of at least two leaves, or when the export is not exact.
    """
    try:
        import torch
        from sentence_transformers import losses

        from training.encoder.torch_model import to_sentence_transformer, to_weights
    except ImportError as error:
        raise TrainError("--finetune 需要附加依赖:pip install 'yousu[finetune]'") from error
    from models.embedder import OnnxEmbedder
    from training.encoder.build import write_encoder
    from training.encoder.wheel import read

    by_leaf = _by_leaf(texts, leaves)
    if len(by_leaf) < 2:
        raise TrainError("微调编码器至少要两种标签各有两件不同的工单")
    torch.manual_seed(options.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    weights = read(source)
    model = to_sentence_transformer(source, max_length=options.length).to(device)
    loss = losses.MultipleNegativesRankingLoss(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    model.train()
    history: list[float] = []
    for pairs in _progress(_pairs(by_leaf, options), options.steps, progress):
        sides = [model.preprocess([f"query: {t}" for t in side]) for side in zip(*pairs, strict=True)]
        value = loss([{k: v.to(device) for k, v in side.items() if hasattr(v, "to")} for side in sides], None)
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        history.append(float(value.detach()))
    model.eval().to("cpu")
    shutil.rmtree(out, ignore_errors=True)
    tuned = to_weights(model, weights)
    write_encoder(out, replace(tuned, source=f"{weights.source}, adapted"), options.precision, calibration)
    checked = list(dict.fromkeys(held_out))[:_CHECKED]
    ours = OnnxEmbedder(out).encode(checked, kind="query")
    model.max_seq_length = 512
    reference = np.asarray(
        model.encode([f"query: {t}" for t in checked], normalize_embeddings=True, show_progress_bar=False)
    )
    cosines: NDArray[np.float64] = (ours * reference).sum(1)
    if cosines.min() < PARITY:
        shutil.rmtree(out, ignore_errors=True)
        raise TrainError(f"导出的编码器与原模型不一致:余弦最小 {cosines.min():.4f},应不低于 {PARITY}")
    tail = max(1, len(history) // 10)
    return {
        "steps": options.steps,
        "batch": options.batch,
        "rate": options.rate,
        "seed": options.seed,
        "device": device,
        "leaves": len(by_leaf),
        "loss": [round(float(np.mean(part)), 4) for part in (history[:tail], history[-tail:])],
        "parity": {
            "texts": len(checked), "cosine_min": round(float(cosines.min()), 5),
            "cosine_mean": round(float(cosines.mean()), 5),
        },
    }  # fmt: skip


def _by_leaf(texts: Sequence[str], leaves: Sequence[str]) -> list[list[str]]:
    found: dict[str, dict[str, None]] = {}
    for text, leaf in zip(texts, leaves, strict=True):
        found.setdefault(leaf, {})[text] = None
    return [list(t) for _, t in sorted(found.items()) if len(t) > 1]


def _pairs(by_leaf: Sequence[Sequence[str]], options: FineTuning) -> Iterator[list[tuple[str, str]]]:
    """Yield the pairs of every step; leaves come in proportion to the root of their size, each once a step."""
    rng = np.random.default_rng(options.seed)
    size = np.sqrt([len(t) for t in by_leaf])
    for _ in range(options.steps):
        chosen = rng.choice(len(by_leaf), min(options.batch, len(by_leaf)), replace=False, p=size / size.sum())
        pairs = []
        for leaf in chosen:
            a, b = rng.choice(len(by_leaf[leaf]), 2, replace=False)
            pairs.append((by_leaf[leaf][a], by_leaf[leaf][b]))
        yield pairs


def _progress(steps: Iterator[list[tuple[str, str]]], total: int, shown: bool) -> Iterator[list[tuple[str, str]]]:
    from rich.console import Console
    from rich.progress import track

    return iter(track(steps, "微调编码器", total, console=Console(stderr=True), disable=not shown))
