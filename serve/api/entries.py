"""Routes of single entries: list, read, save, move through the workflow, versions, compare, restore; no files here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response

from kb.entry import from_row, row_faults, to_row
from kb.store import Filter, Held
from models.masking import mask
from serve.api.changes import EntryId, IfMatch, actor, change, held_json, reason, revision_of, tag_of, told
from serve.api.deps import InfoOf, RuntimeOf, json_only
from serve.api.entry_schemas import (
    Comparison,
    EntryIn,
    EntryOut,
    EntryPage,
    MoveIn,
    RestoreIn,
    VersionList,
)
from serve.api.feedback import IdempotencyKey
from serve.api.incoming import STORABLE
from serve.api.problems import replies
from serve.api.replies import reply
from serve.inputs import InputError
from serve.permissions import allows
from serve.runtime import Runtime

router = APIRouter(prefix="/v1/entries", tags=["知识条目"])
REVIEW_ACTIONS = ("publish", "return", "retire")
"""Steps that need the right to review; the others need the right to write."""
TAKES_EFFECT = ("publish", "retire")
"""Steps after which calls are answered otherwise."""
_READS = replies(401, 403, 404, 422, 429)
_WRITES = replies(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 428, 429)
RESERVED = frozenset({"import", "export", "hit-test"})
"""Words that stand in the place of an id in other paths."""


@router.get("", summary="条目列表", response_model=EntryPage, responses=replies(401, 403, 422, 429))
def listing(
    runtime: RuntimeOf,
    q: Annotated[str, Query(max_length=100, description="题目、答复等含有的字"), STORABLE] = "",
    status: Annotated[Literal["", "draft", "review", "published", "retired"], Query(description="只要某状态的")] = "",
    category: Annotated[str, Query(max_length=32, description="分类代码或其开头"), STORABLE] = "",
    department: Annotated[str, Query(max_length=200, description="主管部门"), STORABLE] = "",
    region: Annotated[str, Query(max_length=64, description="适用区县"), STORABLE] = "",
    author: Annotated[str, Query(max_length=64, description="起草人"), STORABLE] = "",
    cursor: Annotated[str, Query(max_length=64, description="上一页的 next"), STORABLE] = "",
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数")] = 100,
) -> Response:
    """Return a page of working copies by id."""
    store = runtime.engine.store
    wanted = Filter(status, category, department, region, author, q)
    page = store.page(wanted, cursor=cursor, limit=limit)
    items = [held_json(h) for h in page.items]
    return reply({"items": items, "next": page.cursor or None, "count": store.count(wanted)})


@router.get("/{entry_id}", summary="一个条目", response_model=EntryOut, responses=_READS)
def one(
    entry_id: EntryId, runtime: RuntimeOf,
    if_none_match: Annotated[str, Header(max_length=100, description="已有的 ETag;没变就回 304")] = "",
) -> Response:  # fmt: skip
    """Return the working copy; its revision is the ETag."""
    with told():
        held = runtime.engine.store.get(entry_id)
    tag = {"ETag": tag_of(held)}
    if if_none_match.removeprefix("W/") == tag["ETag"]:
        return Response(status_code=304, headers=tag)
    return reply(held_json(held), headers=tag)


class Writing:
    """A write of one entry, as its request says: which one, by whom, upon which revision, and under which key."""

    def __init__(
        self, entry_id: EntryId, runtime: RuntimeOf, info: InfoOf, if_match: IfMatch = "",
        idempotency_key: IdempotencyKey = "",
    ) -> None:  # fmt: skip
        self.entry_id, self.runtime, self.info = entry_id, runtime, info
        self._if_match, self._key = if_match, idempotency_key

    async def do(self, what: str, sent: EntryIn | MoveIn | RestoreIn, write: Callable[..., Held]) -> Response:
        """Do `write(store, who=…, why=…, expected=…)` once and return the entry; 428 when no revision was named.

        `what` names it in the audit trail. A new entry is written upon revision 0.
        """
        runtime, entry_id = self.runtime, self.entry_id
        expected = revision_of(self._if_match, sent.expected)
        signed = {"who": actor(runtime, self.info, sent.who), "why": reason(sent.why), "expected": expected or 0}
        if expected is None and await asyncio.to_thread(runtime.engine.store.exists, entry_id):
            # who does not say what he read would write over what he did not read
            raise HTTPException(428, "应以 If-Match(读条目时的 ETag)或 expected 说明改的是哪个修订")
        body, repeated = await change(
            runtime, self.info, f"entries.{what}", entry_id, sent.why, self._key, [entry_id, sent.model_dump()],
            lambda store: write(store, **signed), self._if_match,
        )  # fmt: skip
        if what in TAKES_EFFECT:
            await _taken_over(runtime)
        headers = {"ETag": f'"{body["revision"]}"'}
        return reply(body, headers=headers | ({"Idempotent-Replay": "true"} if repeated else {}))


WritingOf = Annotated[Writing, Depends()]


@router.put(
    "/{entry_id}", summary="存为草稿", response_model=EntryOut, responses=_WRITES, dependencies=[Depends(json_only)]
)
async def save(sent: EntryIn, writing: WritingOf) -> Response:
    """Store new content as a draft; what is published stays in force until the draft is."""
    entry_id = writing.entry_id
    if entry_id in RESERVED:
        raise InputError(f"entry_id: 应不是 {'、'.join(sorted(RESERVED))},实为 {entry_id}")
    row = sent.entry.model_dump() | {"id": entry_id, "status": "draft", "reviewer": ""}
    if faults := row_faults(row):
        raise InputError(";".join(f"{c} 应为 {e},实为 {mask(f) or '空'}" for c, e, f in faults))
    entry = from_row(row)
    return await writing.do("save", sent, lambda store, **signed: store.save(entry, **signed))


@router.put(
    "/{entry_id}/status", summary="送审、退回、发布、停用、重开", response_model=EntryOut, responses=_WRITES,
    dependencies=[Depends(json_only)],
)  # fmt: skip
async def move(sent: MoveIn, writing: WritingOf) -> Response:
    """Take a step of the workflow; it holds here at once, on other replicas within seconds."""
    if writing.runtime.guarded:
        needed = "entries:review" if sent.action in REVIEW_ACTIONS else "entries:write"
        if not allows(writing.info.role, needed):
            raise HTTPException(403, f"没有权限:{needed}")
    return await writing.do(
        sent.action, sent, lambda store, **signed: store.move(writing.entry_id, sent.action, **signed)
    )


@router.put(
    "/{entry_id}/restore", summary="把旧版恢复为草稿", response_model=EntryOut, responses=_WRITES,
    dependencies=[Depends(json_only)],
)  # fmt: skip
async def restore(sent: RestoreIn, writing: WritingOf) -> Response:
    """Make a draft of an earlier version."""
    return await writing.do(
        "restore", sent, lambda store, **signed: store.restore(writing.entry_id, sent.revision, **signed)
    )


@router.get("/{entry_id}/versions", summary="条目的各个版本", response_model=VersionList, responses=_READS)
def versions(entry_id: EntryId, runtime: RuntimeOf) -> Response:
    """Return every version, the newest first."""
    with told():
        found = runtime.engine.store.versions(entry_id)
    items = [
        {
            "revision": v.revision, "action": v.action, "who": v.who, "why": v.why,
            "at": f"{v.at:%Y-%m-%dT%H:%M:%SZ}", "entry": to_row(v.entry),
        }
        for v in reversed(found)
    ]  # fmt: skip
    return reply({"items": items})


@router.get("/{entry_id}/compare", summary="比较两个版本", response_model=Comparison, responses=_READS)
def compare(
    entry_id: EntryId, runtime: RuntimeOf,
    before: Annotated[int, Query(ge=1, le=2**31 - 1, description="前一版的修订号")],
    after: Annotated[int, Query(ge=1, le=2**31 - 1, description="后一版的修订号")],
) -> Response:  # fmt: skip
    """Return the columns that differ."""
    with told():
        found = runtime.engine.store.compare(entry_id, before, after)
    return reply({"before": before, "after": after, "differences": [vars(c) for c in found]})


async def _taken_over(runtime: Runtime) -> None:
    """Wait until this process answers from the change, but not so long that the reply to a stored write is lost."""
    with contextlib.suppress(TimeoutError):
        look = asyncio.shield(asyncio.to_thread(runtime.look))
        await asyncio.wait_for(look, runtime.settings.request_timeout / 2)
