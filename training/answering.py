"""Calibrating the answers: how likely the first entry answers, learned on development questions, cross-fitted."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from kb.answering import CONSIDERED
from kb.asking import Asking
from kb.confidence import FEATURES, measured, scaled
from kb.entry import read_entries
from kb.fusion import FILE, Fusion
from kb.index import HybridIndex
from models.bundle import file_hash
from models.calibration import expected_calibration_error
from models.embedder import load_embedder
from models.locations import home_dir
from training.dev_questions import DevQuestion, asking_beside, read_dev_questions, read_elsewhere
from training.tickets import prepare

FOLDS = 10
WRONG = 0.045
"""Most of what is answered that may be wrong where the threshold is chosen; the aim is 5 % where it is not."""
OFF_TOPIC = 0.028
"""Most of the questions without an entry that may be answered where the threshold is chosen; the aim is 3 %."""
STRANGERS = 0.035
"""The same for questions of an author whom the model did not learn from: such a model knows less than the one that
ships, so the same limit would ask too much of it."""
STRENGTH = 0.2
"""Inverse of the weight decay of the logistic model: measures overlap, and questions are few."""
VECTOR = 0.15
"""How large a component of the question's vector is beside a measure, both of standard deviation 1: the smaller, the
less of it is learned. More answers more of the known authors' questions, and errs more on those of others."""
BINS = 10
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Questions:
    """Development questions as the index answers them; arrays of one row a question.

    `x` are the measures (n, n_features) in the order of `FEATURES`, `vectors` those of the questions (n, dimension),
    `right` says whether the first entry is the one wanted, `wanted` whether any is, `found` which entry came first;
    `fold` puts all questions of an entry into one fold, those that none answers with the entry that came first.
    `weights` give both kinds the same lengths, `places` are those outside the city, `asking` the words that ask.
    """

    rows: tuple[DevQuestion, ...]
    x: Floats
    vectors: NDArray[np.float32]
    right: Flags
    wanted: Flags
    found: tuple[str, ...]
    fold: NDArray[np.int64]
    weights: Floats
    entries: int
    encoder: str
    places: tuple[str, ...]
    asking: Asking

    def of(self, chosen: Flags) -> Questions:
        """Return some of the questions."""
        places = np.flatnonzero(chosen)
        return replace(
            self,
            rows=tuple(self.rows[i] for i in places),
            found=tuple(self.found[i] for i in places),
            x=self.x[chosen],
            vectors=self.vectors[chosen],
            right=self.right[chosen],
            wanted=self.wanted[chosen],
            fold=self.fold[chosen],
            weights=self.weights[chosen],
        )


def ask_all(bundle: Path, entries_file: Path, questions_file: Path, *, seed: int = 0) -> Questions:
    """Ask every question of a file (with what lies beside it: `read_elsewhere`, `asking_beside`) and return what came.

    A question whose entry is out of force today counts as one that nothing answers, which is what the caller must be
    told.
    """
    embedder = load_embedder(bundle / "encoder", threads=2)
    today = datetime.date.today()
    entries = [e for e in read_entries(entries_file) if e.valid(today)]
    index = HybridIndex(entries, embedder, home_dir() / "index" / "entries.vectors", Fusion.load(bundle / FILE))
    rows = read_dev_questions(questions_file)
    texts = [prepare(r.question) for r in rows]
    vectors = embedder.encode(texts, kind="query")
    hits = [index.search(t, v, top=CONSIDERED) for t, v in zip(texts, vectors, strict=True)]
    places, asking = read_elsewhere(questions_file), asking_beside(questions_file)
    known = [measured(t, h, index.rarities(t), asking, places) for t, h in zip(texts, hits, strict=True)]
    found = tuple(h[0].entry.id for h in hits)
    in_force = {e.id for e in entries}
    wanted = np.array([r.entry_id in in_force for r in rows])
    subject = [r.entry_id if w else f for r, w, f in zip(rows, wanted, found, strict=True)]
    names = sorted(set(subject))
    place = dict(zip(names, np.random.default_rng(seed).permutation(len(names)).tolist(), strict=True))
    return Questions(
        rows=tuple(rows),
        x=np.array([[k[f] for f in FEATURES] for k in known]),
        vectors=vectors,
        right=np.array([f == r.entry_id for f, r in zip(found, rows, strict=True)]),
        wanted=wanted,
        found=found,
        fold=np.array([place[s] % FOLDS for s in subject]),
        weights=balanced(np.array([len(t) for t in texts]), wanted),
        entries=len(entries),
        encoder=embedder.name,
        places=places,
        asking=asking,
    )


