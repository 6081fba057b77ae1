"""Many calls in one request: JSON Lines in, JSON Lines out, both streamed, in order, a bad line told by its number."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator

import orjson
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import Field, ValidationError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from models.text import storable
from serve import audit
from serve.api.assist import checked_district, returns
from serve.api.deps import InfoOf, RuntimeOf
from serve.api.problems import replies
from serve.api.schemas import Call
from serve.inputs import InputError, plain_id
from serve.runtime import Runtime
from serve.views import assist_json

MEDIA_TYPE = "application/x-ndjson"
LONGEST_LINE = 200_000
"""Most bytes of one line."""

router = APIRouter(prefix="/v1", tags=["批量"])


class _Lines(Response):
    """Sends lines as they are made. Starlette's own streaming listens for a disconnect meanwhile, which would take
    the lines that are still to be read."""

    media_type = MEDIA_TYPE

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__()
        self._made = lines
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, every line, and the end."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with contextlib.suppress(ClientDisconnect):
            async for line in self._made:
                await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class BatchCall(Call):
    """A line of a batch: a call, with an id that comes back with its result."""

    id: str = Field("", max_length=64)


_EXAMPLE = '{"id":"1","text":"城西区路灯不亮"}\n{"id":"2","text":"居民医保交到什么时候截止"}\n'


@router.post(
    "/batch",
    summary="批量:JSON Lines 进,JSON Lines 出",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/BatchLine"}}}},
        **replies(401, 403, 413, 415, 429),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
)
async def batch(request: Request, runtime: RuntimeOf, info: InfoOf) -> Response:
    """Answer every line in order; a line that cannot be worked on gets an `error` and the rest go on."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in {MEDIA_TYPE, "application/jsonl", "application/json-lines"}:
        raise HTTPException(415, f"Content-Type: 应为 {MEDIA_TYPE},实为 {kind[:80] or '空'}")
    if runtime.batches >= runtime.settings.max_batches:
        runtime.metrics.refused.labels("batches").inc()
        raise HTTPException(429, f"同时进行的批量任务已达 {runtime.settings.max_batches} 个", {"Retry-After": "30"})
    audit.record(runtime.records, who=info.who, what="batch", request_id=info.request_id)
    return _Lines(_work(request, runtime))


async def _work(request: Request, runtime: Runtime) -> AsyncIterator[bytes]:
    runtime.batches += 1
    try:
        number = 0
        async for line in _lines(request.stream()):
            number += 1
            if line is None or line.strip():
                yield orjson.dumps(await _one(runtime, number, line)) + b"\n"
    finally:
        runtime.batches -= 1


async def _one(runtime: Runtime, number: int, line: bytes | None) -> dict[str, object]:
    if line is None:
        return {"line": number, "error": f"一行最多 {LONGEST_LINE} 字节"}
    call_id = ""
    try:
        call = BatchCall.model_validate(_object(line))
        call_id = plain_id("id", call.id)
        district = checked_district(runtime, call.district)
        result = await runtime.assist(
            call.text, on=call.on, district=district, context=call.context, record=call.final, returned_by=returns(call)
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return {"line": number, "error": storable(f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:300])}
    except InputError as error:
        return {"line": number, "id": call_id, "error": str(error)}
    return {"line": number, "id": call_id, "assist": assist_json(result)}


def _object(line: bytes) -> object:
    """Return what a line holds, read as the body of a single call is; raises InputError."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"应为一个 JSON 对象,实为 {error}") from error


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes | None]:
    """Yield the lines of a stream; None stands for one that is too long."""
    rest, skipping = b"", False
    async for chunk in chunks:
        rest += chunk
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield None if skipping or len(line) > LONGEST_LINE else line
            skipping = False
        if len(rest) > LONGEST_LINE:
            rest, skipping = b"", True
    if rest or skipping:
        yield None if skipping else rest
