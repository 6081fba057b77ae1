"""What the operator panel needs beside /v1/assist: pages, pushed transcripts, catalogue lookup; no model of its own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serve.api.desk_schemas import Choices, Corrected, FoundList, Heard, Piece, Rerouted
from serve.api.incoming import STORABLE
from serve.inputs import checked, plain_id
from serve.runtime import Runtime
from serve.sessions import Sessions
from serve.views import route_json

STATIC = Path(__file__).parent / "static"
ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?")
SessionId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="通话编号")]


def embed_policy(origins: str) -> str:
    """Return the frame-ancestors of YOUSU_EMBED_ORIGINS; raises ValueError for what is no origin."""
    listed = re.split(r"[\s,;]+", origins.strip()) if origins.strip() else []
    wrong = [o for o in listed if not ORIGIN.fullmatch(o)]
    if wrong:
        raise ValueError(f"YOUSU_EMBED_ORIGINS: 应为 https://主机[:端口],实为 {wrong[0]}")
    return " ".join(["'self'", *listed])


class _Assets(StaticFiles):
    """Static files that a browser asks about again, so that an upgrade shows at once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def page_headers(origins: str, *, charts: bool = False) -> Mapping[str, str]:
    """Return the headers of a page: nothing from elsewhere, framed only by the listed origins.

    `charts` lets the chart library set styles and make pictures; scripts still come from here only.
    """
    policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; object-src 'none'"
    if charts:
        policy = policy.replace("data:;", "data: blob:; style-src 'self' 'unsafe-inline';")
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors {embed_policy(origins)}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }


def mount_panel(app: FastAPI, runtime: Runtime) -> None:
    """Add the panel's pages, files and routes to `app`."""
    app.mount("/static", _Assets(directory=STATIC), name="static")
    app.include_router(panel_router(runtime))


def panel_router(runtime: Runtime) -> APIRouter:
    """Return the routes of the panel."""
    router = APIRouter()
    catalog = runtime.engine.catalog
    lookup, sessions = runtime.engine.lookup, Sessions()
    headers = page_headers(runtime.settings.embed_origins)
    charted = page_headers(runtime.settings.embed_origins, charts=True)

    @router.get("/", include_in_schema=False)
    async def panel() -> FileResponse:
        return FileResponse(STATIC / "panel.html", headers=dict(headers))

    @router.get("/insight", include_in_schema=False)
    async def insight() -> FileResponse:
        return FileResponse(STATIC / "insight.html", headers=dict(charted))

    @router.get("/kb", include_in_schema=False)
    async def desk() -> FileResponse:
        return FileResponse(STATIC / "kb.html", headers=dict(headers))

    @router.post("/v1/sessions/{session}/transcript", summary="推送通话转写", response_model=Heard)
    async def push(session: SessionId, piece: Piece) -> dict[str, Any]:
        heard = sessions.push(plain_id("session", session), piece.text, final=piece.final)
        return {"session": session, "sequence": heard.sequence, "text": heard.text}

    @router.get("/v1/sessions/{session}/events", summary="通话转写事件流", response_class=EventSourceResponse)
    async def events(session: SessionId) -> AsyncIterator[ServerSentEvent]:
        async for heard in sessions.follow(session):
            data = {"text": heard.text, "final": not heard.partial, "sequence": heard.sequence}
            yield ServerSentEvent(event="transcript", data=data, id=str(heard.sequence), retry=1000)

    @router.get("/v1/catalog/search", summary="查分类或承办单位", response_model=FoundList)
    async def search(
        q: Annotated[str, Query(max_length=100, description="名称、拼音、拼音首字母或代码;空 = 全部"), STORABLE] = "",
        level: Annotated[int, Query(ge=0, le=5, description="只要第几级;0 = 不限")] = 0,
        under: Annotated[str, Query(max_length=20, description="只要此代码以下的"), STORABLE] = "",
        kind: Annotated[str, Query(pattern="^(category|unit)$", description="category 或 unit")] = "category",
    ) -> dict[str, Any]:
        found = lookup.units(q) if kind == "unit" else lookup.categories(q, level=level, under=under, top=60)
        return {"results": [asdict(f) for f in found]}

    @router.get("/v1/catalog/choices", summary="固定的选项", response_model=Choices)
    async def choices() -> dict[str, Any]:
        return {
            "city": catalog.city,
            "levels": catalog.level_names,
            "districts": catalog.districts,
            "request_types": [str(c) for c in runtime.engine.bundle.request_type.classes_],
        }

    @router.post("/v1/catalog/route", summary="按选定的分类派单", response_model=Rerouted)
    async def route(call: Corrected) -> dict[str, Any]:
        engine = runtime.engine
        if call.code not in catalog.nodes:
            raise HTTPException(422, f"code: 应为分类代码,实为 {call.code}")
        text = checked(call.text)
        leaves = [c for c in catalog.leaves if call.code in (n.code for n in catalog.path(c))]
        places = engine.place_finder.locate(text)
        if call.district in catalog.districts and not places.district:
            places = replace(places, district=call.district, ask="")
        risks = tuple(engine.risk_rules.find(text))
        plan = engine.router.route([(leaf, 1 / len(leaves)) for leaf in leaves], text, places, risks)
        return {"route": route_json(plan)}

    return router
