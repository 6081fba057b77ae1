"""The audit trail: who did what to which object, in lines that are chained by hash so that a change shows."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from serve.records import AuditRow, Records

START = "0" * 64
_LOCK = 812_345
"""The advisory lock under which PostgreSQL appends; SQLite has one writer at a time anyway."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check of the chain; `fault` is empty when every line fits."""

    lines: int
    head: str
    fault: str


def append(
    session: Session, *, who: str, what: str, object: str = "", detail: dict[str, object] | None = None,
    request_id: str = "",
) -> None:  # fmt: skip
    """Add a line within the transaction of `session`, so that the act and its line stand or fall together."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = session.scalars(select(AuditRow).order_by(AuditRow.seq.desc()).limit(1)).first()
    row = AuditRow(
        seq=(last.seq if last else 0) + 1,
        at=datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        who=who[:100],
        what=what[:64],
        object=object[:200],
        detail=json.dumps(detail or {}, ensure_ascii=False, sort_keys=True),
        request_id=request_id[:64],
        previous=last.hash if last else START,
    )
    row.hash = line_hash(row)
    session.add(row)
    session.flush()


def record(records: Records, **line: object) -> None:
    """Add a line in a transaction of its own; the arguments are those of `append`."""
    with records.write() as session:
        append(session, **line)  # type: ignore[arg-type]


def line_hash(row: AuditRow) -> str:
    """Return the sha256 over every field of a line and the hash of the line before."""
    fields = [row.seq, row.at, row.who, row.what, row.object, row.detail, row.request_id, row.previous]
    return hashlib.sha256(json.dumps(fields, ensure_ascii=False).encode()).hexdigest()


def verify(records: Records, *, expected_head: str = "") -> Verdict:
    """Check every line of the chain; `expected_head` (kept elsewhere) also shows lines cut off the end."""
    previous, count, seen_head = START, 0, not expected_head
    with records.read() as session:
        for row in session.scalars(select(AuditRow).order_by(AuditRow.seq).execution_options(yield_per=1000)):
            count += 1
            if row.seq != count:
                return Verdict(count, previous, f"第 {count} 行缺失,其后为第 {row.seq} 行")
            if row.previous != previous or row.hash != line_hash(row):
                return Verdict(count, previous, f"第 {row.seq} 行({row.at} {row.who} {row.what})与其校验值不符")
            previous = row.hash
            seen_head = seen_head or row.hash == expected_head
    return Verdict(count, previous, "" if seen_head else f"没有校验值为 {expected_head[:12]}… 的行,末尾可能被截去")


def lines(records: Records, *, after: int = 0, limit: int = 100, object: str = "") -> Sequence[AuditRow]:
    """Return the lines after number `after`, oldest first, all or those about one object."""
    query = select(AuditRow).where(AuditRow.seq > after).order_by(AuditRow.seq).limit(limit)
    if object:
        query = query.where(AuditRow.object == object)
    with records.read() as session:
        return list(session.scalars(query))
