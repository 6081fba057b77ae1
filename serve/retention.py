"""Deleting what is older than the limit: feedback, tickets, outcomes, calls, old replies, backups; never the audit."""

from __future__ import annotations

import datetime
from pathlib import Path

from sqlalchemy import delete, text

from serve import audit
from serve.backup import older_than
from serve.insight.tables import CallRow, OutcomeRow
from serve.records import FeedbackRow, IdempotencyRow, Records, SessionRow, TicketRow, now

_WHAT = (
    ("feedback", FeedbackRow, FeedbackRow.at),
    ("tickets", TicketRow, TicketRow.accepted_at),
    ("calls", CallRow, CallRow.at),
    ("outcomes", OutcomeRow, OutcomeRow.stored_at),
    ("idempotency", IdempotencyRow, IdempotencyRow.at),
    ("sessions", SessionRow, SessionRow.expires_at),
)


def apply(records: Records, *, days: int, backups: Path | None = None, who: str = "retention") -> dict[str, int]:
    """Delete what is older than `days`, also from `backups`; return how many of each are gone.

    The pages they lay on are overwritten (SQLite: secure_delete, VACUUM and an emptied write-ahead log), so the
    text is gone from the file, not only from the tables. Replicas drop the tickets at their next look.
    """
    limit = now() - datetime.timedelta(days=days)
    gone: dict[str, int] = {}
    sqlite = records.engine.dialect.name == "sqlite"
    with records.write() as session:
        if sqlite:
            session.execute(text("PRAGMA secure_delete=ON"))
        for name, table, at in _WHAT:
            result = session.execute(delete(table).where(at < limit))
            gone[name] = int(getattr(result, "rowcount", 0))
        old = older_than(backups, days) if backups else []
        gone["backups"] = len(old)
        audit.append(session, who=who, what="retention", detail={"days": days, **gone})
    for path in old:
        path.unlink()
    with records.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if sqlite:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for _, table, _ in _WHAT:
                connection.exec_driver_sql(f"VACUUM {table.__tablename__}")
    return gone
