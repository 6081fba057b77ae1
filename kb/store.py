"""The entries in a database: every change makes a version with who, when and why; SQLite by default."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence

from sqlalchemy import ForeignKey, String, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.database import Base, connect
from kb.entry import KnowledgeEntry, from_row, to_row


class EntryRow(Base):
    """The current version of an entry; `content` is its row as JSON."""

    __tablename__ = "entry"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    content: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(index=True)


class VersionRow(Base):
    """A version of an entry; `revision` counts all changes of the knowledge base."""

    __tablename__ = "entry_version"
    revision: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime.datetime]


class EntryStore:
    """Entries and their versions in the database at `url`; one import is one transaction."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url)

    def upsert(self, entries: Iterable[KnowledgeEntry], *, who: str, why: str) -> int:
        """Store new and changed entries, all or none; return how many were new or changed."""
        changed = 0
        with Session(self._engine) as session, session.begin():
            revision = session.scalar(select(func.max(VersionRow.revision))) or 0
            for entry in entries:
                content = json.dumps(to_row(entry), ensure_ascii=False, sort_keys=True)
                row = session.get(EntryRow, entry.id)
                if row is not None and row.content == content:
                    continue
                revision, changed = revision + 1, changed + 1
                if row is None:
                    row = EntryRow(id=entry.id)
                    session.add(row)
                row.status, row.content, row.revision = entry.status, content, revision
                session.flush()
                at = datetime.datetime.now(datetime.UTC)
                session.add(VersionRow(revision=revision, entry_id=entry.id, content=content, who=who, why=why, at=at))
        return changed

    def entries(self, *, status: str | None = None) -> list[KnowledgeEntry]:
        """Return the current entries by id, all or those of one status."""
        query = select(EntryRow.content).order_by(EntryRow.id)
        if status:
            query = query.where(EntryRow.status == status)
        with Session(self._engine) as session:
            return [from_row(json.loads(c)) for c in session.scalars(query)]

    def versions(self, entry_id: str) -> Sequence[tuple[int, str, str, KnowledgeEntry]]:
        """Return (revision, who, why, entry) of every version, the oldest first."""
        query = select(VersionRow).where(VersionRow.entry_id == entry_id).order_by(VersionRow.revision)
        with Session(self._engine) as session:
            return [(v.revision, v.who, v.why, from_row(json.loads(v.content))) for v in session.scalars(query)]

    @property
    def revision(self) -> int:
        """The number of changes so far; it names the version of the knowledge base."""
        with Session(self._engine) as session:
            return session.scalar(select(func.max(VersionRow.revision))) or 0

    def close(self) -> None:
        """Release the connections."""
        self._engine.dispose()
