"""Entries over HTTP for the knowledge desk: list, read, save, move through the workflow, versions; no page here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from kb.entry import COLUMNS, from_row, row_faults, to_row
from kb.store import Filter, Held
from kb.workflow import StaleError, StoreError, UnknownEntryError
from serve.api.deps import InfoOf
from serve.api.guard import RequestInfo
from serve.panel import STATIC, page_headers
from serve.permissions import allows
from serve.runtime import Runtime

EntryId = Annotated[str, PathParameter(pattern=r"^[\w.-]{1,64}$", description="条目编号")]


class Change(BaseModel):
    """Who changes an entry, why, and from which revision on."""

    model_config = ConfigDict(extra="forbid")
    who: str = Field(min_length=1, max_length=64, description="操作人")
    why: str = Field(min_length=1, max_length=1000, description="原因")
    expected: int | None = Field(None, description="改的是哪个修订;0 = 新条目;不填 = 不核对")


class Content(Change):
    """New content of an entry; cells as in the entry file, several values joined by `;`."""

    entry: dict[str, str] = Field(description="条目的各列")


class Move(Change):
    """A step of the workflow."""

    action: str = Field(description="submit 送审 / return 退回 / publish 发布 / retire 停用 / reopen 重开")


class Restore(Change):
    """Which version becomes a draft again."""

    revision: int = Field(description="修订号")


REVIEW_ACTIONS = ("publish", "return", "retire")
"""Steps that need the right to review; the others need the right to write."""


def _who(runtime: Runtime, info: RequestInfo, sent: Change) -> str:
    """Return who acts: the key's owner; while no key is needed, the name that was sent."""
    return info.who if runtime.guarded else sent.who


def kb_router(runtime: Runtime) -> APIRouter:
    """Return the routes of the knowledge desk."""
    router, store = APIRouter(), runtime.engine.store
    headers = page_headers(runtime.settings.embed_origins)

    @router.get("/kb", include_in_schema=False)
    async def desk() -> FileResponse:
        return FileResponse(STATIC / "kb.html", headers=dict(headers))

    @router.get("/v1/entries", summary="条目列表")
    def listing(
        q: Annotated[str, Query(max_length=100, description="题目、答复等含有的字")] = "",
        status: str = "",
        category: str = "",
        department: str = "",
        region: str = "",
        cursor: str = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 100,
    ) -> dict[str, Any]:
        wanted = Filter(status=status, category=category, department=department, region=region, text=q)
        page = store.page(wanted, cursor=cursor, limit=limit)
        return {"items": [held_json(h) for h in page.items], "next": page.cursor, "count": store.count(wanted)}

    @router.get("/v1/entries/{entry_id}", summary="一个条目")
    def one(entry_id: EntryId) -> dict[str, Any]:
        with _told():
            return held_json(store.get(entry_id))

    @router.put("/v1/entries/{entry_id}", summary="存为草稿")
    def save(entry_id: EntryId, sent: Content, info: InfoOf) -> dict[str, Any]:
        row = dict.fromkeys(COLUMNS, "") | {k: v for k, v in sent.entry.items() if k in COLUMNS}
        row |= {"id": entry_id, "status": "draft", "reviewer": ""}
        if faults := row_faults(row):
            raise HTTPException(422, ";".join(f"{c} 应为 {e},实为 {f or '空'}" for c, e, f in faults))
        who = _who(runtime, info, sent)
        with _told():
            return held_json(store.save(from_row(row), who=who, why=sent.why, expected=sent.expected))

    @router.put("/v1/entries/{entry_id}/status", summary="送审、退回、发布、停用、重开")
    def move(entry_id: EntryId, sent: Move, info: InfoOf) -> dict[str, Any]:
        if runtime.guarded:
            needed = "entries:review" if sent.action in REVIEW_ACTIONS else "entries:write"
            if not allows(info.role, needed):
                raise HTTPException(403, f"没有权限:{needed}")
        who = _who(runtime, info, sent)
        with _told():
            held = store.move(entry_id, sent.action, who=who, why=sent.why, expected=sent.expected)
        if sent.action in ("publish", "retire"):
            runtime.look()
        return held_json(held)

    @router.put("/v1/entries/{entry_id}/restore", summary="把旧版恢复为草稿")
    def restore(entry_id: EntryId, sent: Restore, info: InfoOf) -> dict[str, Any]:
        who = _who(runtime, info, sent)
        with _told():
            return held_json(store.restore(entry_id, sent.revision, who=who, why=sent.why, expected=sent.expected))

    @router.get("/v1/entries/{entry_id}/versions", summary="条目的各个版本")
    def versions(entry_id: EntryId) -> dict[str, Any]:
        with _told():
            found = store.versions(entry_id)
        return {
            "items": [
                {
                    "revision": v.revision, "action": v.action, "who": v.who, "why": v.why,
                    "at": f"{v.at:%Y-%m-%dT%H:%M:%SZ}", "entry": to_row(v.entry),
                }
                for v in reversed(found)
            ]
        }  # fmt: skip

    return router


def held_json(held: Held) -> dict[str, Any]:
    """Return an entry as the store holds it; `live` is the revision that is answered from, or null."""
    return {
        "entry": to_row(held.entry),
        "revision": held.revision,
        "author": held.author,
        "live": held.live_revision,
        "changed_at": f"{held.changed_at:%Y-%m-%dT%H:%M:%SZ}",
    }


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UnknownEntryError as error:
        raise HTTPException(404, str(error)) from error
    except StaleError as error:
        raise HTTPException(409, str(error)) from error
    except StoreError as error:
        raise HTTPException(422, str(error)) from error
