"""One call in, one Assist out: text, embedding, risk, places, category, route and answers in order; no HTTP here."""

from __future__ import annotations

import copy
import datetime
import functools
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb import store as entry_store
from kb.answering import Answerer, AnswerResult
from kb.feedback import Feedback
from kb.followup import whole_question
from kb.fusion import Fusion
from kb.live import LiveEntries
from kb.pgvector import PgVectorIndex
from kb.recorder import Recorder
from kb.store import EntryStore
from kb.unanswered import UnansweredQueue
from kb.vectors import GrowingIndex, Make
from models.bundle import Bundle, load_bundle
from models.catalog import Catalog, load_catalog
from models.classifier import Category
from models.masking import mask
from models.places import Location, PlaceFinder
from models.plan import RoutePlan
from models.requests import propose
from models.risk import RiskFinding, RiskRules
from models.router import Router
from models.splitting import likeliest
from models.text import has_words, is_chinese, normalise, strip_fillers
from serve.inputs import MAX_INPUT, checked
from serve.lookup import Lookup
from serve.reading import Heard, Read, read_call
from serve.records import Records
from serve.settings import Settings
from serve.similar import Similar, SimilarCases, build

MAX_PIECES = 8
"""Most requests that one call is split into; a text of nothing but joints must not cost a thousand embeddings."""

QUESTION = "咨询"
"""The request type whose unanswered calls are a gap in the knowledge base."""
MAX_CONTEXT = 20
"""Earlier utterances of a call that a follow-up is read with."""


@dataclass(frozen=True)
class Request:
    """One request of a call that holds several."""

    text: str
    category: Category


@dataclass(frozen=True)
class Glance:
    """What the words of a call tell by rules and lists alone: risks and places."""

    risks: tuple[RiskFinding, ...]
    places: Location


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
    automatic: bool = False
    """Whether the bundle's operating point lets this call go out without a person; nothing is dispatched here."""


