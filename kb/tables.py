"""The tables of entries and their versions; what may be done with them is in `kb.store`."""

from __future__ import annotations

import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kb.database import Base


class EntryRow(Base):
    """The working copy of an entry; `content` is its row as JSON.

    `author` made the current content. `live_revision` is the version that is answered from: it stays while a
    later draft is worked on, and is empty before the first publication and after retirement. `question`,
    `category`, `department` and `region` repeat the content for filtering.
    """

    __tablename__ = "entry"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[str] = mapped_column(String(16), index=True)
    content: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(index=True)
    author: Mapped[str] = mapped_column(String(64))
    live_revision: Mapped[int | None]
    changed_at: Mapped[datetime.datetime]
    question: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(String(32), index=True)
    department: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(String(64))


class VersionRow(Base):
    """A version of an entry; `revision` counts all changes of the knowledge base, `at` is UTC without zone."""

    __tablename__ = "entry_version"
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(ForeignKey("entry.id"), index=True)
    content: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(16))
    who: Mapped[str] = mapped_column(String(64))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime.datetime]


class CounterRow(Base):
    """A counter whose row is locked by whoever writes, so that writers queue on SQLite and PostgreSQL alike."""

    __tablename__ = "kb_counter"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[int]
