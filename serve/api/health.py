"""Routes for whoever runs it: liveness, readiness, versions, metrics; and the two pages that need no build."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse

from serve.api.deps import RuntimeOf
from serve.api.problems import replies
from serve.api.replies import reply
from serve.api.schemas import Versions

STATIC = Path(__file__).resolve().parent.parent / "static"
router = APIRouter(tags=["运维"])


@router.get("/healthz", summary="进程是否活着", response_model=dict[str, str])
async def healthz() -> Response:
    """Return 200 while the process answers."""
    return reply({"status": "ok"})


@router.get("/readyz", summary="能否接单", response_model=dict[str, str], responses=replies(503))
async def readyz(runtime: RuntimeOf) -> Response:
    """Return 200 when calls are answered, 503 while stopping."""
    if not runtime.ready:
        raise HTTPException(503, "正在停止", {"Retry-After": "5"})
    return reply({"status": "ready", **runtime.engine.versions})


@router.get("/v1/version", summary="版本", response_model=Versions)
async def version(runtime: RuntimeOf) -> Response:
    """Return the versions of bundle, catalogue and knowledge base."""
    return reply(runtime.engine.versions)


@router.get("/metrics", summary="Prometheus 指标", response_class=Response, responses=replies(401, 403))
async def metrics(runtime: RuntimeOf) -> Response:
    """Return the figures of this process."""
    runtime.metrics.encoded.labels("encoder").set(runtime.encoder.misses)
    runtime.metrics.encoded.labels("cache").set(runtime.encoder.hits)
    return Response(runtime.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/docs", include_in_schema=False)
async def docs() -> FileResponse:
    """Return the page that renders the interface's description, without the internet."""
    return FileResponse(STATIC / "docs.html")
