"""Tables of the service (keys, sessions, audit, feedback, tickets, outcomes) and how they are written; no entries."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, LargeBinary, String, Text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from kb.database import Base, connect


class KeyRow(Base):
    """An API key; only the argon2 hash of its secret is kept."""

    __tablename__ = "api_key"
    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    hash: Mapped[str] = mapped_column(String(256))
    rate: Mapped[int]
    created_at: Mapped[datetime.datetime]
    expires_at: Mapped[datetime.datetime | None]
    revoked_at: Mapped[datetime.datetime | None]


class SessionRow(Base):
    """A panel session; `digest` is the sha256 of the cookie, `csrf` of the token that writes must bring."""

    __tablename__ = "panel_session"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))
    csrf: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime.datetime]


class AuditRow(Base):
    """A line of the audit trail; `hash` covers the line and `previous`, the hash of the line before."""

    __tablename__ = "audit"
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(100))
    what: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class FeedbackRow(Base):
    """What an operator said about a proposal; `text` is masked."""

    __tablename__ = "feedback"
    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    call_id: Mapped[str] = mapped_column(String(64), index=True)
    text: Mapped[str] = mapped_column(Text)
    field: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(16))
    proposed: Mapped[str] = mapped_column(String(200))
    value: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime.datetime] = mapped_column(index=True)
    bundle: Mapped[str] = mapped_column(String(64))
    kb: Mapped[str] = mapped_column(String(64))


class TicketRow(Base):
    """An accepted ticket; `text` is masked, `vector` its embedding (float16) by `encoder`."""

    __tablename__ = "ticket"
    seq: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(String(64), unique=True)
    text: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(String(32))
    request_type: Mapped[str] = mapped_column(String(16))
    unit: Mapped[str] = mapped_column(String(100))
    district: Mapped[str] = mapped_column(String(32))
    returned: Mapped[bool]
    accepted_at: Mapped[datetime.datetime] = mapped_column(index=True)
    stored_at: Mapped[datetime.datetime]
    encoder: Mapped[str] = mapped_column(String(100))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class OutcomeRow(Base):
    """What became of a ticket: known only after dispatch, so kept apart from what a model may learn from."""

    __tablename__ = "ticket_outcome"
    ticket_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    caller: Mapped[str] = mapped_column(String(64), index=True)
    """A pseudonym of the caller, such as the platform's hash of the number; never the number."""
    community: Mapped[str] = mapped_column(String(64))
    first_unit: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(200))
    """Why it was returned or passed on; empty when it was not."""
    closed_at: Mapped[datetime.datetime | None]
    contacted: Mapped[bool | None]
    solved: Mapped[bool | None]
    satisfaction: Mapped[str] = mapped_column(String(16))
    stored_at: Mapped[datetime.datetime] = mapped_column(index=True)


class IdempotencyRow(Base):
    """The reply to a write that carried an idempotency key."""

    __tablename__ = "idempotency"
    who: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime.datetime] = mapped_column(index=True)


class KeyReuseError(ValueError):
    """An idempotency key that came before with another content."""


def now() -> datetime.datetime:
    """Return the time as it is stored: UTC without zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


class Records:
    """The open database of the service; every write is one transaction that survives a kill once acknowledged."""

    def __init__(self, url: str) -> None:
        self.engine: Engine = connect(url)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session in a transaction that is committed at the end, rolled back on an exception."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            if self.engine.dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session

    def read(self) -> Session:
        """Return a session for reading; use it in a `with` statement."""
        return Session(self.engine, expire_on_commit=False)

    def once(
        self, who: str, key: str, content: object, make: Callable[[Session], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """Return (reply of `make`, whether it is a repetition): a key seen before with the same content is not redone.

        An empty `key` is always done. Raises KeyReuseError for a key seen before with another content.
        """
        if not key:
            with self.write() as session:
                return make(session), False
        key = hashlib.sha256(key.encode()).hexdigest()  # a key may hold anything, a telephone number too
        fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
        try:
            with self.write() as session:
                row = session.get(IdempotencyRow, (who, key))
                if row is None:
                    reply = make(session)
                    body = json.dumps(reply, ensure_ascii=False)
                    session.add(IdempotencyRow(who=who, key=key, fingerprint=fingerprint, body=body, at=now()))
                    return reply, False
        except IntegrityError:
            with self.read() as session:
                row = session.get(IdempotencyRow, (who, key))
            if row is None:
                raise
        if row.fingerprint != fingerprint:
            raise KeyReuseError("Idempotency-Key: 此前用于另一份内容,请换一个")
        return json.loads(row.body), True

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()
