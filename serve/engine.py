"""One call in, one Assist out: text, embedding, risk, places, category, route and answers in order; no HTTP here."""

from __future__ import annotations

import csv
import datetime
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from kb.answering import Answerer, AnswerResult
from kb.entry import read_entries
from kb.index import HybridIndex
from kb.store import EntryStore
from models.bundle import Bundle, file_hash, load_bundle
from models.catalog import Catalog, load_catalog
from models.classifier import Category
from models.places import Location, PlaceFinder
from models.requests import propose
from models.risk import RiskFinding, RiskRules
from models.router import RoutePlan, Router
from models.text import has_words, is_chinese, mask, normalise, strip_fillers
from serve.settings import Settings

MAX_INPUT = 20_000
"""Longest text that is accepted, in characters."""


class InputError(ValueError):
    """A text that cannot be worked on; the message says what was expected and found."""


@dataclass(frozen=True)
class Similar:
    """A written example like the call."""

    text: str
    code: str
    name: str
    likeness: float


@dataclass(frozen=True)
class Request:
    """One request of a call that holds several."""

    text: str
    category: Category


@dataclass(frozen=True)
class Assist:
    """What is put in front of the operator."""

    text: str
    """The call, normalised, personal data masked."""
    answers: AnswerResult
    category: Category | None
    request_type: str
    request_type_confidence: float
    requests: tuple[Request, ...]
    risk: tuple[RiskFinding, ...]
    places: Location
    route: RoutePlan
    similar: tuple[Similar, ...]
    note: str
    """Why there is nothing to say, or empty."""
    timings: dict[str, float]
    """Milliseconds by step."""
    versions: dict[str, str]


