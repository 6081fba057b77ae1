"""Earlier cases like a call: written examples and accepted tickets in one index; tickets arrive while it serves."""

from __future__ import annotations

import csv
import datetime
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from kb.vectors import GrowingIndex
from models.bundle import Bundle, file_hash
from models.catalog import Catalog
from models.compact import EXAMPLES, load_vectors
from models.embedder import Embedder
from serve.records import OutcomeRow, Records, TicketRow
from serve.settings import Settings

PLAIN = 2_000
"""Cases up to which vectors are kept as they are; more in 8 bits, since all are read for every call."""
LATE = datetime.timedelta(seconds=60)
"""How long after the moment it bears a row may become visible."""


@dataclass(frozen=True)
class Similar:
    """An earlier case like the call; an example has no `id` and no unit."""

    text: str
    code: str
    name: str
    likeness: float
    """Cosine of the embeddings."""
    source: str = "example"
    """`example` (written) or `ticket` (accepted)."""
    id: str = ""
    unit: str = ""
    returned: bool = False
    """Whether the unit sent the ticket back."""
    outcome: str = ""
    """How the ticket ended, in words; empty while nothing is known."""


@dataclass(frozen=True)
class Case:
    """What is shown of a case."""

    text: str
    code: str
    source: str = "example"
    id: str = ""
    unit: str = ""
    returned: bool = False


class SimilarCases:
    """Cases and their vectors, every one compared, in 8 bits where they are many.

    Adding and searching may happen in several threads.
    """

    def __init__(self, dimension: int, names: dict[str, str]) -> None:
        self._index = GrowingIndex(dimension, PLAIN, sys.maxsize)  # making cells would hold up calls for seconds
        self._cases: list[Case] = []
        self._names = names
        self._lock = threading.Lock()
        self._ended: dict[str, str] = {}
        self.mark = (0, 0)
        """(number, newest) of the stored tickets that are in the index."""
        self.heard = datetime.datetime.min
        """Up to when outcomes of tickets were read."""

    def __len__(self) -> int:
        return len(self._cases)

    def add(self, cases: Sequence[Case], vectors: NDArray[np.float32]) -> None:
        """Add cases with their vectors of shape (n_cases, dimension)."""
        if cases:
            with self._lock:
                self._index.add(len(self._cases) + np.arange(len(cases)), np.asarray(vectors, np.float32))
                self._cases.extend(cases)

    def learn(self, outcomes: Mapping[str, str]) -> None:
        """Take over how tickets ended, by ticket id; shown, never searched by."""
        self._ended.update((id, sys.intern(words)) for id, words in outcomes.items())

    def search(self, vector: NDArray[np.float32], top: int = 3) -> tuple[Similar, ...]:
        """Return the cases whose vectors are closest to `vector` (dimension,), the closest first."""
        with self._lock:
            rows, likeness = self._index.search(vector, top)
        found = zip(rows.tolist(), likeness.tolist(), strict=True)
        return tuple(self._shown(self._cases[row], min(cosine, 1.0)) for row, cosine in found)

    def _shown(self, case: Case, cosine: float) -> Similar:
        name = self._names.get(case.code, "")
        ended = self._ended.get(case.id, "") or ("曾被退回" if case.returned else "")
        return Similar(
            case.text, case.code, name, round(cosine, 3), case.source, case.id, case.unit, case.returned, ended
        )


def build(settings: Settings, bundle: Bundle, catalog: Catalog, records: Records) -> SimilarCases:
    """Return the index over the written examples and the newest tickets."""
    cases = SimilarCases(bundle.embedder.dimension, {code: node.name for code, node in catalog.nodes.items()})
    cases.add(*_examples(settings, bundle, catalog))
    catch_up(cases, records, bundle.embedder, settings.similar_limit)
    return cases


def stored_mark(records: Records) -> tuple[int, int]:
    """Return (number, newest) of the stored tickets; it changes whenever a ticket comes or goes."""
    with records.read() as session:
        count, newest = session.execute(select(func.count(TicketRow.seq), func.max(TicketRow.seq))).one()
    return int(count), int(newest or 0)


def catch_up(cases: SimilarCases, records: Records, embedder: Embedder, limit: int) -> bool:
    """Add the tickets stored since the last look; return False when some are gone, so that a rebuild is needed.

    A ticket embedded by another encoder is embedded again and stored so.
    """
    _hear_outcomes(cases, records)
    mark = stored_mark(records)
    if mark == cases.mark:
        return True
    seen_count, seen = cases.mark
    query = select(TicketRow).where(TicketRow.seq > seen).order_by(TicketRow.seq.desc()).limit(limit)
    with records.read() as session:
        rows = list(session.scalars(query))[::-1]
    if seen and seen_count + len(rows) != mark[0]:
        return False
    if stale := [r for r in rows if r.encoder != embedder.name]:
        _embed_again(stale, records, embedder)
    vectors = np.frombuffer(b"".join(r.vector for r in rows), np.float16).reshape(len(rows), embedder.dimension)
    cases.add([Case(r.text, r.code, "ticket", r.id, r.unit, r.returned) for r in rows], vectors.astype(np.float32))
    cases.mark = mark
    return True


def _hear_outcomes(cases: SimilarCases, records: Records) -> None:
    """Read the outcomes stored since the last look, and those of a moment before: a write may end late."""
    since = cases.heard - LATE if cases.heard > datetime.datetime.min else cases.heard
    with records.read() as session:
        rows = list(session.scalars(select(OutcomeRow).where(OutcomeRow.stored_at >= since)))
    if rows:
        cases.learn({r.ticket_id: ended(r) for r in rows})
        cases.heard = max(cases.heard, *(r.stored_at for r in rows))


def ended(row: OutcomeRow) -> str:
    """Return in a few words how a ticket ended, such as 已办结、未解决、不满意;曾退回(不属本单位职责)."""
    words = ["已办结" if row.closed_at else "未办结"]
    if row.solved is not None:
        words.append("已解决" if row.solved else "未解决")
    if row.satisfaction:
        words.append(row.satisfaction)
    return "、".join(words) + (f";曾退回({row.reason})" if row.reason else "")


def _embed_again(rows: Sequence[TicketRow], records: Records, embedder: Embedder) -> None:
    for start in range(0, len(rows), 256):
        some = rows[start : start + 256]
        vectors = embedder.encode([r.text for r in some], kind="query").astype(np.float16)
        with records.write() as session:
            for row, vector in zip(some, vectors, strict=True):
                row.encoder, row.vector = embedder.name, vector.tobytes()
                session.merge(row)


def _examples(settings: Settings, bundle: Bundle, catalog: Catalog) -> tuple[list[Case], NDArray[np.float32]]:
    """Written examples and their vectors, when the file is the one the bundle was trained on."""
    path, vectors = settings.data / "tickets" / "examples.csv", settings.bundle_now / EXAMPLES
    trained_on = bundle.manifest["examples"]["sha256"]
    if not (path.is_file() and vectors.is_file() and file_hash(path) == trained_on):
        return [], np.zeros((0, bundle.embedder.dimension), np.float32)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(r["text"], r["code"]) for r in csv.DictReader(file)]
    kept = [i for i, (_, code) in enumerate(rows) if code in catalog.nodes]
    return [Case(*rows[i]) for i in kept], load_vectors(vectors)[kept]
