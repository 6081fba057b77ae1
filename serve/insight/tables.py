"""Tables of insight: calls as the service saw them, and a city's own monthly totals."""

from __future__ import annotations

import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.database import Base


class CallRow(Base):
    """A call that was over, as the service judged it; `text` is masked."""

    __tablename__ = "call_seen"
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    text: Mapped[str] = mapped_column(Text)
    request_type: Mapped[str] = mapped_column(String(16))
    answered: Mapped[bool]
    entry_id: Mapped[str] = mapped_column(String(64))
    answer_confidence: Mapped[float]
    code: Mapped[str] = mapped_column(String(32))
    """The most likely leaf, however unsure."""
    depth: Mapped[int]
    """The deepest level to rely on; 0 = none."""
    category_confidence: Mapped[float]
    unit: Mapped[str] = mapped_column(String(100))
    district: Mapped[str] = mapped_column(String(32))
    bundle: Mapped[str] = mapped_column(String(64))
    kb: Mapped[str] = mapped_column(String(64))


class MonthRow(Base):
    """A month's totals as the city's platform counts them; they go before what the stored tickets give."""

    __tablename__ = "month_total"
    month: Mapped[str] = mapped_column(String(7), primary_key=True)
    received: Mapped[int]
    closed: Mapped[int]
    followed: Mapped[int | None]
    contacted: Mapped[int | None]
    solved: Mapped[int | None]
    satisfied: Mapped[int | None]
    partly: Mapped[int | None]
    dissatisfied: Mapped[int | None]
    closed_rate: Mapped[float | None]
    response_rate: Mapped[float | None]
    solved_rate: Mapped[float | None]
    satisfied_rate: Mapped[float | None]
    source: Mapped[str] = mapped_column(String(200))
    who: Mapped[str] = mapped_column(String(100))
    stored_at: Mapped[datetime.datetime]
