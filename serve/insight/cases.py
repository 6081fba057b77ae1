"""The rows that figures are made of, read once for a period: tickets with what became of them, calls and feedback."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from models.catalog import Catalog
from serve import records as tables
from serve.insight.tables import CallRow
from serve.records import OutcomeRow, Records, TicketRow


@dataclass(frozen=True)
class Period:
    """Days from `start` to `end`, both included, in the city's time (`offset` hours from UTC)."""

    start: datetime.date
    end: datetime.date
    offset: float

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.end - self.start).days + 1

    def each(self) -> Iterator[datetime.date]:
        """Yield the days."""
        for i in range(self.days):
            yield self.start + datetime.timedelta(days=i)

    def before(self) -> Period:
        """Return the period of the same length that ends the day before."""
        end = self.start - datetime.timedelta(days=1)
        return Period(end - datetime.timedelta(days=self.days - 1), end, self.offset)

    def year_before(self) -> Period:
        """Return the same days a year earlier, shifted by 52 weeks so that weekdays meet weekdays."""
        year = datetime.timedelta(weeks=52)
        return Period(self.start - year, self.end - year, self.offset)

    def bounds(self) -> tuple[datetime.datetime, datetime.datetime]:
        """Return [from, to) in UTC without zone, as moments are stored."""
        shift = datetime.timedelta(hours=self.offset)
        start = datetime.datetime.combine(self.start, datetime.time()) - shift
        return start, datetime.datetime.combine(self.end, datetime.time()) + datetime.timedelta(days=1) - shift

    def day(self, moment: datetime.datetime) -> datetime.date:
        """Return the day of a stored moment in the city's time."""
        return (moment + datetime.timedelta(hours=self.offset)).date()


@dataclass(frozen=True)
class Case:
    """A ticket and what became of it; unknown things are empty or None."""

    seq: int
    id: str
    day: datetime.date
    at: datetime.datetime
    text: str
    code: str
    request_type: str
    unit: str
    district: str
    returned: bool
    caller: str = ""
    community: str = ""
    first_unit: str = ""
    reason: str = ""
    closed_at: datetime.datetime | None = None
    contacted: bool | None = None
    solved: bool | None = None
    satisfaction: str = ""

    @property
    def transferred(self) -> bool:
        """Whether the first unit did not keep it: it was returned, or another unit has it now."""
        return (
            self.returned or bool(self.reason) or bool(self.first_unit and self.unit and self.first_unit != self.unit)
        )


@dataclass(frozen=True)
class Call:
    """A call as the service judged it."""

    seq: int
    day: datetime.date
    text: str
    request_type: str
    answered: bool
    entry_id: str
    answer_confidence: float
    code: str
    depth: int
    category_confidence: float
    unit: str
    district: str
    bundle: str


@dataclass(frozen=True)
class Opinion:
    """What an operator said last about a proposal; a choice that was taken back is none."""

    seq: int
    day: datetime.date
    text: str
    field: str
    verdict: str
    proposed: str
    value: str


@dataclass(frozen=True)
class Scope:
    """Narrowing of the rows; empty = all. `category` is a code or the beginning of one."""

    category: str = ""
    district: str = ""
    unit: str = ""

    def holds(self, code: str, district: str, unit: str) -> bool:
        """Whether a row with these values is within."""
        return (
            code.startswith(self.category)
            and (not self.district or district == self.district)
            and (not self.unit or unit == self.unit)
        )


@dataclass(frozen=True)
class Rows:
    """Everything a period holds."""

    period: Period
    cases: tuple[Case, ...] = ()
    calls: tuple[Call, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    names: dict[str, str] = field(default_factory=dict)
    """Name by code of the classification."""


def read_cases(records: Records, period: Period, scope: Scope = Scope()) -> tuple[Case, ...]:
    """Return the tickets accepted in a period, oldest first."""
    start, end = period.bounds()
    t, o = TicketRow, OutcomeRow
    query = (
        select(
            t.seq, t.id, t.accepted_at, t.text, t.code, t.request_type, t.unit, t.district, t.returned,
            o.caller, o.community, o.first_unit, o.reason, o.closed_at, o.contacted, o.solved, o.satisfaction,
        )
        .join(o, o.ticket_id == t.id, isouter=True)
        .where(t.accepted_at >= start, t.accepted_at < end)
        .order_by(t.accepted_at, t.seq)
    )  # fmt: skip
    with records.read() as session:
        found = session.execute(query).all()
    return tuple(
        Case(
            r.seq, r.id, period.day(r.accepted_at), r.accepted_at, r.text, r.code, r.request_type, r.unit, r.district,
            r.returned, r.caller or "", r.community or "", r.first_unit or "", r.reason or "", r.closed_at,
            r.contacted, r.solved, r.satisfaction or "",
        )
        for r in found if scope.holds(r.code, r.district, r.unit)
    )  # fmt: skip


def read_vectors(
    records: Records, cases: tuple[Case, ...], encoder: str
) -> tuple[tuple[Case, ...], NDArray[np.float32]]:
    """Return the tickets embedded by `encoder` and their unit vectors of shape (n_cases, dimension)."""
    by_seq = {c.seq: c for c in cases}
    kept: list[Case] = []
    parts: list[bytes] = []
    numbers = sorted(by_seq)
    with records.read() as session:
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            query = select(TicketRow.seq, TicketRow.vector).where(TicketRow.seq.in_(some), TicketRow.encoder == encoder)
            for row in session.execute(query.order_by(TicketRow.seq)):
                kept.append(by_seq[row.seq])
                parts.append(row.vector)
    if not kept:
        return (), np.zeros((0, 1), np.float32)
    vectors = np.frombuffer(b"".join(parts), np.float16).reshape(len(kept), -1).astype(np.float32)
    return tuple(kept), vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def read_calls(records: Records, period: Period, scope: Scope = Scope()) -> tuple[Call, ...]:
    """Return the calls seen in a period, oldest first."""
    start, end = period.bounds()
    query = select(CallRow).where(CallRow.at >= start, CallRow.at < end).order_by(CallRow.seq)
    with records.read() as session:
        return tuple(
            Call(
                r.seq, period.day(r.at), r.text, r.request_type, r.answered, r.entry_id, r.answer_confidence, r.code,
                r.depth, r.category_confidence, r.unit, r.district, r.bundle,
            )
            for r in session.scalars(query) if scope.holds(r.code, r.district, r.unit)
        )  # fmt: skip


def read_opinions(records: Records, period: Period) -> tuple[Opinion, ...]:
    """Return the last word on each proposal of a period: one for a call (or text) and field."""
    start, end = period.bounds()
    f = tables.FeedbackRow
    query = select(f.seq, f.at, f.call_id, f.text, f.field, f.verdict, f.proposed, f.value).where(
        f.at >= start, f.at < end
    )
    last: dict[tuple[str, str, str, str], Opinion] = {}
    with records.read() as session:
        for r in session.execute(query.order_by(f.seq)):
            opinion = Opinion(r.seq, period.day(r.at), r.text, r.field, r.verdict, r.proposed, r.value)
            last[(r.call_id, r.text, r.field, r.proposed)] = opinion
    return tuple(sorted(last.values(), key=lambda o: o.seq))


def read(records: Records, catalog: Catalog, period: Period, scope: Scope = Scope()) -> Rows:
    """Return everything of a period; feedback does not say where or who, so a narrowed view has none of it."""
    opinions = read_opinions(records, period) if scope == Scope() else ()
    names = {code: node.name for code, node in catalog.nodes.items()}
    return Rows(period, read_cases(records, period, scope), read_calls(records, period, scope), opinions, names)
