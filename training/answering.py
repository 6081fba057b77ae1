"""Calibrating the answers: how likely the first entry answers, learned on development questions, cross-fitted."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from kb.answering import CLIP, FEATURES, features
from kb.entry import read_entries
from kb.fusion import FILE, Fusion
from kb.index import HybridIndex
from models.bundle import file_hash
from models.calibration import expected_calibration_error, safe_threshold
from models.embedder import load_embedder
from models.locations import home_dir
from training.dev_questions import read_dev_questions
from training.tickets import prepare


def fit_answering(bundle: Path, entries_file: Path, questions_file: Path, *, risk: float = 0.03) -> dict[str, Any]:
    """Write `answering.json` into `bundle` and return it.

    `questions_file` is as `read_dev_questions` reads it; a question whose entry is out of force today counts as one
    that nothing answers, which is what the caller must be told. The figures come from ten-fold cross-fitting;
    `threshold` is the lowest confidence with at most `risk` wrong among the answered.
    """
    embedder = load_embedder(bundle / "encoder", threads=2)
    today = datetime.date.today()
    entries = [e for e in read_entries(entries_file) if e.valid(today)]
    index = HybridIndex(entries, embedder, home_dir() / "index" / "entries.npz", Fusion.load(bundle / FILE))
    rows = read_dev_questions(questions_file)
    texts = [prepare(r.question) for r in rows]
    vectors = embedder.encode(texts, kind="query")
    hits = [index.search(t, v, top=10) for t, v in zip(texts, vectors, strict=True)]
    x = np.array([features(t, h) for t, h in zip(texts, hits, strict=True)])
    first = np.array([h[0].entry.id == r.entry_id for h, r in zip(hits, rows, strict=True)])
    in_force = {e.id for e in entries}
    wanted = np.array([r.entry_id in in_force for r in rows])
    mean, scale = x.mean(0), np.maximum(x.std(0), 1e-9)
    x = np.clip((x - mean) / scale, -CLIP, CLIP)
    weights = _balanced(np.array([len(t) for t in texts]), wanted)
    p = np.zeros(len(x))
    for inside, outside in StratifiedKFold(10, shuffle=True, random_state=0).split(x, first):
        p[outside] = _fitted(x[inside], first[inside], weights[inside]).predict_proba(x[outside])[:, 1]
    threshold = safe_threshold(p, first, risk, weights)
    logistic = _fitted(x, first, weights)
    answered = p >= threshold
    record = {
        "features": list(FEATURES),
        "mean": mean.tolist(),
        "scale": scale.tolist(),
        "weights": logistic.coef_[0].tolist(),
        "bias": float(logistic.intercept_[0]),
        "threshold": round(threshold, 4),
        "made": {
            "entries": {"file": entries_file.name, "sha256": file_hash(entries_file), "published": len(entries)},
            "questions": {"file": questions_file.name, "sha256": file_hash(questions_file), "rows": len(rows)},
            "encoder": embedder.name,
            "risk": risk,
        },
        "metrics": {
            "how": "10-fold cross-fitting on development questions; both kinds weighted to the same lengths",
            "retrieval_r1": round(float(first[wanted].mean()), 4),
            "answered": round(float(answered[wanted].mean()), 4),
            "right_among_answered": round(float(first[answered].mean()), 4) if answered.any() else None,
            "off_topic_answered": round(float(answered[~wanted].mean()), 4),
            "ece": round(expected_calibration_error(p, first, 10), 4),
        },
    }
    temporary = bundle / "answering.json.tmp"
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(bundle / "answering.json")
    return record


def _fitted(x: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]) -> LogisticRegression:
    return LogisticRegression(C=1.0, max_iter=2000).fit(x, right, sample_weight=weights)


def _balanced(lengths: NDArray[np.int64], wanted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return row weights that give answerable and unanswerable questions the same lengths, by quarters."""
    quarter = np.searchsorted(np.quantile(lengths, (0.25, 0.5, 0.75)), lengths)
    weights = np.ones(len(lengths))
    for q in np.unique(quarter):
        for side in (wanted, ~wanted):
            rows = (quarter == q) & side
            if rows.any():
                weights[rows] = side.mean() * (quarter == q).sum() / rows.sum()
    return weights
