"""Routes for feedback: stored masked before the reply goes out, once per idempotency key; read back by cursor."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Response
from sqlalchemy.orm import Session

from serve import audit, feedback
from serve.api.deps import InfoOf, RuntimeOf, json_only
from serve.api.problems import replies
from serve.api.replies import cursor_of, number_of, reply
from serve.api.schemas import FeedbackIn, FeedbackPage, Stored

router = APIRouter(prefix="/v1", tags=["反馈"])
IdempotencyKey = Annotated[
    str, Header(max_length=128, description="幂等键:同一键再送同一内容,不会存第二次", examples=["0b7c6f0e-4d2a"])
]
_FIELDS = ("id", "call_id", "text", "field", "verdict", "proposed", "value", "note", "who", "at", "bundle", "kb")


@router.post(
    "/feedback", summary="反馈:采纳、改正或拿不准", status_code=201, response_model=Stored,
    dependencies=[Depends(json_only)], responses=replies(400, 401, 403, 409, 413, 415, 422, 429),
)  # fmt: skip
async def give(said: FeedbackIn, runtime: RuntimeOf, info: InfoOf, idempotency_key: IdempotencyKey = "") -> Response:
    """Store feedback; when this returns 201 it survives a kill of the process."""
    engine = runtime.engine
    fields = said.model_dump()
    feedback.check(
        engine.catalog, field=said.field, verdict=said.verdict, value=said.value, text=said.text, call_id=said.call_id
    )

    def make(session: Session) -> dict[str, str]:
        return feedback.store(session, fields, who=info.who, versions=engine.versions)

    stored, repeated = await asyncio.to_thread(
        runtime.records.once, info.who, idempotency_key and f"feedback:{idempotency_key}", fields, make
    )
    if not repeated:
        runtime.metrics.feedback.labels(said.field, said.verdict).inc()
    return reply(stored, 200 if repeated else 201, {"Idempotent-Replay": "true"} if repeated else None)


@router.get("/feedback", summary="查看反馈", response_model=FeedbackPage, responses=replies(401, 403, 422, 429))
async def look(
    runtime: RuntimeOf,
    info: InfoOf,
    cursor: Annotated[str | None, Query(max_length=100, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="每页条数")] = 100,
    field: Annotated[Literal["", "category", "route", "answer", "request_type"], Query(description="只看哪一项")] = "",
) -> Response:
    """Return a page of feedback; looking is noted in the audit trail."""
    after = number_of(cursor)

    def read() -> list[dict[str, object]]:
        with runtime.records.write() as session:
            rows = feedback.page(session, after=after, limit=limit, field=field)
            detail: dict[str, object] = {"rows": len(rows)}
            audit.append(session, who=info.who, what="feedback.read", detail=detail, request_id=info.request_id)
            return [{"seq": r.seq, **{name: getattr(r, name) for name in _FIELDS}} for r in rows]

    rows = await asyncio.to_thread(read)
    following = cursor_of(int(str(rows[-1]["seq"]))) if len(rows) == limit else None
    for row in rows:
        del row["seq"]
    return reply({"items": rows, "next": following})
