"""The queue of questions that were not answered: masked, clustered by likeness as they come, counted, worked off."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.database import Base
from kb.likeness import SAME_SUBJECT
from kb.store import lock, now
from kb.workflow import NotAllowedError, StoreError, UnknownEntryError
from models.masking import mask
from models.text import normalise

LONGEST_SAMPLE = 200
"""Characters of a sample that are kept; what a question is about stands at its beginning."""


class UnansweredRow(Base):
    """A cluster of like questions; `vector` is their mean as float32, `sample` the newest of them, masked."""

    __tablename__ = "unanswered"
    id: Mapped[int] = mapped_column(primary_key=True)
    sample: Mapped[str] = mapped_column(Text)
    vector: Mapped[bytes] = mapped_column(LargeBinary)
    encoder: Mapped[str] = mapped_column(String(64))
    asked: Mapped[int]
    first_at: Mapped[datetime.datetime]
    last_at: Mapped[datetime.datetime] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    assignee: Mapped[str] = mapped_column(String(64))
    entry_id: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text)
    handled_by: Mapped[str] = mapped_column(String(64))


@dataclass(frozen=True)
class Unanswered:
    """A cluster of like questions that were not answered; `status` is open, assigned or closed."""

    id: int
    sample: str
    asked: int
    first_at: datetime.datetime
    last_at: datetime.datetime
    status: str
    assignee: str
    entry_id: str
    note: str
    handled_by: str


class UnansweredQueue:
    """The queue in the database of a store; vectors of another encoder start clusters of their own."""

    def __init__(self, engine: Engine, encoder: str, *, likeness: float = SAME_SUBJECT) -> None:
        self._engine, self._encoder, self._likeness = engine, encoder[:64], likeness

    def add(self, questions: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add questions with their unit vectors of shape (n, dimension).

        Each joins the nearest cluster that is not closed, from the likeness on, or starts one.
        """
        if not len(questions):
            return
        with Session(self._engine) as session, session.begin():
            lock(session, "unanswered")
            waiting = select(UnansweredRow).where(
                UnansweredRow.encoder == self._encoder, UnansweredRow.status != "closed"
            )
            rows = list(session.scalars(waiting))
            means = np.zeros((len(rows) + len(questions), vectors.shape[1]), np.float32)
            for i, row in enumerate(rows):
                means[i] = np.frombuffer(row.vector, np.float32)
            for question, vector in zip(questions, vectors, strict=True):
                alike = means[: len(rows)] @ vector
                best = int(alike.argmax()) if len(rows) else -1
                if best < 0 or alike[best] < self._likeness:
                    row = UnansweredRow(
                        encoder=self._encoder, asked=0, first_at=now(), status="open", assignee="", entry_id="",
                        note="", handled_by="", vector=b"",
                    )  # fmt: skip
                    session.add(row)
                    rows.append(row)
                    best = len(rows) - 1
                row = rows[best]
                mean = means[best] * row.asked + vector
                means[best] = mean / np.linalg.norm(mean)
                row.vector, row.asked, row.last_at = means[best].tobytes(), row.asked + 1, now()
                row.sample = _sample(question)

    def list(self, *, status: str = "", limit: int = 50) -> tuple[Unanswered, ...]:
        """Return clusters, the most asked first: those of a status, or all that are not closed."""
        query = select(UnansweredRow).order_by(UnansweredRow.asked.desc(), UnansweredRow.last_at.desc()).limit(limit)
        wanted = UnansweredRow.status == status if status else UnansweredRow.status != "closed"
        with Session(self._engine) as session:
            return tuple(_cluster(r) for r in session.scalars(query.where(wanted)))

    def assign(
        self, number: int, assignee: str, *, who: str, entry_id: str = "", within: Session | None = None
    ) -> Unanswered:
        """Give a cluster to somebody, with the entry that is being written for it, if there is one.

        Raises UnknownEntryError, NotAllowedError when it is closed. `within` is the transaction to write in.
        """
        if not 1 <= len(assignee.strip()) <= 64:
            raise StoreError(f"受派人:应为 1 至 64 字,实为 {assignee[:70]!r}")
        return self._handle(number, who, within, status="assigned", assignee=assignee, entry_id=entry_id[:64])

    def close(
        self, number: int, *, who: str, entry_id: str = "", note: str = "", within: Session | None = None
    ) -> Unanswered:
        """Close a cluster, answered by an entry or with a note; a like question opens a new one."""
        if not entry_id and not note.strip():
            raise StoreError("关闭:应给出解决它的条目或说明,实际都没有")
        return self._handle(number, who, within, status="closed", entry_id=entry_id[:64], note=note)

    def _handle(self, number: int, who: str, within: Session | None, **values: str) -> Unanswered:
        if within is None:
            with Session(self._engine) as session, session.begin():
                return self._handle(number, who, session, **values)
        lock(within, "unanswered")
        row = within.get(UnansweredRow, number)
        if row is None:
            raise UnknownEntryError(f"没有未答问题 {number}")
        if row.status == "closed":
            raise NotAllowedError(f"未答问题 {number} 已由 {row.handled_by} 关闭")
        for name, value in {**values, "handled_by": who[:64]}.items():
            setattr(row, name, value)
        within.flush()
        return _cluster(row)


def _sample(question: str) -> str:
    return mask(normalise(question))[:LONGEST_SAMPLE]


def _cluster(row: UnansweredRow) -> Unanswered:
    return Unanswered(
        row.id, row.sample, row.asked, row.first_at, row.last_at, row.status, row.assignee, row.entry_id, row.note,
        row.handled_by,
    )  # fmt: skip
