"""What operators did with answers: hits counted, clicks and corrections kept as relevance feedback for training."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.database import Base
from kb.store import lock, now
from kb.tables import EntryRow
from kb.workflow import StoreError, UnknownEntryError
from models.masking import mask
from models.text import normalise

VERDICTS = {"clicked": "点开", "right": "答对", "wrong": "答错", "corrected": "改选"}
"""`corrected` names the entry that an operator chose instead; the one shown is told as `wrong`."""


class HitRow(Base):
    """How often an entry answered."""

    __tablename__ = "entry_hit"
    entry_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    hits: Mapped[int]
    last_at: Mapped[datetime.datetime]


class FeedbackRow(Base):
    """A verdict on an entry for a question (masked)."""

    __tablename__ = "relevance_feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[str] = mapped_column(String(64), index=True)
    verdict: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime.datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Verdict:
    """One row of relevance feedback; `at` is UTC."""

    id: int
    question: str
    entry_id: str
    verdict: str
    who: str
    at: datetime.datetime


class Feedback:
    """Hits and relevance feedback in the database of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, question: str, entry_id: str, verdict: str, *, who: str, instead_of: str = "") -> None:
        """Keep a verdict; for `corrected`, `instead_of` is the entry shown, kept as `wrong` in the same transaction.

        Raises StoreError for another verdict or an empty question, UnknownEntryError for an unknown entry.
        """
        if verdict not in VERDICTS:
            raise StoreError(f"判断:应为 {'、'.join(VERDICTS)},实为 {verdict[:20]}")
        masked = mask(normalise(question))[:500]
        if not masked or not who.strip():
            raise StoreError("反馈:应有问题和操作人,实际为空")
        rows = [(entry_id, verdict)]
        if verdict == "corrected" and instead_of and instead_of != entry_id:
            rows.append((instead_of, "wrong"))
        with Session(self._engine) as session, session.begin():
            for name, told in rows:
                if session.get(EntryRow, name) is None:
                    raise UnknownEntryError(f"没有条目 {name}")
                session.add(FeedbackRow(question=masked, entry_id=name, verdict=told, who=who[:64], at=now()))

    def rows(self, *, since: int = 0) -> tuple[Verdict, ...]:
        """Return the verdicts after the row number `since`, in order."""
        query = select(FeedbackRow).where(FeedbackRow.id > since).order_by(FeedbackRow.id)
        with Session(self._engine) as session:
            return tuple(Verdict(r.id, r.question, r.entry_id, r.verdict, r.who, r.at) for r in session.scalars(query))

    def add_hits(self, hits: Mapping[str, int]) -> None:
        """Count answers given from entries."""
        if not hits:
            return
        with Session(self._engine) as session, session.begin():
            lock(session, "unanswered")
            for entry_id, count in hits.items():
                row = session.get(HitRow, entry_id)
                if row is None:
                    session.add(HitRow(entry_id=entry_id, hits=count, last_at=now()))
                else:
                    row.hits, row.last_at = row.hits + count, now()

    def hits(self) -> dict[str, int]:
        """Return how often each entry answered; entries that never did are missing."""
        with Session(self._engine) as session:
            return {row.entry_id: row.hits for row in session.scalars(select(HitRow))}
