"""Routes of the knowledge desk beside entries: the queue of unanswered questions, and what is wrong with entries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from fastapi import Path as PathParameter

from kb import health
from kb.feedback import Feedback
from kb.importing import Known
from kb.unanswered import Unanswered, UnansweredQueue
from kb.workflow import NotAllowedError, StoreError, UnknownEntryError
from models.masking import mask
from serve import audit
from serve.api.deps import InfoOf, RuntimeOf, json_only, unhurried
from serve.api.desk_schemas import Handling, HealthOut, UnansweredList, UnansweredOut
from serve.api.incoming import STORABLE
from serve.api.problems import replies
from serve.api.replies import reply
from serve.runtime import Runtime

router = APIRouter(prefix="/v1/desk", tags=["知识台"], responses=replies(401, 403, 422, 429))


def queue_of(runtime: Runtime) -> UnansweredQueue:
    """Return the queue of the service."""
    engine = runtime.engine
    return UnansweredQueue(engine.store.engine, engine.bundle.embedder.name)


@router.get("/unanswered", summary="未答的问题,按簇", response_model=UnansweredList)
async def unanswered(
    runtime: RuntimeOf,
    status: Annotated[Literal["", "open", "assigned", "closed"], Query(description="空 = 未关闭的")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return clusters of like questions, the most asked first, each with the state of the entry written for it."""

    def read() -> list[dict[str, Any]]:
        engine = runtime.engine
        engine.recorder.flush(everything=False)
        return [_cluster_json(runtime, c) for c in queue_of(runtime).list(status=status, limit=limit)]

    return reply({"items": await asyncio.to_thread(read)})


@router.put(
    "/unanswered/{number}", summary="领走或关闭未答的问题", response_model=UnansweredOut,
    dependencies=[Depends(json_only)], responses=replies(400, 404, 409, 413, 415),
)  # fmt: skip
async def handle(
    number: Annotated[int, PathParameter(ge=1, le=2**31 - 1)], sent: Handling, runtime: RuntimeOf, info: InfoOf
) -> Response:
    """Assign or close a cluster; the act and its line in the audit trail stand or fall together."""
    who = info.who if runtime.guarded else (sent.who.strip() or info.who)

    def write() -> dict[str, Any]:
        queue, note = queue_of(runtime), mask(sent.note)
        with runtime.records.write() as session:
            if sent.action == "assign":
                assignee = sent.assignee.strip() or who[:64]
                done = queue.assign(number, assignee, who=who, entry_id=sent.entry_id, within=session)
            else:
                done = queue.close(number, who=who, entry_id=sent.entry_id, note=note, within=session)
            detail: dict[str, object] = {"assignee": done.assignee, "entry_id": done.entry_id, "note": note}
            audit.append(
                session, who=who, what=f"unanswered.{sent.action}", object=str(number), detail=detail,
                request_id=info.request_id,
            )  # fmt: skip
        return _cluster_json(runtime, done)

    try:
        return reply(await asyncio.to_thread(write))
    except UnknownEntryError as error:
        raise HTTPException(404, str(error)) from error
    except NotAllowedError as error:
        raise HTTPException(409, str(error)) from error
    except StoreError as error:
        raise HTTPException(422, str(error)) from error


@router.get(
    "/health",
    summary="知识库体检:过期、将到期、冲突、从未命中",
    response_model=HealthOut,
    dependencies=[Depends(unhurried)],
)
async def check(
    runtime: RuntimeOf,
    days: Annotated[int, Query(ge=1, le=365, description="几天内到期算将到期")] = health.EXPIRES_SOON,
    kind: Annotated[str, Query(max_length=20, description="只要哪一种"), STORABLE] = "",
) -> Response:
    """Return what is wrong with the published entries, and how many of each kind."""
    if kind and kind not in health.KINDS:
        raise HTTPException(422, f"kind: 应为 {'、'.join(health.KINDS)},实为 {kind}")

    def read() -> Sequence[health.Finding]:
        engine = runtime.engine
        hits = Feedback(engine.store.engine).hits()
        entries = engine.store.entries(status="published")
        today = runtime.settings.today()
        relations = engine.answerer.relations
        return health.check(entries, Known.of(engine.catalog), relations, hits, today=today, window=days)

    found = await asyncio.to_thread(read)
    counts = [{"kind": k, "name": name, "count": sum(f.kind == k for f in found)} for k, name in health.KINDS.items()]
    items = [asdict(f) | {"name": health.KINDS[f.kind]} for f in found if not kind or f.kind == kind]
    return reply({"counts": counts, "items": items[:1000]})


def _cluster_json(runtime: Runtime, cluster: Unanswered) -> dict[str, Any]:
    state = ""
    if cluster.entry_id:
        try:
            state = runtime.engine.store.get(cluster.entry_id).entry.status
        except UnknownEntryError:
            state = "missing"
    shown = asdict(cluster) | {"entry_status": state}
    for name in ("first_at", "last_at"):
        shown[name] = f"{shown[name]:%Y-%m-%dT%H:%M:%SZ}"
    return shown
