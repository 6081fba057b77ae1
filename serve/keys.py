"""API keys and panel sessions: made, rotated, revoked and verified; secrets are hashed with argon2 and shown once."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select

from serve.permissions import ROLES
from serve.records import KeyRow, Records, SessionRow, now

PREFIX = "ys"


class KeyFaultError(ValueError):
    """A key that cannot be made, changed or used; the message says why."""


@dataclass(frozen=True)
class Key:
    """A key as it is shown; never its secret."""

    id: str
    name: str
    role: str
    rate: int
    created_at: datetime.datetime
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None

    @property
    def who(self) -> str:
        """The name under which the key's actions are recorded."""
        return f"{self.name}#{self.id}"

    @property
    def usable(self) -> bool:
        """Whether the key opens anything now."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now())


def _hasher():  # type: ignore[no-untyped-def]  # argon2 is imported only where a key is used
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _shown(row: KeyRow) -> Key:
    return Key(row.id, row.name, row.role, row.rate, row.created_at, row.expires_at, row.revoked_at)


class KeyRing:
    """The keys of a database; a verified key is remembered by digest, so that argon2 runs once per key and process."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._verified: dict[str, bytes] = {}
        self._rows: dict[str, tuple[Key, str]] = {}
        self._sessions: dict[str, tuple[str, str, datetime.datetime]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read keys again, so that a revoked one stops working on every replica within one look."""
        with self._records.read() as session:
            rows = list(session.scalars(select(KeyRow)))
        self._rows = {r.id: (_shown(r), r.hash) for r in rows}
        self._verified = {k: v for k, v in self._verified.items() if k in self._rows}
        self._sessions = {}

    @property
    def keys(self) -> list[Key]:
        """All keys, the oldest first."""
        return sorted((key for key, _ in self._rows.values()), key=lambda k: k.created_at)

    def create(self, name: str, role: str, *, rate: int, days: float | None = None) -> tuple[Key, str]:
        """Return (key, secret text to hand over once); raises KeyFaultError for an unknown role or a bad name."""
        if role not in ROLES:
            raise KeyFaultError(f"role: 应为 {'、'.join(ROLES)},实为 {role}")
        if not name.strip() or len(name) > 64:
            raise KeyFaultError(f"name: 应为 1 到 64 字,实为 {len(name)} 字")
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        text = f"{PREFIX}_{key_id}_{secret}"
        expires = now() + datetime.timedelta(days=days) if days is not None else None
        row = KeyRow(
            id=key_id, name=name.strip(), role=role, hash=_hasher().hash(text), rate=rate, created_at=now(),
            expires_at=expires, revoked_at=None,
        )  # fmt: skip
        with self._records.write() as session:
            session.add(row)
        self.refresh()
        return self._rows[key_id][0], text

    def revoke(self, key_id: str) -> Key:
        """End a key and its sessions now; raises KeyFaultError for an unknown id."""
        with self._records.write() as session:
            row = session.get(KeyRow, key_id)
            if row is None:
                raise KeyFaultError(f"没有密钥 {key_id};用 `yousu key list` 查看")
            row.revoked_at = row.revoked_at or now()
            session.execute(delete(SessionRow).where(SessionRow.key_id == key_id))
        self.refresh()
        return self._rows[key_id][0]

    def rotate(self, key_id: str, *, grace_hours: float) -> tuple[Key, str]:
        """Return a new key with the same name, role and rate; the old one works for `grace_hours` more."""
        if key_id not in self._rows:
            raise KeyFaultError(f"没有密钥 {key_id};用 `yousu key list` 查看")
        old = self._rows[key_id][0]
        if not old.usable:
            raise KeyFaultError(f"密钥 {key_id} 已停用,不能轮换;请另建")
        made = self.create(old.name, old.role, rate=old.rate)
        with self._records.write() as session:
            row = session.get(KeyRow, key_id)
            if row is not None:
                end = now() + datetime.timedelta(hours=grace_hours)
                row.expires_at = min(row.expires_at or end, end)
        self.refresh()
        return made

    def known(self, text: str) -> Key | None:
        """Return the usable key of a secret that was verified before; fast, for the hot path."""
        key_id = _id_of(text)
        digest = self._verified.get(key_id)
        if digest is None or not hmac.compare_digest(digest, hashlib.sha256(text.encode()).digest()):
            return None
        key = self._rows[key_id][0]
        return key if key.usable else None

    def verify(self, text: str) -> Key | None:
        """Return the usable key of a secret, or None; runs argon2 for a secret not verified before (about 20 ms)."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        key_id = _id_of(text)
        if key_id not in self._rows:
            self.refresh()
        found = self._rows.get(key_id)
        if found is None or not found[0].usable:
            return None
        try:
            _hasher().verify(found[1], text)
        except (Argon2Error, InvalidHashError):
            return None
        self._verified[key_id] = hashlib.sha256(text.encode()).digest()
        return found[0]

    # -- panel sessions ------------------------------------------------------------------------------------

    def open_session(self, key: Key, hours: float) -> tuple[str, str]:
        """Return (cookie, CSRF token) of a new session of `key`."""
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        end = now() + datetime.timedelta(hours=hours)
        with self._records.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.expires_at < now()))
            session.add(SessionRow(digest=_digest(cookie), key_id=key.id, csrf=_digest(csrf), expires_at=end))
        return cookie, csrf

    def session_key(self, cookie: str) -> tuple[Key, str] | None:
        """Return (key, digest of the CSRF token) of a session that is open, or None."""
        digest = _digest(cookie)
        if digest not in self._sessions:
            with self._records.read() as session:
                row = session.get(SessionRow, digest)
            if row is None:
                return None
            self._sessions[digest] = (row.key_id, row.csrf, row.expires_at)
        key_id, csrf, end = self._sessions[digest]
        found = self._rows.get(key_id)
        return (found[0], csrf) if found and found[0].usable and end > now() else None

    def close_session(self, cookie: str) -> None:
        """End a session."""
        with self._records.write() as session:
            session.execute(delete(SessionRow).where(SessionRow.digest == _digest(cookie)))
        self._sessions.pop(_digest(cookie), None)


def csrf_fits(token: str, digest: str) -> bool:
    """Whether a CSRF token is that of the session."""
    return bool(token) and hmac.compare_digest(_digest(token), digest)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _id_of(text: str) -> str:
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == PREFIX else ""
