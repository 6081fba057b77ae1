"""Training the shipped heads: category and request type from written examples, calibrated on authors held out."""

from __future__ import annotations

import datetime
import importlib.metadata
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.vector_cache import RememberingEmbedder
from models.bundle import file_hash, write_manifest
from models.calibration import (
    expected_calibration_error,
    fit_exponents,
    fit_temperature,
)
from models.catalog import Catalog, load_catalog
from models.classifier import CategoryClassifier
from models.compact import EXAMPLES, save_vectors
from models.embedder import Embedder, load_embedder
from models.features import WordCutter
from models.leaning import Leaning
from models.locations import home_dir, shipped_data_dir
from models.requests import propose
from models.splitting import FILE as SPLITTING
from models.splitting import Splitter
from models.taxonomy import Taxonomy
from training.augment import slips
from training.copies import copies
from training.dispatch import dispatch_report
from training.fit import RISKS, thresholds
from training.measures import Walked, category_report, confusions, interval, macro_f1, resamples, slices
from training.risk import all_risk_calls, train_risk
from training.splitting import learn_splitter
from training.tickets import REQUEST_TYPES, Example, read_examples

CALIBRATION_ROWS = 3000
"""Rows of a part up to which all are used; of more, every second, third ... one."""
DROPPED = 0.1
"""Share of the squared lexical weights that the shipped heads do without. Of the category head it is more than half of
the weights; on 706 texts that it had not seen it named the same leaf in 98 of 100, and as many right ones."""
COPIES = 1_500
"""Copies of examples that the category head also learns from: beside 11,929 examples they change nothing that could be
told from chance on texts as they are written, and with words of waiting behind them one call in eighty more is named
right; three times as many named fewer alike after places were swapped."""
TYPE_PENALTY = 1.0
"""Ridge penalty of the request type head: five times that of the category head. Eight classes of which people
disagree in one row of five want less to be learned by heart; found among training rows, whole authors left out."""
SLICE_ROWS = 10
"""Fewest rows of a slice that is shown; its interval says how little so few tell."""
NOISY_ROWS = 300
"""Held-out rows that are measured again with slips."""
_TYPES = Taxonomy(tuple((t,) for t in REQUEST_TYPES), {t: t for t in REQUEST_TYPES}, ("",) * len(REQUEST_TYPES))


def train_heads(
    bundle: Path, catalog_folder: Path, examples_file: Path, *, extra: int = COPIES, seed: int = 0
) -> dict[str, Any]:
    """Train both heads into `bundle` (which must hold `encoder/` and `answering.json`) and return its manifest.

    The category head also learns from `extra` seeded copies of examples (`training.copies`). Every figure in the
    manifest comes from examples that the measured model had not seen: the `held_out` rows, written by other authors.
    The shipped heads are then fitted on all rows.
    """
    catalog = load_catalog(catalog_folder)
    embedder = RememberingEmbedder(
        load_embedder(bundle / "encoder", threads=2), home_dir() / "training" / "texts.vectors"
    )
    examples = read_examples(examples_file, catalog.leaves)
    vectors = embedder.encode([e.text for e in examples], kind="query")
    cutter = WordCutter(domain_words(catalog))
    more = copies([e for e in examples if e.code], extra, catalog.places, seed=seed)
    heard = np.vstack([vectors, embedder.encode([e.text for e in more], kind="query")])
    embedder.save()
    category, splitter, leaf, category_metrics = _train_category(
        catalog, embedder, [*examples, *more], len(more), heard, cutter
    )
    types, leaning, type_metrics = _train_types(examples, vectors, cutter, category.taxonomy_, leaf)
    ordinary = [i for i, e in enumerate(examples) if e.code and catalog.nodes[e.code].mode != "emergency"]
    calls = all_risk_calls(examples_file.with_name("risk.csv"), catalog, shipped_data_dir() / "tickets" / "risk.csv")
    texts = [examples[i].text for i in ordinary]
    risk, risk_metrics = train_risk(catalog, embedder, calls, texts, vectors[ordinary], cutter)
    for name, head in (("category", category), ("request_type", types), ("risk", risk)):
        temporary = bundle / f".{name}"
        shutil.rmtree(temporary, ignore_errors=True)
        head.save(temporary)
        if head is types:
            leaning.save(temporary)
        shutil.rmtree(bundle / name, ignore_errors=True)
        temporary.rename(bundle / name)
    (bundle / SPLITTING).unlink(missing_ok=True)
    if splitter is not None:
        splitter.save(bundle)
    save_vectors(bundle / EXAMPLES, vectors)
    record = {
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "catalog": {"version": catalog.version, "sha256": catalog.hash},
        "examples": {
            "file": examples_file.name,
            "sha256": file_hash(examples_file),
            "rows": len(examples),
            "held_out": sum(e.split == "held_out" for e in examples),
            "copies": len(more),
            "what": "written examples that imitate callers, not calls",
        },
        "encoder": embedder.name,
        "seed": seed,
        "versions": {p: importlib.metadata.version(p) for p in ("numpy", "scikit-learn", "jieba", "onnxruntime")},
        "metrics": {"category": category_metrics, "request_type": type_metrics, "risk": risk_metrics},
    }
    return write_manifest(bundle, record)