class Engine:
    """Everything loaded once; a new bundle gives a new Engine that shares the rest.

    Of what is shared only the index changes: new entries go into the one that is searched, and the Engine that knows
    their revision takes the place of the one before.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.catalog: Catalog = load_catalog(self.settings.catalog)
        self.risk_rules = RiskRules(self.catalog.risks, self.catalog.triggers)
        self.place_finder = PlaceFinder(self.catalog.places)
        self.store = open_store(self.settings)
        self.records = Records(self.settings.database_url)
        self._load_bundle()

    def _load_bundle(self) -> None:
        self.bundle: Bundle = load_bundle(self.settings.bundle_now, self.catalog, threads=self.settings.threads)
        self.bundle.category.categorise("路灯不亮", np.ones(self.bundle.embedder.dimension, np.float32))
        self.router = Router(self.catalog, self.bundle.history)
        self.cases: SimilarCases = build(self.settings, self.bundle, self.catalog, self.records)
        self._load_entries()

    def _load_entries(self) -> None:
        self.live = LiveEntries(
            self.store,
            self.bundle.embedder,
            self.settings.home / "index" / "entries.vectors",
            Fusion.load(self.bundle.retrieval),
            vector_engine(self.settings),
        )
        self.answerer = Answerer(self.live.index, self.bundle.answering, self.live.relations)
        queue = UnansweredQueue(self.store.engine, self.bundle.embedder.name)
        self.recorder = Recorder(Feedback(self.store.engine), queue)
        self.kb_version = str(self.live.revision)

    @functools.cached_property
    def lookup(self) -> Lookup:
        """The search of the catalogue by name, pinyin or code, made at its first use."""
        return Lookup(self.catalog)

    def with_new_entries(self) -> Engine:
        """Return an Engine over the entries as they are now: the index takes in what changed, or is made anew."""
        other = copy.copy(self)
        if self.live.catch_up():
            other.kb_version = str(self.live.revision)
        else:
            other._load_entries()
        return other

    def with_new_bundle(self) -> Engine:
        """Return an Engine with the bundle as it is now; raises BundleError, and nothing changes, when it is unfit."""
        other = copy.copy(self)
        other._load_bundle()
        return other

    def with_new_cases(self) -> Engine:
        """Return an Engine whose similar cases are built afresh, after tickets were deleted."""
        other = copy.copy(self)
        other.cases = build(self.settings, self.bundle, self.catalog, self.records)
        return other

    def hear(self, text: str, context: Sequence[str] = (), *, whole_only: bool = False) -> Heard:
        """Return `text` prepared for the models; raises InputError when it is empty or too long.

        A follow-up ("那退休的呢") is read with `context`, the earlier utterances of the call. `whole_only` leaves
        out looking for several requests, which an answer does not need.
        """
        start = time.perf_counter()
        masked = checked(text)
        earlier = [mask(normalise(u)) for u in context[-MAX_CONTEXT:] if len(u) <= MAX_INPUT]
        whole = whole_question(masked, earlier)
        prepared = strip_fillers(whole)
        pieces = (prepared,) if whole_only else tuple(propose(prepared)[:MAX_PIECES])
        cut = None
        if self.bundle.splitter and not whole_only and len(pieces) == 1:
            cut = likeliest(prepared, self.bundle.category, self.bundle.splitter)
        understood = prepared if whole != masked else ""
        return Heard(masked, prepared, pieces, (time.perf_counter() - start) * 1000, understood, cut)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of `texts`, of shape (n_texts, dimension)."""
        return self.bundle.embedder.encode(list(texts), kind="query")

    def assist(
        self, text: str, *, on: datetime.date | None = None, district: str = "", context: Sequence[str] = (),
        record: bool = True, returned_by: Sequence[tuple[str, str]] = (),
    ) -> Assist:  # fmt: skip
        """Return everything known about a call; raises InputError for a text that is empty or too long.

        `context` are the earlier utterances of the call, the oldest first: a follow-up is read with them.
        `record` keeps the hit or the unanswered question for the desk; leave it off while a text is being typed.
        `returned_by` are the (unit, reason) pairs of this ticket's earlier returns: those units are not proposed.
        """
        heard = self.hear(text, context)
        start = time.perf_counter()
        reading = read_call(self.bundle, heard)
        wanted = next(reading)
        while True:
            try:
                wanted = reading.send(self.embed(wanted))
            except StopIteration as end:
                found: Read = end.value
                break
        spent = (time.perf_counter() - start) * 1000
        return self.conclude(
            heard, found, on=on, district=district, embedding_ms=spent, record=record, returned_by=returned_by
        )

    def glance(self, heard: Heard) -> Glance:
        """Return what the words of a heard call tell before its embedding is known."""
        self.live.index.rarities(heard.prepared)  # what follows asks again, and finds it remembered
        if self.bundle.form is None and is_chinese(heard.prepared):
            for head in (self.bundle.category, self.bundle.request_type, self.bundle.risk.head):
                head.lexical_scores(heard.prepared)
        return Glance(tuple(self.risk_rules.find(heard.masked)), self.place_finder.locate(heard.masked))

    def conclude(
        self, heard: Heard, read: Read, *, glance: Glance | None = None, on: datetime.date | None = None,
        district: str = "", embedding_ms: float = 0.0, record: bool = True,
        returned_by: Sequence[tuple[str, str]] = (),
    ) -> Assist:  # fmt: skip
        """Return the Assist of a heard call from what was read of it, and from a `glance` where one was taken."""
        clock = _Clock({"text": heard.milliseconds, "embedding": embedding_ms})
        masked, prepared, vector = heard.masked, heard.prepared, read.vectors[0]
        glance = glance or self.glance(heard)
        risks, places = glance.risks, glance.places
        if is_chinese(prepared):
            risks = self.bundle.risk.add(risks, self.catalog.risks, prepared, vector)
        if district and not places.district:
            places = replace(places, district=district, ask="")
        clock.lap("risk_places")
        whole = self._leaves(heard, read)
        kind, kind_confidence, invalid = self._request_type(prepared, vector, whole)
        note = self._nothing_to_say(masked, invalid)
        requests = () if note else self._requests(heard, read, whole)
        category = requests[0].category if requests else None
        clock.lap("category")
        route = self._route(category, masked, places, risks, returned_by)
        clock.lap("route")
        day = on or self.settings.today()
        answers = AnswerResult(False, ()) if note else self._answer(prepared, vector, day, places.district)
        answers = replace(answers, understood=heard.understood)
        if record and not note and (answers.answered or kind == QUESTION):
            self._record(prepared, vector, answers)
        clock.lap("answer")
        similar = () if note else self.cases.search(vector)
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
            automatic=self._automatic(requests, route, risks),
        )

    def _automatic(self, requests: Sequence[Request], route: RoutePlan, risks: Sequence[RiskFinding]) -> bool:
        """One request, no danger, a certain unit, and a category as sure as the bundle's operating point asks."""
        threshold = self.bundle.operating_threshold
        if threshold is None or len(requests) != 1 or any(r.active for r in risks) or route.mode != "direct":
            return False
        return requests[0].category.probabilities[-1] >= threshold

    @property
    def versions(self) -> dict[str, str]:
        """Versions of what answers came from."""
        return {"bundle": self.bundle.version, "catalog": self.catalog.version, "kb": self.kb_version}

    def answer(
        self, text: str, *, on: datetime.date | None = None, district: str = "", context: Sequence[str] = (),
        record: bool = True,
    ) -> AnswerResult:  # fmt: skip
        """Return only the answers; `context` and InputError as for `assist`."""
        heard = self.hear(text, context, whole_only=True)
        return self.answer_heard(heard, self.embed([heard.prepared]), on=on, district=district, record=record)

    def answer_heard(
        self, heard: Heard, vectors: NDArray[np.float32], *, on: datetime.date | None = None, district: str = "",
        record: bool = True,
    ) -> AnswerResult:  # fmt: skip
        """Return only the answers to a heard call from the vectors of its `texts`."""
        if not is_chinese(heard.prepared):
            return AnswerResult(False, ())
        found = self._answer(heard.prepared, vectors[0], on or self.settings.today(), district)
        if record:
            self._record(heard.prepared, vectors[0], found)
        return replace(found, understood=heard.understood)

    def _record(self, prepared: str, vector: NDArray[np.float32], found: AnswerResult) -> None:
        if not self.settings.record:
            return
        if found.answered:
            self.recorder.answered(prepared, found.answers[0].entry_id)
        else:
            self.recorder.unanswered(prepared, vector)

    def close(self) -> None:
        """Write what is still to be recorded and release the database."""
        self.recorder.close()
        self.store.close()

    def _answer(self, prepared: str, vector: NDArray[np.float32], on: datetime.date, district: str) -> AnswerResult:
        return self.answerer.answer(prepared, vector, on=on, district=district)

    def _leaves(self, heard: Heard, read: Read) -> NDArray[np.float64] | None:
        """Leaf probabilities of the whole; None where the category head reads texts in a form of their own."""
        if self.bundle.form is not None:
            return None
        if read.whole is not None:
            return read.whole
        return self.bundle.category.predict_proba([heard.prepared], read.vectors[:1])[0]

    def _request_type(
        self, prepared: str, vector: NDArray[np.float32], whole: NDArray[np.float64] | None
    ) -> tuple[str, float, float]:
        head, leaf = self.bundle.request_type, None if whole is None else whole[None, :]
        proba = self.bundle.request_types([prepared], vector[None, :], leaf)[0]
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

    def _requests(self, heard: Heard, read: Read, leaves: NDArray[np.float64] | None) -> tuple[Request, ...]:
        head, vectors = self.bundle.category, read.vectors
        if leaves is not None:
            whole = head.category_of(leaves, heard.prepared)
        else:
            whole = self.bundle.categorise(heard.prepared, vectors[0])
        if self.bundle.own_labels:
            return (Request(heard.prepared, whole),)
        if heard.cut and read.sides:
            sides = zip((heard.cut.left, heard.cut.right), read.sides, strict=True)
            return tuple(Request(side, head.category_of(p, side)) for side, p in sides)
        found: list[Request] = []
        for piece, vector in zip(heard.pieces, vectors[1:], strict=False):
            category = self.bundle.categorise(piece, vector)
            if category.depth >= 2 and all(category.path[1] != r.category.path[1] for r in found):
                found.append(Request(piece, category))
        return tuple(found) if len(found) > 1 else (Request(heard.prepared, whole),)

    def _route(
        self, category: Category | None, text: str, places: Location, risks: tuple[RiskFinding, ...],
        returned_by: Sequence[tuple[str, str]],
    ) -> RoutePlan:  # fmt: skip
        leaves: list[tuple[str, float]] = []
        if category is not None:
            leaves = [(category.code, category.probabilities[-1])]
            leaves += [(code, p) for code, _, p in category.alternatives]
            if self.bundle.own_labels:
                leaves = [(code, p) for code, p in leaves if code in self.catalog.duties]
        return self.router.route(leaves, text, places, risks, returned_by)


def vector_engine(settings: Settings) -> Make:
    """Return what makes the vector indexes of `settings`; raises ValueError when pgvector has no PostgreSQL."""
    if settings.vectors == "faiss":
        return GrowingIndex
    url = settings.vectors_database or settings.database_url
    if not url.startswith("postgresql"):
        raise ValueError(
            f"YOUSU_VECTORS=pgvector 需要 PostgreSQL:YOUSU_VECTORS_DATABASE 或 YOUSU_DATABASE 应为 postgresql+psycopg://…,"
            f"实为 {url.split(':', 1)[0]}"
        )
    return functools.partial(PgVectorIndex, url)


def open_store(settings: Settings) -> EntryStore:
    """Return the entry store, with the shipped entries in it when it is new."""
    Path(settings.home).mkdir(parents=True, exist_ok=True)
    return entry_store.open_store(settings.database_url, settings.data / "kb" / "entries.csv")


class _Clock:
    def __init__(self, before: dict[str, float]) -> None:
        self.laps = {name: round(ms, 3) for name, ms in before.items()}
        self._before = sum(before.values())
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 3)
        self.laps["total"] = round(self._before + (now - self._start) * 1000, 3)
        self._last = now
