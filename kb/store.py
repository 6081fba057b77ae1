"""The entries in a database: versions with who and why, the workflow, a lock by revision; SQLite or PostgreSQL."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from kb.database import connect
from kb.entry import KnowledgeEntry, clean_cell, from_row, read_entries, row_faults, to_row
from kb.tables import CounterRow, EntryRow, VersionRow
from kb.workflow import FieldChange, StaleError, StoreError, UnknownEntryError, diff, next_status

BATCH = 200


@dataclass(frozen=True)
class Held:
    """The working copy of an entry as the store holds it; `live_revision` is the version answered from, if any."""

    entry: KnowledgeEntry
    revision: int
    author: str
    live_revision: int | None
    changed_at: datetime.datetime


@dataclass(frozen=True)
class Version:
    """One change of an entry; `at` is UTC."""

    revision: int
    entry_id: str
    action: str
    who: str
    why: str
    at: datetime.datetime
    entry: KnowledgeEntry


@dataclass(frozen=True)
class Change:
    """What the index must know after `revision`: the entry that is answered from now, or None to forget it."""

    revision: int
    entry_id: str
    entry: KnowledgeEntry | None


@dataclass(frozen=True)
class Filter:
    """Which entries to list; empty = all. `category` is a code or the beginning of one, `text` any part of it."""

    status: str = ""
    category: str = ""
    department: str = ""
    region: str = ""
    author: str = ""
    text: str = ""


@dataclass(frozen=True)
class Page:
    """Some entries by id; `cursor` continues after them and is empty at the end."""

    items: tuple[Held, ...]
    cursor: str


class EntryStore:
    """Entries and their versions in the database at `url`; every method is one transaction.

    Writers queue on one row, so revisions are given out in the order of commits and none is skipped over.
    """

    def __init__(self, url: str) -> None:
        self.engine = connect(url)
        self._session: Session | None = None

    def within(self, session: Session) -> EntryStore:
        """Return this store for use inside a transaction of somebody else, who commits it together with his own."""
        other = copy.copy(self)
        other._session = session
        return other

    # -- reading --------------------------------------------------------------------------------------------------

    def entries(self, *, status: str | None = None) -> list[KnowledgeEntry]:
        """Return entries by id: all working copies, those of one status, or for `published` the live versions."""
        if status == "published":
            query = select(VersionRow.content).join(EntryRow, EntryRow.live_revision == VersionRow.revision)
        else:
            query = select(EntryRow.content)
            query = query.where(EntryRow.status == status) if status else query
        with self._reading() as session:
            return [from_row(json.loads(c)) for c in session.scalars(query.order_by(EntryRow.id))]

    def get(self, entry_id: str) -> Held:
        """Return the working copy; raises UnknownEntryError."""
        with self._reading() as session:
            return _held(_row(session, entry_id))

    def exists(self, entry_id: str) -> bool:
        """Whether there is such an entry, of whatever status."""
        with self._reading() as session:
            return session.get(EntryRow, entry_id) is not None

    def page(self, wanted: Filter = Filter(), *, cursor: str = "", limit: int = 50) -> Page:
        """Return the next `limit` working copies after `cursor`, by id."""
        query = _where(select(EntryRow), wanted).order_by(EntryRow.id).limit(limit + 1)
        if cursor:
            query = query.where(EntryRow.id > cursor)
        with self._reading() as session:
            rows = [_held(r) for r in session.scalars(query)]
        return Page(tuple(rows[:limit]), rows[limit - 1].entry.id if len(rows) > limit else "")

    def count(self, wanted: Filter = Filter()) -> int:
        """Return how many working copies there are."""
        with self._reading() as session:
            return session.scalar(_where(select(func.count(EntryRow.id)), wanted)) or 0

    def versions(self, entry_id: str) -> list[Version]:
        """Return every version of an entry, the oldest first; raises UnknownEntryError."""
        query = select(VersionRow).where(VersionRow.entry_id == entry_id).order_by(VersionRow.revision)
        with self._reading() as session:
            found = [_version(v) for v in session.scalars(query)]
        if not found:
            raise UnknownEntryError(f"没有条目 {entry_id}")
        return found

    def version(self, entry_id: str, revision: int) -> Version:
        """Return one version; raises UnknownEntryError."""
        with self._reading() as session:
            return _version(_version_row(session, entry_id, revision))

    def compare(self, entry_id: str, before: int, after: int) -> tuple[FieldChange, ...]:
        """Return the fields that differ between two versions of an entry; raises UnknownEntryError."""
        return tuple(diff(self.version(entry_id, before).entry, self.version(entry_id, after).entry))

    @property
    def revision(self) -> int:
        """The number of changes so far; it names the version of the knowledge base."""
        with self._reading() as session:
            return session.scalar(select(func.max(VersionRow.revision))) or 0

    def changes_since(self, revision: int) -> tuple[Change, ...]:
        """Return what the index must take in after `revision`, in order: one Change per entry touched since."""
        query = (
            select(EntryRow.revision, EntryRow.id, VersionRow.content)
            .outerjoin(VersionRow, EntryRow.live_revision == VersionRow.revision)
            .where(EntryRow.revision > revision)
            .order_by(EntryRow.revision)
        )
        with self._reading() as session:
            return tuple(Change(r, i, from_row(json.loads(c)) if c else None) for r, i, c in session.execute(query))

    # -- writing --------------------------------------------------------------------------------------------------

    def upsert(self, entries: Iterable[KnowledgeEntry], *, who: str, why: str, keep_live: bool = False) -> int:
        """Store entries with the status they carry, all or none; return how many were new or changed.

        For shipped files, backups and checked imports: no transition is asked for, unchanged entries make no
        version. `keep_live` leaves the live version of an entry that comes as a draft in force.
        """
        _check_person(who, why)
        changed, rest = 0, iter(entries)
        with self._writing() as (session, counter):
            while group := [_clean(e) for e in islice(rest, BATCH)]:
                todo = _changed_of(session, group, who)
                _write(session, counter, todo, who, why, "import", keep_live=keep_live)
                changed += len(todo)
        return changed

    def save(self, entry: KnowledgeEntry, *, who: str, why: str, expected: int | None = None) -> Held:
        """Store new content as a draft by `who`; a published version stays live until the draft is published.

        `expected` is the revision that was edited (0 = the entry is new); raises StaleError when it is another.
        """
        return self._change(replace(entry, status="draft", reviewer=""), who, why, expected, "edit")

    def restore(self, entry_id: str, revision: int, *, who: str, why: str, expected: int | None = None) -> Held:
        """Make a draft by `who` of an earlier version; raises UnknownEntryError, StaleError."""
        old = replace(self.version(entry_id, revision).entry, status="draft", reviewer="")
        return self._change(old, who, why, expected, "restore")

    def move(self, entry_id: str, action: str, *, who: str, why: str, expected: int | None = None) -> Held:
        """Do `submit`, `return`, `publish`, `retire` or `reopen`; raises NotAllowedError, StaleError."""
        _check_person(who, why)
        with self._writing() as (session, counter):
            row = _row(session, entry_id)
            _check_fresh(row, entry_id, expected)
            entry = from_row(json.loads(row.content))
            status = next_status(action, entry, row.author, who)
            entry = replace(entry, status=status, reviewer=who if action == "publish" else entry.reviewer)
            _write(session, counter, [(entry, row.author)], who, why, action)
            return _held(_row(session, entry_id))

    def close(self) -> None:
        """Release the connections."""
        self.engine.dispose()

    def _change(self, entry: KnowledgeEntry, who: str, why: str, expected: int | None, action: str) -> Held:
        _check_person(who, why)
        entry = _clean(entry)
        with self._writing() as (session, counter):
            row = session.get(EntryRow, entry.id)
            _check_fresh(row, entry.id, expected)
            if row is None or not _same_content(from_row(json.loads(row.content)), entry):
                _write(session, counter, [(entry, who)], who, why, "create" if row is None else action)
            return _held(_row(session, entry.id))

    def _reading(self) -> AbstractContextManager[Session]:
        return nullcontext(self._session) if self._session is not None else Session(self.engine)

    def _writing(self) -> AbstractContextManager[tuple[Session, CounterRow]]:
        if self._session is not None:
            return nullcontext((self._session, lock(self._session, "revision")))
        return _Writing(self.engine)


class _Writing:
    """A transaction that holds the revision counter, so that it is the only writer."""

    def __init__(self, engine: Any) -> None:
        self._session = Session(engine)

    def __enter__(self) -> tuple[Session, CounterRow]:
        self._session.begin()
        try:
            return self._session, lock(self._session, "revision")
        except BaseException:
            self._session.close()
            raise

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._session.commit()
        finally:
            self._session.close()


def lock(session: Session, name: str) -> CounterRow:
    """Return the counter `name`, locked until the transaction ends; must come before any reading in it."""
    session.execute(update(CounterRow).where(CounterRow.name == name).values(value=CounterRow.value))
    return session.scalars(select(CounterRow).where(CounterRow.name == name)).one()


def open_store(url: str, shipped: Path) -> EntryStore:
    """Return the store at `url`, with the entries of the file `shipped` in it when it is new."""
    store = EntryStore(url)
    if store.revision == 0 and shipped.is_file():
        store.upsert(read_entries(shipped), who="system", why=f"随程序附带的 {shipped.name}")
    return store


def now() -> datetime.datetime:
    """Return the time in UTC, without zone, as every table keeps it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _check_person(who: str, why: str) -> None:
    if not who.strip() or len(who) > 64:
        raise StoreError(f"操作人:应为 1 至 64 字,实为 {who[:70]!r}")
    if not why.strip() or len(why) > 1000:
        raise StoreError(f"原因:应为 1 至 1000 字,实为 {len(why.strip())} 字")
    if any(ord(ch) < 32 or "\ud800" <= ch <= "\udfff" for ch in who + why):
        raise StoreError("操作人、原因:应没有控制字符,实际有")


