"""Deleting what is older than the limit, and proving it gone: tables, files, caches, backups; never the audit."""

from __future__ import annotations

import contextlib
import datetime
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text

from kb.feedback import FeedbackRow as RelevanceRow
from kb.unanswered import UnansweredRow
from serve import audit
from serve.backup import older_than, unpack
from serve.insight.tables import CallRow
from serve.records import FeedbackRow, IdempotencyRow, OutcomeRow, Records, SessionRow, TicketRow, now

_WHAT: tuple[tuple[str, Any, Any], ...] = (
    ("feedback", FeedbackRow, FeedbackRow.at),
    ("relevance", RelevanceRow, RelevanceRow.at),
    ("unanswered", UnansweredRow, UnansweredRow.last_at),
    ("tickets", TicketRow, TicketRow.accepted_at),
    ("calls", CallRow, CallRow.at),
    ("outcomes", OutcomeRow, OutcomeRow.stored_at),
    ("idempotency", IdempotencyRow, IdempotencyRow.at),
    ("sessions", SessionRow, SessionRow.expires_at),
)
NAMES = {
    "feedback": "反馈", "relevance": "答复评价", "unanswered": "未答问题", "tickets": "工单", "calls": "来电",
    "outcomes": "办理结果", "idempotency": "幂等键", "sessions": "登录", "runs": "训练留下的文字", "backups": "备份",
}  # fmt: skip
_TEXTS = ("*.csv", "*.xlsx", "*.jsonl", "*.parquet")
"""Files of a training run that hold texts of tickets; its report and figures stay."""


@dataclass(frozen=True)
class Finding:
    """Something that is still there and should not be: `what`, and where."""

    what: str
    where: str


def apply(
    records: Records, *, days: int, backups: Path | None = None, backup_days: int | None = None,
    home: Path | None = None, who: str = "retention",
) -> dict[str, int]:  # fmt: skip
    """Delete what is older than `days`; return how many of each are gone.

    Also backups older than `backup_days` (default: `days`) from `backups`, and the texts that training left in
    `home`, with its cache of vectors when tickets went. The pages they lay on are overwritten (SQLite:
    secure_delete, VACUUM and an emptied write-ahead log), so the text is gone from the file, not only from the
    tables. Replicas drop the tickets from their index at their next look.
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
        left = list(_old_texts(home, limit)) if home else []
        old = older_than(backups, backup_days or days) if backups else []
        gone |= {"runs": len(left), "backups": len(old)}
        audit.append(session, who=who, what="retention", detail={"days": days, **gone})
    for path in (*left, *old):
        path.unlink(missing_ok=True)
    if home and (gone["tickets"] or left):
        shutil.rmtree(home / "training" / "embeddings", ignore_errors=True)
    with records.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if sqlite:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            for _, table, _ in _WHAT:
                connection.exec_driver_sql(f"VACUUM {table.__tablename__}")
    return gone


def verify(
    records: Records, *, days: int, home: Path, backups: Path | None = None, backup_days: int | None = None
) -> list[Finding]:
    """Return what is still there although it is older than the limit; nothing when it is all gone.

    Looks into every table, at the pages that SQLite has freed but not overwritten, at the files of training, and
    into the database of every backup: a row in a backup may be as old as `days` and `backup_days` together, since it
    was young enough when the backup was made.
    """
    limit = now() - datetime.timedelta(days=days)
    found = []
    with records.read() as session:
        for name, table, at in _WHAT:
            if count := session.scalar(select(func.count()).select_from(table).where(at < limit)):
                found.append(Finding(f"{NAMES[name]} {count}", table.__tablename__))
        if records.engine.dialect.name == "sqlite" and (
            free := session.execute(text("PRAGMA freelist_count")).scalar()
        ):
            found.append(Finding(f"已删而未覆写的页 {free}", "SQLite"))
    found += [Finding(NAMES["runs"], str(path)) for path in _old_texts(home, limit)]
    if backups:
        kept = backup_days or days
        found += [Finding("过期的备份", str(path)) for path in older_than(backups, kept)]
        oldest = limit - datetime.timedelta(days=kept)
        for path in sorted(set(backups.glob("yousu-*.tar.gz")) - set(older_than(backups, kept))):
            found += [Finding(f"{NAMES[name]} {count}", str(path)) for name, count in _rows_in_backup(path, oldest)]
    return found


def _old_texts(home: Path, limit: datetime.datetime) -> Iterator[Path]:
    seconds = limit.replace(tzinfo=datetime.UTC).timestamp()
    for pattern in _TEXTS:
        for path in sorted((home / "training" / "runs").glob(f"*/{pattern}")):
            if path.stat().st_mtime < seconds:
                yield path


def _rows_in_backup(path: Path, limit: datetime.datetime) -> Iterator[tuple[str, int]]:
    """Yield (what, how many) rows of a backup that are older than `limit`; a PostgreSQL dump cannot be looked into."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
        unpack(archive, folder, "database")
        with contextlib.closing(sqlite3.connect(Path(folder) / "database")) as copy:
            for name, table, at in _WHAT:
                query = f"SELECT count(*) FROM {table.__tablename__} WHERE {at.key} < ?"  # nosec B608
                try:
                    count = copy.execute(query, (limit.isoformat(" "),)).fetchone()[0]
                except sqlite3.DatabaseError:  # a dump of PostgreSQL, or a table that came later
                    continue
                if count:
                    yield name, count
