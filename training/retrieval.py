"""Choosing how much the encoder and BM25 weigh, on our own entries and questions; the encoder is not touched."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from kb.entry import read_entries
from kb.fusion import FILE, Fusion
from kb.index import RememberingEmbedder, searchable
from kb.ranking import Ranker
from models.bundle import MANIFEST, file_hash, write_manifest
from models.embedder import load_embedder
from models.locations import home_dir
from training.dev_questions import read_dev_questions
from training.retrieval_bench import TOP, figures
from training.tickets import prepare

SHARES = tuple(round(0.3 + 0.05 * i, 2) for i in range(13))
"""Shares of the cosines that are tried."""
FOLDS = 5


def fit_fusion(bundle: Path, entries_file: Path, questions_file: Path, *, seed: int = 0) -> dict[str, Any]:
    """Write `retrieval.json` into `bundle`, enter it in the manifest, and return it.

    `questions_file` is as `read_dev_questions` reads it. The share of the cosines for short entries is the one with
    the highest MRR@10 on the questions; the figures are of questions in folds that did not choose (split by entry).
    The weights of long texts are the defaults of `Fusion`: our own entries are all short.
    """
    loaded = load_embedder(bundle / "encoder", threads=2)
    embedder = RememberingEmbedder(loaded, home_dir() / "index" / "entries.npz")
    entries = [e for e in read_entries(entries_file) if e.status == "published"]
    place = {e.id: i for i, e in enumerate(entries)}
    rows = [r for r in read_dev_questions(questions_file) if r.entry_id in place]
    right = np.array([place[r.entry_id] for r in rows])
    ranker = Ranker(embedder)
    ranker.add([searchable(e) for e in entries])
    embedder.save()
    texts = [prepare(r.question) for r in rows]
    vectors = embedder.encode(texts, kind="query")
    found = {}
    for share in SHARES:
        ranker.fusion = replace(Fusion(), dense_short=share)
        found[share] = [[r.slot for r in ranker.search(t, v, top=TOP)] for t, v in zip(texts, vectors, strict=True)]
    fold = np.random.default_rng(seed).permutation(len(entries))[right] % FOLDS
    held_out: list[Sequence[int]] = [()] * len(rows)
    for k in range(FOLDS):
        chosen = _choose(found, right, np.flatnonzero(fold != k))
        for i in np.flatnonzero(fold == k):
            held_out[i] = found[chosen][i]
    weights = replace(Fusion(), dense_short=_choose(found, right, np.arange(len(rows))))
    record = {
        "weights": asdict(weights),
        "made": {
            "command": "yousu train-retrieval",
            "entries": {"file": entries_file.name, "sha256": file_hash(entries_file), "published": len(entries)},
            "questions": {"file": questions_file.name, "sha256": file_hash(questions_file), "rows": len(rows)},
            "encoder": embedder.name,
            "seed": seed,
            "set_by_hand": {k: getattr(weights, k) for k in ("dense_long", "long_passages", "candidates")},
            "versions": {p: importlib.metadata.version(p) for p in ("numpy", "onnxruntime", "tokenizers")},
        },
        "metrics": {
            "how": f"{FOLDS} folds by entry, the share chosen on the other folds",
            **figures(held_out, right),
            "by_share": {str(s): figures(f, right)["mrr10"] for s, f in found.items()},
        },
    }
    temporary = bundle / (FILE + ".tmp")
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(bundle / FILE)
    if (bundle / MANIFEST).is_file():
        manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
        write_manifest(bundle, {k: v for k, v in manifest.items() if k not in ("version", "files")})
    return record


def _choose(found: dict[float, list[list[int]]], right: np.ndarray, rows: np.ndarray) -> float:
    """Return the share with the highest MRR@10 on `rows`, smoothed over its neighbours so that no fluke is chosen."""
    mrr = np.array([figures([f[i] for i in rows], right[rows])["mrr10"] for f in found.values()])
    padded = np.pad(mrr, 1, mode="edge")
    return list(found)[int((padded[:-2] + padded[1:-1] + padded[2:]).argmax())]