def _check_fresh(row: EntryRow | None, entry_id: str, expected: int | None) -> None:
    current = row.revision if row is not None else 0
    if expected is not None and current != expected:
        raise StaleError(entry_id, expected, current)


def _clean(entry: KnowledgeEntry) -> KnowledgeEntry:
    row = {c: clean_cell(v) for c, v in to_row(entry).items()}
    if faults := row_faults(row):
        column, expected, found = faults[0]
        raise StoreError(f"条目 {entry.id} {column}:应为 {expected},实为 {found}")
    return from_row(row)


def _same_content(a: KnowledgeEntry, b: KnowledgeEntry) -> bool:
    return replace(a, status="", reviewer="") == replace(b, status="", reviewer="")


def _changed_of(session: Session, group: Sequence[KnowledgeEntry], who: str) -> list[tuple[KnowledgeEntry, str]]:
    """Return (entry, author) of what is new or changed in a group; of several with one id the last counts."""
    last = {e.id: e for e in group}
    held = {r.id: r for r in session.scalars(select(EntryRow).where(EntryRow.id.in_(last)))}
    changed: list[tuple[KnowledgeEntry, str]] = []
    for entry in last.values():
        row = held.get(entry.id)
        before = from_row(json.loads(row.content)) if row is not None else None
        if before == entry:
            continue
        moved_only = before is not None and _same_content(before, entry)
        changed.append((entry, row.author if row is not None and moved_only else who))
    return changed


