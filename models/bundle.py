"""The bundle: encoder, heads and thresholds in one folder that knows how it was made; a mismatch is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from models.classifier import Category, CategoryClassifier
from models.embedder import Embedder, load_embedder
from models.features import WordCutter
from models.leaning import Leaning
from models.risk_net import RiskNet
from models.router import NO_HISTORY, History
from models.splitting import Splitter
from models.textform import FILE as FORM_FILE
from models.textform import TextForm

MANIFEST = "manifest.json"
HISTORY = "history.json"


class BundleError(ValueError):
    """A bundle that must not be used; the message says which file or version does not fit."""


@dataclass(frozen=True)
class Bundle:
    """What predicts."""

    version: str
    manifest: dict[str, Any]
    embedder: Embedder
    category: CategoryClassifier
    request_type: CategoryClassifier
    risk: RiskNet
    answering: dict[str, Any]
    """Calibration of the answers' confidence."""
    retrieval: Path
    """File with the weights of the hybrid retrieval."""
    form: TextForm | None = None
    """How the category head reads texts, when it was trained on a table of its own; None = as prepared."""
    history: History = NO_HISTORY
    """Units that kept or gave back the training tickets, by leaf; empty when none were recorded."""
    splitter: Splitter | None = None
    """When a call without joint words is two requests; None = never."""
    leaning: Leaning | None = None
    """What a category tells of the request type; None = the words alone decide."""

    @property
    def own_labels(self) -> bool:
        """Whether the categories are labels of the training table rather than leaves of the catalogue."""
        return taxonomy_of(self.manifest) == "labels"

    @property
    def operating_threshold(self) -> float | None:
        """Confidence in the whole category from which a ticket may go out without a person; None when not chosen.

        It is the point that the training's simulator chose, or that a person stored (`yousu train simulate --store`).
        """
        point = self.manifest.get("operating_point")
        return float(point["threshold"]) if point else None

    def categorise(self, prepared: str, vector: NDArray[np.float32]) -> Category:
        """Return the category of a prepared text; `vector` is its embedding."""
        if self.form is None:
            return self.category.categorise(prepared, vector)
        text = self.form.apply(prepared, self.cutter)
        start = text[: self.form.limit]
        own = vector if start == prepared else self.embedder.encode([start], kind="query")[0]
        return self.category.categorise(text, own)

    def request_types(
        self, texts: Sequence[str], vectors: NDArray[np.float32], leaf: NDArray[np.float64] | None
    ) -> NDArray[np.float64]:
        """Return the probabilities of `request_type.classes_`, shape (n_texts, n_types), of prepared texts.

        `leaf` are the (n_texts, n_leaves) probabilities by the category head; None where they are not known.
        """
        if self.leaning is None or leaf is None:
            return self.request_type.predict_proba(texts, vectors)
        return self.leaning.join(self.request_type.decision_function(texts, vectors), leaf)

    @property
    def cutter(self) -> WordCutter:
        """The word cutter of the category head."""
        return self.category.cutter or WordCutter()


def taxonomy_of(manifest: dict[str, Any]) -> str:
    """Return `catalog` or `labels`: where the categories of a bundle come from."""
    return str(manifest.get("taxonomy", "catalog"))


def read_history(file: Path) -> History:
    """Return the units that kept or gave back the training tickets; empty when `file` is missing."""
    if not file.is_file():
        return NO_HISTORY
    record = json.loads(file.read_text(encoding="utf-8"))
    return History(record["accepted"], record["returned"])


def file_hash(path: Path) -> str:
    """Return the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write `manifest.json` over all other files of `folder`; its version is derived from their hashes."""
    files = {
        str(p.relative_to(folder)): file_hash(p)
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in {MANIFEST, "MODEL_CARD.md", "LICENSE-e5"}
    }
    version = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    manifest = {"version": version, **record, "files": files}
    temporary = folder / (MANIFEST + ".tmp")
    temporary.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(folder / MANIFEST)
    return manifest


def amend_manifest(folder: Path, more: dict[str, Any]) -> dict[str, Any]:
    """Add to the manifest of `folder` what is no file of it; the version, taken from the files, stays."""
    file = folder / MANIFEST
    manifest = {**json.loads(file.read_text(encoding="utf-8")), **more}
    temporary = folder / (MANIFEST + ".tmp")
    temporary.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    temporary.replace(file)
    return manifest


def check_files(folder: Path) -> dict[str, Any]:
    """Return the manifest of `folder`; raises BundleError when a file is missing or differs from its hash."""
    path = folder / MANIFEST
    if not path.is_file():
        raise BundleError(f"{path}: 模型包清单缺失;请用 `yousu train-heads` 生成,或用 --bundle 指定另一个文件夹")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BundleError(f"{path}: 不是有效的 JSON({error})") from error
    for name, digest in manifest.get("files", {}).items():
        file = folder / name
        if not file.is_file():
            raise BundleError(f"{file}: 清单里有此文件,实际缺失")
        found = file_hash(file)
        if found != digest:
            raise BundleError(f"{file}: 应为 sha256 {digest[:12]}…,实为 {found[:12]}…")
    return manifest


def load_bundle(folder: Path, catalog: Catalog, *, threads: int = 1) -> Bundle:
    """Return the bundle of `folder`, made for `catalog`; raises BundleError for another catalogue version.

    A bundle whose categories are the labels of its training table (manifest `taxonomy: labels`) fits every catalogue.
    """
    manifest = check_files(folder)
    own_labels = taxonomy_of(manifest) == "labels"
    trained_for = manifest["catalog"]["version"]
    if trained_for != catalog.version and not own_labels:
        raise BundleError(f"{folder}: 模型包对应目录版本 {trained_for},当前目录版本为 {catalog.version};请重新训练")
    category = CategoryClassifier.load(folder / "category")
    if not own_labels and set(category.classes_) != set(catalog.leaves):
        raise BundleError(f"{folder}: 模型包的末级分类与目录 {catalog.version} 不一致;请重新训练")
    request_type = CategoryClassifier.load(folder / "request_type", category.cutter)
    return Bundle(
        version=manifest["version"],
        manifest=manifest,
        embedder=load_embedder(folder / "encoder", threads=threads),
        category=category,
        request_type=request_type,
        risk=RiskNet.load(folder / "risk", category.cutter),
        retrieval=folder / "retrieval.json",
        answering=json.loads((folder / "answering.json").read_text(encoding="utf-8")),
        history=read_history(folder / HISTORY),
        splitter=None if own_labels else Splitter.load(folder),
        leaning=None if own_labels else _leaning(folder, category, request_type),
        form=TextForm.load(folder) if (folder / FORM_FILE).is_file() else None,
    )


def _leaning(folder: Path, category: CategoryClassifier, request_type: CategoryClassifier) -> Leaning | None:
    return Leaning.load(folder / "request_type", category.classes_.tolist(), request_type.classes_.tolist())