def fit_answering(bundle: Path, entries_file: Path, questions_file: Path) -> dict[str, Any]:
    """Write `answering.json` into `bundle` and return it.

    The figures come from cross-fitting over folds by entry, each fold at the threshold of the others; the threshold
    that ships is that of all questions (`safe_threshold`).
    """
    asked = ask_all(bundle, entries_file, questions_file)
    model = _Model(asked)
    record = {
        "features": list(FEATURES),
        "mean": model.mean.tolist(),
        "scale": model.scale.tolist(),
        "weights": model.weights.tolist(),
        "bias": model.bias,
        "vector_weights": [round(w, 5) for w in model.vector_weights.tolist()],
        "places": list(asked.places),
        "asking": asked.asking.record,
        "threshold": round(safe_threshold(asked), 4),
        "made": {
            "entries": {"file": entries_file.name, "sha256": file_hash(entries_file), "published": asked.entries},
            "questions": {"file": questions_file.name, "sha256": file_hash(questions_file), "rows": len(asked.rows)},
            "encoder": asked.encoder,
            "wrong": WRONG,
            "off_topic": OFF_TOPIC,
            "strangers": STRANGERS,
        },
        "metrics": measure(asked),
    }
    temporary = bundle / "answering.json.tmp"
    temporary.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(bundle / "answering.json")
    return record


def measure(asked: Questions) -> dict[str, Any]:
    """Return the figures of cross-fitted answering: over folds by entry, and with each author left out.

    `answered`, `right_among_answered` and `off_topic_answered` count questions as they are; `..._weighted` with both
    kinds weighted to the same lengths. `bins` are (mean confidence, share right, questions) of the reliability.
    """
    confidence, strange = cross_fitted(asked), _strange(asked)
    answered = np.zeros(len(confidence), bool)
    for fold in np.unique(asked.fold):
        inside, outside = asked.fold != fold, asked.fold == fold
        least = _least(confidence[inside], strange[inside], asked.of(inside))
        answered[outside] = confidence[outside] >= least
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return {
        "how": f"{FOLDS} folds by entry, model and threshold from the other folds",
        "questions": len(asked.rows),
        "off_topic_questions": int((~asked.wanted).sum()),
        **_figures(answered, asked),
        "ece": round(expected_calibration_error(confidence, asked.right, BINS), 4),
        "bins": [
            [round(float(confidence[rows].mean()), 3), round(float(asked.right[rows].mean()), 3), int(rows.sum())]
            for b in range(BINS)
            if (rows := bins == b).any()
        ],
        "authors": _by_author(asked),
    }


def doubtful(asked: Questions, count: int) -> list[tuple[float, DevQuestion, str]]:
    """Return (confidence, question, entry found) of the surest mistakes: errors of the model, or of the file."""
    confidence = cross_fitted(asked)
    order = [i for i in np.argsort(-confidence) if not asked.right[i]][:count]
    return [(float(confidence[i]), asked.rows[i], asked.found[i]) for i in order]


def cross_fitted(asked: Questions, groups: NDArray | None = None) -> Floats:
    """Return the confidence in each first entry by a model that saw no question of its group (its fold), shape (n,)."""
    groups = asked.fold if groups is None else groups
    confidence = np.zeros(len(asked.rows))
    for group in np.unique(groups):
        outside = groups == group
        confidence[outside] = _Model(asked.of(~outside))(asked.of(outside))
    return confidence


def safe_threshold(asked: Questions) -> float:
    """Return the confidence that keeps the limits for entries and for authors that the model did not learn from."""
    return _least(cross_fitted(asked), _strange(asked), asked)


def _least(confidence: Floats, strange: Floats, asked: Questions) -> float:
    return max(threshold_of(confidence, asked), threshold_of(strange, asked, STRANGERS))