def _write(
    session: Session, counter: CounterRow, changed: Iterable[tuple[KnowledgeEntry, str]], who: str, why: str,
    action: str, *, keep_live: bool = True,
) -> None:  # fmt: skip
    """Write each (entry, author) as working copy and version."""
    rows, versions, at = [], [], now()
    for entry, author in changed:
        counter.value += 1
        content = json.dumps(to_row(entry), ensure_ascii=False, sort_keys=True)
        row = {
            "id": entry.id, "status": entry.status, "content": content, "revision": counter.value, "author": author,
            "changed_at": at, "question": entry.question, "category": entry.category,
            "department": entry.department, "region": entry.region,
        }  # fmt: skip
        if not keep_live or entry.status in {"published", "retired"}:
            row["live_revision"] = counter.value if entry.status == "published" else None
        rows.append(row)
        versions.append(
            {"revision": counter.value, "entry_id": entry.id, "content": content, "action": action, "who": who,
             "why": why, "at": at}
        )  # fmt: skip
    if not rows:
        return
    known = set(session.scalars(select(EntryRow.id).where(EntryRow.id.in_([r["id"] for r in rows]))))
    for row in rows:
        if row["id"] in known:
            session.execute(update(EntryRow).where(EntryRow.id == row["id"]).values(**row))
    new = [{"live_revision": None, **r} for r in rows if r["id"] not in known]
    if new:
        session.execute(insert(EntryRow), new)
    session.execute(insert(VersionRow), versions)
    session.flush()
    session.expire_all()


def _row(session: Session, entry_id: str) -> EntryRow:
    row = session.get(EntryRow, entry_id)
    if row is None:
        raise UnknownEntryError(f"没有条目 {entry_id}")
    return row


def _version_row(session: Session, entry_id: str, revision: int) -> VersionRow:
    row = session.get(VersionRow, revision)
    if row is None or row.entry_id != entry_id:
        query = select(VersionRow.revision).where(VersionRow.entry_id == entry_id).order_by(VersionRow.revision)
        held = "、".join(map(str, session.scalars(query))) or "无"
        raise UnknownEntryError(f"条目 {entry_id} 没有修订 {revision},现有 {held}")
    return row


def _held(row: EntryRow) -> Held:
    return Held(from_row(json.loads(row.content)), row.revision, row.author, row.live_revision, row.changed_at)


def _version(row: VersionRow) -> Version:
    return Version(
        row.revision, row.entry_id, row.action, row.who, row.why, row.at, from_row(json.loads(row.content))
    )  # fmt: skip


def _where(query: Select[Any], wanted: Filter) -> Select[Any]:
    for column, value in (
        (EntryRow.status, wanted.status),
        (EntryRow.department, wanted.department),
        (EntryRow.region, wanted.region),
        (EntryRow.author, wanted.author),
    ):
        if value:
            query = query.where(column == value)
    if wanted.category:
        query = query.where(EntryRow.category.startswith(wanted.category, autoescape=True))
    if wanted.text:
        quoted = json.dumps(wanted.text, ensure_ascii=False)[1:-1]
        query = query.where(EntryRow.content.icontains(quoted, autoescape=True))
    return query