class Engine:
    """Everything loaded once; `assist` may be called from several threads."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.catalog: Catalog = load_catalog(self.settings.catalog)
        self.bundle: Bundle = load_bundle(self.settings.bundle, self.catalog, threads=self.settings.threads)
        self.risk_rules = RiskRules(self.catalog.risks, self.catalog.triggers)
        self.place_finder = PlaceFinder(self.catalog.places)
        self.router = Router(self.catalog, self.bundle.history)
        self.store = open_store(self.settings)
        cache = self.settings.home / "index" / "entries.npz"
        index = HybridIndex(self.store.entries(status="published"), self.bundle.embedder, cache)
        self.answerer = Answerer(index, self.bundle.answering)
        self.kb_version = str(self.store.revision)
        self._examples, self._example_vectors = self._load_examples()

    def _load_examples(self) -> tuple[list[tuple[str, str]], NDArray[np.float32]]:
        """Written examples and their vectors, when the file is the one the bundle was trained on."""
        path, vectors = self.settings.data / "tickets" / "examples.csv", self.settings.bundle / "examples.safetensors"
        trained_on = self.bundle.manifest["examples"]["sha256"]
        if not (path.is_file() and vectors.is_file() and file_hash(path) == trained_on):
            return [], np.zeros((0, self.bundle.embedder.dimension), np.float32)
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(r["text"], r["code"]) for r in csv.DictReader(file)]
        kept = [i for i, (_, code) in enumerate(rows) if code in self.catalog.nodes]
        return [rows[i] for i in kept], load_file(vectors)["vectors"][kept].astype(np.float32)

    def assist(self, text: str, *, on: datetime.date | None = None, district: str = "") -> Assist:
        """Return everything known about a call; raises InputError for a text that is empty or too long."""
        clock = _Clock()
        masked = checked(text)
        prepared = strip_fillers(masked)
        clock.lap("text")
        vector = self.bundle.embedder.encode([prepared], kind="query")[0]
        clock.lap("embedding")
        risks = tuple(self.risk_rules.find(masked))
        places = self.place_finder.locate(masked)
        if district and not places.district:
            places = replace(places, district=district, ask="")
        clock.lap("risk_places")
        kind, kind_confidence, invalid = self._request_type(prepared, vector)
        note = self._nothing_to_say(masked, invalid)
        requests = () if note else self._requests(prepared, vector)
        category = requests[0].category if requests else None
        clock.lap("category")
        route = self._route(category, masked, places, risks)
        clock.lap("route")
        day = on or datetime.date.today()
        answers = AnswerResult(False, ()) if note else self._answer(prepared, vector, day, places.district)
        clock.lap("answer")
        similar = () if note else self._similar(vector)
        clock.lap("similar")
        return Assist(
            text=masked,
            answers=answers,
            category=category,
            request_type=kind,
            request_type_confidence=kind_confidence,
            requests=requests,
            risk=risks,
            places=places,
            route=route,
            similar=similar,
            note=note,
            timings=clock.laps,
            versions=self.versions,
        )

    @property
    def versions(self) -> dict[str, str]:
        """Versions of what answers came from."""
        return {"bundle": self.bundle.version, "catalog": self.catalog.version, "kb": self.kb_version}

    def answer(self, text: str, *, on: datetime.date | None = None, district: str = "") -> AnswerResult:
        """Return only the answers; raises InputError like `assist`."""
        prepared = strip_fillers(checked(text))
        if not is_chinese(prepared):
            return AnswerResult(False, ())
        vector = self.bundle.embedder.encode([prepared], kind="query")[0]
        return self._answer(prepared, vector, on or datetime.date.today(), district)

    def _answer(self, prepared: str, vector: NDArray[np.float32], on: datetime.date, district: str) -> AnswerResult:
        return self.answerer.answer(prepared, vector, on=on, district=district)

    def _request_type(self, prepared: str, vector: NDArray[np.float32]) -> tuple[str, float, float]:
        head = self.bundle.request_type
        proba = head.predict_proba([prepared], vector[None, :])[0]
        best = int(proba.argmax())
        invalid = float(proba[list(head.classes_).index("无效")]) if "无效" in head.classes_ else 0.0
        return str(head.classes_[best]), float(proba[best]), invalid

    def _nothing_to_say(self, masked: str, invalid: float) -> str:
        if not has_words(masked):
            return "没有可识别的内容"
        if not is_chinese(masked):
            return "不是中文或内容太少,请转人工或外语坐席"
        if invalid >= self.settings.nothing_to_say and len(masked) < 40:
            return "没有说出具体诉求,请追问"
        return ""

    def _requests(self, prepared: str, vector: NDArray[np.float32]) -> tuple[Request, ...]:
        pieces = propose(prepared)
        whole = self.bundle.categorise(prepared, vector)
        if len(pieces) == 1 or self.bundle.own_labels:
            return (Request(prepared, whole),)
        vectors = self.bundle.embedder.encode(pieces, kind="query")
        found: list[Request] = []
        for piece, v in zip(pieces, vectors, strict=True):
            category = self.bundle.categorise(piece, v)
            if category.depth >= 2 and all(category.path[1] != r.category.path[1] for r in found):
                found.append(Request(piece, category))
        return tuple(found) if len(found) > 1 else (Request(prepared, whole),)

    def _route(
        self, category: Category | None, text: str, places: Location, risks: tuple[RiskFinding, ...]
    ) -> RoutePlan:
        leaves: list[tuple[str, float]] = []
        if category is not None:
            leaves = [(category.code, category.probabilities[-1])]
            leaves += [(code, p) for code, _, p in category.alternatives]
            if self.bundle.own_labels:
                leaves = [(code, p) for code, p in leaves if code in self.catalog.duties]
        return self.router.route(leaves, text, places, risks)

    def _similar(self, vector: NDArray[np.float32], top: int = 3) -> tuple[Similar, ...]:
        if not len(self._example_vectors):
            return ()
        likeness = self._example_vectors @ vector
        best = np.argpartition(-likeness, top)[:top]
        best = best[np.argsort(-likeness[best])]
        return tuple(
            Similar(text, code, self.catalog.nodes[code].name, round(float(likeness[i]), 3))
            for i, (text, code) in ((i, self._examples[i]) for i in best)
        )


def checked(text: str) -> str:
    """Return `text` normalised and masked; raises InputError when it is empty or too long."""
    if len(text) > MAX_INPUT:
        raise InputError(f"文字过长:最多 {MAX_INPUT} 字,实为 {len(text)} 字")
    if not text.strip():
        raise InputError("文字为空:请输入来电内容")
    return mask(normalise(text))


def open_store(settings: Settings) -> EntryStore:
    """Return the entry store, with the shipped entries in it when it is new."""
    Path(settings.home).mkdir(parents=True, exist_ok=True)
    store = EntryStore(settings.database_url)
    if store.revision == 0:
        shipped = settings.data / "kb" / "entries.csv"
        store.upsert(read_entries(shipped), who="system", why=f"随程序附带的 {shipped.name}")
    return store


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 3)
        self.laps["total"] = round((now - self._start) * 1000, 3)
        self._last = now
