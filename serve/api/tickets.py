"""Routes for accepted tickets, one or many: masked, embedded and stored; found as similar cases within seconds."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Response
from fastapi import Query as QueryParameter
from sqlalchemy.orm import Session

from serve import audit, tickets
from serve.api.deps import InfoOf, RuntimeOf, json_only
from serve.api.feedback import IdempotencyKey
from serve.api.guard import RequestInfo
from serve.api.problems import replies
from serve.api.replies import cursor_of, number_of, reply
from serve.api.schemas import Stored
from serve.api.ticket_schemas import TicketIn, TicketPage, TicketsIn, TicketsStored
from serve.inputs import InputError
from serve.records import now
from serve.runtime import Runtime

router = APIRouter(prefix="/v1", tags=["工单"], responses=replies(400, 401, 403, 409, 413, 415, 422, 429))
EMBEDDED_AT_ONCE = 8
"""Texts of a bulk that wait for the encoder together: a call of an operator waits behind so many and no more."""
_SHOWN = ("id", "text", "code", "request_type", "unit", "district", "returned", "accepted_at")


@router.post(
    "/tickets", summary="存入一件工单", status_code=201, response_model=Stored, dependencies=[Depends(json_only)]
)
async def one(sent: TicketIn, runtime: RuntimeOf, info: InfoOf, idempotency_key: IdempotencyKey = "") -> Response:
    """Store a ticket; one with the same id is replaced."""
    ticket = tickets.accept(runtime.engine.catalog, **sent.model_dump())
    result, repeated = await _store(runtime, info, [ticket], [], idempotency_key, sent.model_dump())
    return reply({"id": sent.id, "at": result["at"]}, 200 if repeated else 201)


@router.post("/tickets/bulk", summary="存入多件工单", response_model=TicketsStored, dependencies=[Depends(json_only)])
async def many(sent: TicketsIn, runtime: RuntimeOf, info: InfoOf, idempotency_key: IdempotencyKey = "") -> Response:
    """Store tickets; faulty ones are set aside with the reason, the rest are stored all together."""

    def accept() -> tuple[dict[str, tickets.Ticket], list[dict[str, str]]]:
        good: dict[str, tickets.Ticket] = {}
        aside: list[dict[str, str]] = []
        for ticket in sent.tickets:
            try:
                good[ticket.id] = tickets.accept(runtime.engine.catalog, **ticket.model_dump())
            except InputError as error:
                aside.append({"id": ticket.id, "reason": str(error)})
        return good, aside

    good, aside = await asyncio.to_thread(accept)
    result, _ = await _store(runtime, info, list(good.values()), aside, idempotency_key, sent.model_dump())
    return reply({"stored": result["stored"], "rejected": result["rejected"]})


async def _store(
    runtime: Runtime, info: RequestInfo, good: list[tickets.Ticket], aside: list[dict[str, str]], key: str,
    content: dict[str, Any],
) -> tuple[dict[str, Any], bool]:  # fmt: skip
    embedder = runtime.engine.bundle.embedder
    parts = []
    for start in range(0, len(good), EMBEDDED_AT_ONCE):
        info.go_on(runtime.settings.request_timeout)
        texts = [t.prepared for t in good[start : start + EMBEDDED_AT_ONCE]]
        parts.append(await runtime.encoder.encode(embedder, texts))
    vectors = np.concatenate(parts) if parts else None
    info.go_on(runtime.settings.request_timeout)

    def make(session: Session) -> dict[str, Any]:
        if vectors is not None:
            tickets.store(session, good, vectors, embedder.name)
        name = good[0].id if len(good) == 1 else f"{len(good)} 件"
        audit.append(session, who=info.who, what="tickets.write", object=name, request_id=info.request_id)
        return {"stored": len(good), "rejected": aside, "at": now().isoformat() + "Z"}

    return await asyncio.to_thread(runtime.records.once, info.who, key and f"tickets:{key}", content, make)


@router.get("/tickets", summary="查看已存入的工单", response_model=TicketPage)
async def look(
    runtime: RuntimeOf,
    info: InfoOf,
    cursor: Annotated[str | None, QueryParameter(max_length=100, description="上一页的 next")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="每页条数")] = 100,
) -> Response:
    """Return a page of tickets as `{items, next}`; looking is noted in the audit trail."""
    after = number_of(cursor)

    def read() -> tuple[list[dict[str, Any]], int]:
        with runtime.records.write() as session:
            rows = tickets.page(session, after=after, limit=limit)
            detail: dict[str, object] = {"rows": len(rows)}
            audit.append(session, who=info.who, what="tickets.read", detail=detail, request_id=info.request_id)
            return [{name: getattr(r, name) for name in _SHOWN} for r in rows], rows[-1].seq if rows else 0

    rows, last = await asyncio.to_thread(read)
    return reply({"items": rows, "next": cursor_of(last) if len(rows) == limit else None})