def domain_words(catalog: Catalog) -> list[str]:
    """Return the words that the cutter must not break: places and names of the classification."""
    places = [n for p in catalog.places for n in (p.name, *p.aliases) if 2 < len(n) <= 8]
    names = [n.name for n in catalog.nodes.values() if 2 <= len(n.name) <= 5]
    keywords = [k for n in catalog.nodes.values() for k in n.keywords if 2 <= len(k) <= 4]
    return sorted({*places, *names, *keywords, "路灯", "暖气", "物业"})


def _train_category(
    catalog: Catalog,
    embedder: Embedder,
    examples: Sequence[Example],
    copied: int,
    vectors: NDArray[np.float32],
    cutter: WordCutter,
) -> tuple[CategoryClassifier, Splitter | None, NDArray[np.float64], dict[str, Any]]:
    """Return head, splitter, measures, and the (n_held_out, n_leaves) probabilities of a head that saw none of them.

    The last `copied` of `examples` are copies: they teach, and nothing is measured or calibrated on them.
    """
    taxonomy = Taxonomy.from_catalog(catalog)
    own = embedder.encode(list(taxonomy.texts), kind="query")

    def fitted(rows: Sequence[int]) -> CategoryClassifier:
        model = CategoryClassifier(cutter=cutter, dropped=DROPPED)
        texts, codes = [examples[i].text for i in rows], [examples[i].code for i in rows]
        return model.fit(texts, codes, embeddings=vectors[rows], taxonomy=taxonomy, text_embeddings=own)

    def scores_of(model: CategoryClassifier, rows: Sequence[int]) -> NDArray[np.float32]:
        return model.decision_function([examples[i].text for i in rows], vectors[rows])

    def scored(model: CategoryClassifier, rows: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return scores_of(model, rows), np.array([taxonomy.index[examples[i].code] for i in rows])

    train = [i for i, e in enumerate(examples) if e.code and e.split != "held_out"]
    unseen_rows = [i for i, e in enumerate(examples) if e.split == "held_out"]
    coded = np.array([bool(examples[i].code) for i in unseen_rows], bool)
    held = [i for i in unseen_rows if examples[i].code]
    first = fitted(train)
    all_scores = scores_of(first, unseen_rows)
    scores, truth = all_scores[coded], np.array([taxonomy.index[examples[i].code] for i in held])
    batches = _author_batches(examples, train)
    written = len(examples) - copied
    parts = [
        scored(fitted([i for i in train if i not in batch]), sorted(i for i in batch if i < written))
        for batch in batches
    ]
    batch_scores, batch_truth = np.vstack([s for s, _ in parts]), np.concatenate([t for _, t in parts])
    half = np.zeros(len(coded), bool)
    half[coded] = np.arange(len(held)) % 2 == 0
    leaf = np.zeros(all_scores.shape)
    shown = Walked(np.zeros(len(held), np.int64), np.zeros(len(held), np.int64), np.zeros((len(held), taxonomy.depth)))
    for side in (half, ~half):
        inside = side[coded]
        calibrate(first, [(scores[~inside], truth[~inside]), (batch_scores, batch_truth)])
        leaf[side] = first.calibrate_scores(all_scores[side])
        walked = first.walk(leaf[coded & side])
        for whole, part in zip((shown.leaves, shown.depths, shown.chances), walked, strict=True):
            whole[inside] = part
    proba = leaf[coded]
    rows = [examples[i] for i in held]
    measured = category_report(first, proba, truth, shown)
    right = shown.leaves == truth
    measured["slices"] = slices(right, _parts(rows), least=SLICE_ROWS)
    measured["dispatch"] = dispatch_report(catalog, rows, proba, shown.leaves, taxonomy.leaves)
    calibrate(first, [(scores, truth)])
    measured["slices"] += _noisy(first, embedder, rows, truth)
    splitter, split_figures = learn_splitter([e.text for e in rows], [e.code for e in rows], first, embedder)
    unseen = category_report(first, first.calibrate_scores(batch_scores), batch_truth)
    model = fitted([*train, *held])
    calibrate(model, [(scores, truth), (batch_scores, batch_truth)])
    metrics = {
        "held_out_author": measured,
        "author_batches_left_out": unseen,
        "splitting": split_figures,
        "calibrated_on": "held-out author and left-out author batches, half the weight each; the held-out figures"
        " with calibration fitted on the other half of that author's rows",
    }
    return model, splitter, leaf, metrics


def _parts(rows: Sequence[Example]) -> dict[str, NDArray[np.bool_]]:
    """Return the slices of examples: district said, request type, length, number of requests by joint words."""
    lengths = np.array([len(e.text) for e in rows])
    several = np.array([len(propose(e.text)) > 1 for e in rows])
    parts = {
        "20 字以内": lengths <= 20, "21–40 字": (lengths > 20) & (lengths <= 40),
        "41–100 字": (lengths > 40) & (lengths <= 100), "100 字以上": lengths > 100,
        "一件事": ~several, "像有几件事": several,
    }  # fmt: skip
    for kind in REQUEST_TYPES:
        parts[kind] = np.array([e.request_type == kind for e in rows])
    for district in sorted({e.district for e in rows}):
        parts[district or "未说区县"] = np.array([e.district == district for e in rows])
    return parts


def _noisy(
    head: CategoryClassifier, embedder: Embedder, rows: Sequence[Example], truth: NDArray[np.int64], seed: int = 0
) -> list[dict[str, Any]]:
    """Return leaf accuracy on at most NOISY_ROWS rows as written, and with recognition slips and no punctuation."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:NOISY_ROWS])
    clean = [rows[i].text for i in chosen]
    noisy = [slips(text, np.random.default_rng([seed, i])) for i, text in enumerate(clean)]
    found = []
    for name, texts in (("同一批:原样", clean), ("同一批:错字、无标点", noisy)):
        said, _, _ = head.walk(head.predict_proba(texts, embedder.encode(texts, kind="query")))
        found += slices(said == truth[chosen], {name: np.ones(len(chosen), bool)})
    return found


def _author_batches(examples: Sequence[Example], rows: Sequence[int]) -> list[set[int]]:
    """Return two sets of rows, each the work of whole authors, that both cover as many categories as can be."""
    codes: dict[str, set[str]] = defaultdict(set)
    for i in rows:
        codes[examples[i].author].add(examples[i].code)
    sides: tuple[set[str], set[str]] = (set(), set())
    covered: tuple[set[str], set[str]] = (set(), set())
    for author in sorted(codes, key=lambda a: (-len(codes[a]), a)):
        side = max((0, 1), key=lambda k: (len(codes[author] - covered[k]), -len(covered[k])))
        sides[side].add(author)
        covered[side].update(codes[author])
    return [{i for i in rows if examples[i].author in side} for side in sides if side]


def calibrate(
    model: CategoryClassifier, parts: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]
) -> CategoryClassifier:
    """Fit temperature, exponents and thresholds of `model` on (scores, truth) parts, each with the same weight."""
    taxonomy = model.taxonomy_
    parts = [(s[:: 1 + len(s) // CALIBRATION_ROWS], t[:: 1 + len(t) // CALIBRATION_ROWS]) for s, t in parts]
    scores = np.vstack([s for s, _ in parts])
    truth = np.concatenate([t for _, t in parts])
    weights = np.concatenate([np.full(len(t), 1 / (len(parts) * len(t))) for _, t in parts])
    model.temperature_ = fit_temperature(scores, truth, weights)
    model.exponents_ = np.ones(taxonomy.depth)
    model.exponents_ = fit_exponents(model.calibrate_scores(scores), truth, taxonomy.ancestors, weights)
    proba = model.calibrate_scores(scores)
    model.thresholds_ = {str(r): thresholds(proba, truth, taxonomy, r, weights) for r in RISKS}
    return model


def _train_types(
    examples: Sequence[Example],
    vectors: NDArray[np.float32],
    cutter: WordCutter,
    taxonomy: Taxonomy,
    leaf: NDArray[np.float64],
) -> tuple[CategoryClassifier, Leaning, dict[str, Any]]:
    """Return the head of the words, what the category adds, and measures of both on the held-out rows.

    `leaf` (n_held_out, n_leaves) are the leaf probabilities of those rows by a category head that saw none of them.
    """

    def fitted(rows: list[int]) -> tuple[CategoryClassifier, Leaning]:
        model = CategoryClassifier(
            cutter=cutter, keep=len(REQUEST_TYPES), text_weight=0.0, lexical_weight=0.7, penalty=TYPE_PENALTY,
            balance=0.5, dropped=DROPPED,
        )  # fmt: skip
        texts, types = [examples[i].text for i in rows], [examples[i].request_type for i in rows]
        model.fit(texts, types, embeddings=vectors[rows], taxonomy=_TYPES)
        coded = [examples[i] for i in rows if examples[i].code]
        leaves = np.array([taxonomy.index[e.code] for e in coded], np.int64)
        kinds = np.array([_TYPES.index[e.request_type] for e in coded], np.int64)
        return model, Leaning.fit(leaves, kinds, taxonomy, REQUEST_TYPES)

    everything = list(range(len(examples)))
    train = [i for i in everything if examples[i].split != "held_out"]
    held = [i for i in everything if examples[i].split == "held_out"]
    first, leans = fitted(train)
    truth = np.array([_TYPES.index[examples[i].request_type] for i in held])
    scores = first.decision_function([examples[i].text for i in held], vectors[held])
    leans = replace(leans, temperature=fit_temperature(scores, truth, offset=leans.lean(leaf)))
    p = leans.join(scores, leaf)
    said = p.argmax(1)
    right, words_right = said == truth, scores.argmax(1) == truth
    model, leaning = fitted(everything)
    model.temperature_ = fit_temperature(scores, truth)
    weights = resamples(len(truth))
    metrics = {
        "rows": len(truth),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_ci": interval(right, weights),
        "macro_f1": round(macro_f1(said, truth), 4),
        "ece": round(expected_calibration_error(p.max(1), right), 4),
        "words_alone": {
            "accuracy": round(float(words_right.mean()), 4),
            "accuracy_ci": interval(words_right, weights),
            "macro_f1": round(macro_f1(scores.argmax(1), truth), 4),
        },
        "confusions": [
            {"wanted": REQUEST_TYPES[w], "said": REQUEST_TYPES[s], "rows": len(rows)}
            for w, s, rows in confusions(said, truth, 5)
        ],
    }
    return model, replace(leaning, temperature=leans.temperature), metrics
