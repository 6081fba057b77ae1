"""What routes that change entries share: who acts, which revision is meant, one transaction for change and audit."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import Header, HTTPException
from fastapi import Path as PathParameter
from sqlalchemy.orm import Session

from kb.entry import to_row
from kb.store import EntryStore, Held
from kb.workflow import StaleError, StoreError, UnknownEntryError
from models.masking import mask
from serve import audit
from serve.api.guard import RequestInfo
from serve.inputs import InputError
from serve.runtime import Runtime

LONGEST_NAME, LONGEST_REASON = 64, 1000
EntryId = Annotated[str, PathParameter(pattern=r"^[\w.-]{1,64}$", description="条目编号")]
IfMatch = Annotated[
    str, Header(max_length=100, description="上次读到的 ETag;条目此后被改过即回 412", examples=['"1207"'])
]
_TAG = re.compile(r'(?:W/)?"?(\d{1,10})"?')
"""A proxy that compresses makes a tag weak; it still names the revision."""


def tag_of(held: Held) -> str:
    """Return the ETag of an entry: its revision."""
    return f'"{held.revision}"'


def actor(runtime: Runtime, info: RequestInfo, sent: str) -> str:
    """Return who acts, at most 64 characters: the owner of the key; while no key is needed, the name that was sent."""
    who = info.who if runtime.guarded else (sent.strip() or info.who)
    if len(who) <= LONGEST_NAME:
        return who
    name, mark, number = who.rpartition("#")
    return name[: LONGEST_NAME - len(mark + number)] + mark + number if mark else who[:LONGEST_NAME]


def reason(sent: str) -> str:
    """Return why something is done, masked; a mark may be longer than what it stands for."""
    return mask(sent)[:LONGEST_REASON]


def revision_of(if_match: str, expected: int | None) -> int | None:
    """Return the revision that is meant to be changed, None when nothing was said; raises 422 for a tag of no entry."""
    if not if_match or if_match == "*":
        return expected
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise HTTPException(422, f"If-Match: 应为读条目时的 ETag,实为 {if_match[:40]}")
    if expected is not None and expected != int(match[1]):
        raise HTTPException(422, f"If-Match 与 expected: 应指同一修订,实为 {match[1]} 与 {expected}")
    return int(match[1])


@contextmanager
def told(if_match: str = "") -> Iterator[None]:
    """Turn what the store refuses into 404, 409 (412 when If-Match was sent) and 422."""
    try:
        yield
    except UnknownEntryError as error:
        raise HTTPException(404, str(error)) from error
    except StaleError as error:
        raise HTTPException(412 if if_match else 409, str(error)) from error
    except StoreError as error:
        raise InputError(str(error)) from error


async def change(
    runtime: Runtime, info: RequestInfo, what: str, entry_id: str, why: str, key: str, content: object,
    do: Callable[[EntryStore], Held], if_match: str = "",
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    """Return (the entry as JSON after `do`, whether it is a repetition); the audit line is in the same transaction."""

    def make(session: Session) -> dict[str, Any]:
        held = do(runtime.engine.store.within(session))
        detail: dict[str, object] = {"revision": held.revision, "why": reason(why)}
        audit.append(session, who=info.who, what=what, object=entry_id, detail=detail, request_id=info.request_id)
        return held_json(held)

    with told(if_match):
        return await asyncio.to_thread(runtime.records.once, info.who, key and f"{what}:{key}", content, make)


def held_json(held: Held) -> dict[str, Any]:
    """Return an entry as the store holds it; `live` is the revision that is answered from, or null."""
    return {
        "entry": to_row(held.entry),
        "revision": held.revision,
        "author": held.author,
        "live": held.live_revision,
        "changed_at": f"{held.changed_at:%Y-%m-%dT%H:%M:%SZ}",
    }
