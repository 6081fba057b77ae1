"""Training the shipped heads: category and request type from written examples, calibrated on authors held out."""

from __future__ import annotations

import datetime
import importlib.metadata
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from models.bundle import file_hash, write_manifest
from models.calibration import (
    expected_calibration_error,
    fit_exponents,
    fit_temperature,
    safe_threshold,
    softmax,
)
from models.catalog import Catalog, load_catalog
from models.classifier import CategoryClassifier, level_probabilities
from models.embedder import Embedder, load_embedder
from models.features import WordCutter
from models.taxonomy import Taxonomy
from training.tickets import REQUEST_TYPES, Example, read_examples

RISKS = (0.05, 0.1, 0.2)
_TYPES = Taxonomy(tuple((t,) for t in REQUEST_TYPES), {t: t for t in REQUEST_TYPES}, ("",) * len(REQUEST_TYPES))


def train_heads(bundle: Path, catalog_folder: Path, examples_file: Path, *, seed: int = 0) -> dict[str, Any]:
    """Train both heads into `bundle` (which must hold `encoder/` and `answering.json`) and return its manifest.

    Every figure in the manifest comes from examples that the measured model had not seen: the `held_out`
    rows, written by other authors. The shipped heads are then fitted on all rows.
    """
    catalog = load_catalog(catalog_folder)
    embedder = load_embedder(bundle / "encoder", threads=2)
    examples = read_examples(examples_file, catalog.leaves)
    vectors = embedder.encode([e.text for e in examples], kind="query")
    cutter = WordCutter(domain_words(catalog))
    category, category_metrics = _train_category(catalog, embedder, examples, vectors, cutter)
    types, type_metrics = _train_types(examples, vectors, cutter)
    for name, head in (("category", category), ("request_type", types)):
        temporary = bundle / f".{name}"
        shutil.rmtree(temporary, ignore_errors=True)
        head.save(temporary)
        shutil.rmtree(bundle / name, ignore_errors=True)
        temporary.rename(bundle / name)
    save_file({"vectors": vectors.astype(np.float16)}, bundle / "examples.safetensors")
    record = {
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "catalog": {"version": catalog.version, "sha256": catalog.hash},
        "examples": {
            "file": examples_file.name,
            "sha256": file_hash(examples_file),
            "rows": len(examples),
            "held_out": sum(e.split == "held_out" for e in examples),
            "what": "written examples that imitate callers, not calls",
        },
        "encoder": embedder.name,
        "seed": seed,
        "versions": {p: importlib.metadata.version(p) for p in ("numpy", "scikit-learn", "jieba", "onnxruntime")},
        "metrics": {"category": category_metrics, "request_type": type_metrics},
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
    vectors: NDArray[np.float32],
    cutter: WordCutter,
) -> tuple[CategoryClassifier, dict[str, Any]]:
    taxonomy = Taxonomy.from_catalog(catalog)
    own = embedder.encode(list(taxonomy.texts), kind="query")

    def fitted(rows: list[int]) -> CategoryClassifier:
        model = CategoryClassifier(cutter=cutter)
        texts, codes = [examples[i].text for i in rows], [examples[i].code for i in rows]
        return model.fit(texts, codes, embeddings=vectors[rows], taxonomy=taxonomy, text_embeddings=own)

    train = [i for i, e in enumerate(examples) if e.code and e.split != "held_out"]
    held = [i for i, e in enumerate(examples) if e.code and e.split == "held_out"]
    first = fitted(train)
    scores = first.decision_function([examples[i].text for i in held], vectors[held])
    truth = np.array([taxonomy.index[examples[i].code] for i in held])
    fold_scores, fold_truth = _cross_scores(fitted, train, examples, vectors, taxonomy)
    all_scores, all_truth = np.vstack([scores, fold_scores]), np.concatenate([truth, fold_truth])
    weights = np.concatenate([np.full(len(truth), 0.5 / len(truth)), np.full(len(fold_truth), 0.5 / len(fold_truth))])
    temperature = fit_temperature(all_scores, all_truth, weights)
    exponents = fit_exponents(softmax(all_scores, temperature), all_truth, taxonomy.ancestors, weights)
    first.temperature_, first.exponents_ = temperature, exponents
    proba = first.calibrate_scores(all_scores)
    thresholds = {str(r): _thresholds(proba, all_truth, taxonomy, r, weights) for r in RISKS}
    model = fitted([*train, *held])
    model.temperature_, model.exponents_, model.thresholds_ = temperature, exponents, thresholds
    first.thresholds_ = thresholds
    metrics = {
        "held_out_authors": category_metrics(first, first.calibrate_scores(scores), truth),
        "cross_validated": category_metrics(first, first.calibrate_scores(fold_scores), fold_truth),
        "calibrated_on": "held-out authors and 4 folds, half the weight each",
    }
    return model, metrics


