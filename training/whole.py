"""Everything in a bundle that follows from its encoder, made anew: fusion, answers, heads, risk; then its card."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kb.entry import read_entries
from models.bundle import amend_manifest
from models.catalog import load_catalog
from models.embedder import load_embedder
from models.locations import home_dir


def train_whole(bundle: Path, catalog: Path, data: Path, *, copies: int | None = None) -> dict[str, Any]:
    """Fill `bundle`, which holds an `encoder/`, from written examples, entries and questions; return its manifest.

    `copies` are those of examples that the category head also learns from, as many as the shipped one by default.
    """
    from training.answering import fit_answering
    from training.card import write_card
    from training.dev_questions import asking_beside, read_dev_questions, read_elsewhere
    from training.heads import COPIES, train_heads
    from training.retrieval import fit_fusion
    from training.risk_check import FILE, risk_figures

    entries, questions = data / "kb" / "entries.csv", data / "kb" / "dev_questions.csv"
    read_entries(entries)  # a fault in what a city wrote is told before anything in the bundle changes
    for read in (read_dev_questions, read_elsewhere, asking_beside):
        read(questions)
    fit_fusion(bundle, entries, questions)
    fit_answering(bundle, entries, questions)
    extra = COPIES if copies is None else copies
    manifest = train_heads(bundle, catalog, data / "tickets" / "examples.csv", extra=extra)
    embedder = load_embedder(bundle / "encoder")
    cache = home_dir() / "training" / "embeddings"
    risk = risk_figures(bundle, load_catalog(catalog), data / "tickets" / FILE, embedder, cache)
    manifest = amend_manifest(bundle, {"metrics": {**manifest["metrics"], **({"risk_check": risk} if risk else {})}})
    write_card(bundle)
    return manifest


def with_encoder(folder: Path, encoder: Path, catalog: Path, data: Path) -> Path:
    """Make `folder` a whole bundle around the encoder in the folder `encoder`; a bundle's other parts do not fit it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copytree(encoder, folder / "encoder")
    train_whole(folder, catalog, data)
    return folder