def _strange(asked: Questions) -> Floats:
    """Return the confidence by models that saw no question of the author; over folds when there is one author."""
    author = np.array([r.author for r in asked.rows])
    return cross_fitted(asked, author if len(set(author)) > 1 else None)


def threshold_of(confidence: Floats, asked: Questions, off_topic: float = OFF_TOPIC) -> float:
    """Return the lowest confidence with at most `WRONG` and `off_topic` mistakes above it; 1.01 if there is none."""
    order = np.argsort(-confidence)
    w = asked.weights[order]
    wrong = np.cumsum(w * ~asked.right[order]) / np.cumsum(w)
    off = np.cumsum(w * ~asked.wanted[order]) / max(float((w * ~asked.wanted[order]).sum()), 1e-9)
    safe = np.flatnonzero((wrong <= WRONG) & (off <= off_topic))
    return float(confidence[order][safe[-1]]) if len(safe) else 1.01


def balanced(lengths: NDArray[np.int64], wanted: Flags) -> Floats:
    """Return row weights that give answerable and unanswerable questions the same lengths, by quarters."""
    quarter = np.searchsorted(np.quantile(lengths, (0.25, 0.5, 0.75)), lengths)
    weights = np.ones(len(lengths))
    for q in np.unique(quarter):
        for side in (wanted, ~wanted):
            rows = (quarter == q) & side
            if rows.any():
                weights[rows] = side.mean() * (quarter == q).sum() / rows.sum()
    return weights


class _Model:
    """The logistic model over scaled measures and vectors; questions all right, or all wrong, give one constant."""

    def __init__(self, asked: Questions) -> None:
        self.mean, self.scale = asked.x.mean(0), np.maximum(asked.x.std(0), 1e-9)
        right, n = float(asked.right.sum()), len(asked.right)
        self.weights, self.bias = np.zeros(asked.x.shape[1]), float(np.log((right + 1) / (n - right + 1)))
        self.vector_weights = np.zeros(asked.vectors.shape[1])
        if 0 < right < n:
            self._fit(asked)

    def _fit(self, asked: Questions) -> None:
        centre, spread = asked.vectors.mean(0), np.maximum(asked.vectors.std(0), 1e-6)
        columns = np.hstack([scaled(asked.x, self.mean, self.scale), VECTOR * (asked.vectors - centre) / spread])
        logistic = LogisticRegression(C=STRENGTH, max_iter=3000)
        logistic.fit(columns, asked.right, sample_weight=asked.weights)
        learned = logistic.coef_[0].astype(float)
        self.weights = learned[: asked.x.shape[1]]
        self.vector_weights = VECTOR * learned[asked.x.shape[1] :] / spread
        self.bias = float(logistic.intercept_[0] - centre @ self.vector_weights)

    def __call__(self, asked: Questions) -> Floats:
        z = scaled(asked.x, self.mean, self.scale) @ self.weights + asked.vectors @ self.vector_weights + self.bias
        probability: Floats = 1 / (1 + np.exp(-z))
        return probability


def _by_author(asked: Questions) -> dict[str, dict[str, Any]]:
    """Return the figures on each author's questions, all chosen on the others'; empty when there is only one."""
    author = np.array([r.author for r in asked.rows])
    found = {}
    for name in np.unique(author):
        inside, outside = asked.of(author != name), asked.of(author == name)
        if len(inside.rows):
            found[str(name)] = _figures(_Model(inside)(outside) >= safe_threshold(inside), outside)
    return found


def _figures(answered: Flags, asked: Questions) -> dict[str, Any]:
    def share(of: Flags, among: Flags, weights: Floats) -> float | None:
        total = float((weights * among).sum())
        return round(float((weights * of * among).sum()) / total, 4) if total else None

    one = np.ones(len(answered))
    return {
        "retrieval_r1": share(asked.right, asked.wanted, one),
        **{
            name + kind: share(of, among, w)
            for kind, w in (("", one), ("_weighted", asked.weights))
            for name, of, among in (
                ("answered", answered, asked.wanted),
                ("right_among_answered", asked.right, answered),
                ("off_topic_answered", answered, ~asked.wanted),
            )
        },
    }