def _cross_scores(
    fitted: Any, train: list[int], examples: Sequence[Example], vectors: NDArray[np.float32], taxonomy: Taxonomy
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    order = np.random.default_rng(0).permutation(len(train))
    scores, truth = [], []
    for fold in range(4):
        test = [train[i] for i in order[fold::4]]
        rest = sorted(set(train) - set(test))
        scores.append(fitted(rest).decision_function([examples[i].text for i in test], vectors[test]))
        truth += [taxonomy.index[examples[i].code] for i in test]
    return np.vstack(scores), np.array(truth)


def _thresholds(
    proba: NDArray[np.float64], truth: NDArray[np.int64], taxonomy: Taxonomy, risk: float, weights: NDArray[np.float64]
) -> list[float]:
    found = []
    for level in range(taxonomy.depth):
        p = level_probabilities(proba, taxonomy, level)
        right = p.argmax(1) == taxonomy.ancestors[truth, level]
        found.append(round(safe_threshold(p.max(1), right, risk, weights), 4))
    return found


def category_metrics(model: CategoryClassifier, proba: NDArray[np.float64], truth: NDArray[np.int64]) -> dict[str, Any]:
    """Return accuracy and calibration per level, top-3 of the leaf, and what back-off does, on `truth`."""
    taxonomy = model.taxonomy_
    levels = []
    for level in range(taxonomy.depth):
        p = level_probabilities(proba, taxonomy, level)
        right = p.argmax(1) == taxonomy.ancestors[truth, level]
        ece = expected_calibration_error(p.max(1), right)
        levels.append({"accuracy": round(float(right.mean()), 4), "ece": round(ece, 4)})
    top3 = np.argsort(-proba, axis=1)[:, :3]
    depths, rights = [], []
    for row, leaf in zip(proba, truth, strict=True):
        category = model.category_of(row)
        depths.append(category.depth)
        wanted = taxonomy.paths[leaf]
        rights.append(category.depth == 0 or category.path[category.depth - 1] == wanted[category.depth - 1])
    return {
        "rows": len(truth),
        "levels": levels,
        "leaf_top3": round(float((top3 == truth[:, None]).any(1).mean()), 4),
        "mean_depth": round(float(np.mean(depths)), 3),
        "right_at_depth": round(float(np.mean(rights)), 4),
    }


def _train_types(
    examples: Sequence[Example], vectors: NDArray[np.float32], cutter: WordCutter
) -> tuple[CategoryClassifier, dict[str, Any]]:
    def fitted(rows: list[int]) -> CategoryClassifier:
        model = CategoryClassifier(cutter=cutter, keep=len(REQUEST_TYPES), text_weight=0.0, lexical_weight=0.7)
        texts, types = [examples[i].text for i in rows], [examples[i].request_type for i in rows]
        return model.fit(texts, types, embeddings=vectors[rows], taxonomy=_TYPES)

    everything = list(range(len(examples)))
    train = [i for i in everything if examples[i].split != "held_out"]
    held = sorted(set(everything) - set(train))
    first = fitted(train)
    truth = np.array([_TYPES.index[examples[i].request_type] for i in held])
    scores = first.decision_function([examples[i].text for i in held], vectors[held])
    temperature = fit_temperature(scores, truth)
    p = softmax(scores, temperature)
    right = p.argmax(1) == truth
    model = fitted(everything)
    model.temperature_ = temperature
    ece = expected_calibration_error(p.max(1), right)
    return model, {"rows": len(truth), "accuracy": round(float(right.mean()), 4), "ece": round(ece, 4)}
