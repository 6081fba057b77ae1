"""The HTTP interface and the page: thin routes over one Engine; errors are problem details (RFC 9457)."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from serve.engine import Engine, InputError
from serve.kb_api import kb_router
from serve.panel import mount_panel
from serve.views import answers_json, assist_json, category_json, route_json

STATIC = Path(__file__).parent / "static"


class Call(BaseModel):
    """What is sent: the words so far, and what the operator already knows."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "我家暖气不热,城西区的", "district": "城西区"}]}
    )
    text: str = Field(description="来电文字,最多 20000 字")
    district: str = Field("", description="已知的区县名")
    on: datetime.date | None = Field(None, description="按哪一天的有效条目答复;默认今天")


def create_app(engine: Engine) -> FastAPI:
    """Return the application that serves `engine`."""
    app = FastAPI(title="有诉 yousu", version=engine.bundle.version, docs_url=None, redoc_url=None)

    def problem(status: int, title: str, detail: str) -> JSONResponse:
        body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        return JSONResponse(body, status, media_type="application/problem+json")

    @app.exception_handler(InputError)
    async def on_input(_: Request, error: InputError) -> JSONResponse:
        return problem(422, "来电文字不可用", str(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        return problem(422, "请求不符合约定", f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "请求失败", str(error.detail))

    def checked_district(call: Call) -> str:
        if call.district and call.district not in engine.catalog.districts:
            raise InputError(f"district: 应为 {'、'.join(engine.catalog.districts)},实为 {call.district}")
        return call.district

    @app.post("/v1/assist", summary="坐席辅助")
    async def assist(call: Call) -> dict[str, Any]:
        return assist_json(engine.assist(call.text, on=call.on, district=checked_district(call)))

    @app.post("/v1/answer", summary="政策答复")
    async def answer(call: Call) -> dict[str, Any]:
        result = engine.answer(call.text, on=call.on, district=checked_district(call))
        return {**answers_json(result), "versions": engine.versions}

    @app.post("/v1/classify", summary="诉求分类")
    async def classify(call: Call) -> dict[str, Any]:
        body = assist_json(engine.assist(call.text, on=call.on, district=checked_district(call)))
        return {k: body[k] for k in ("category", "request_type", "requests", "note", "versions")}

    @app.post("/v1/route", summary="派单")
    async def route(call: Call) -> dict[str, Any]:
        a = engine.assist(call.text, on=call.on, district=checked_district(call))
        return {"category": category_json(a.category), "route": route_json(a.route), "versions": a.versions}

    @app.get("/healthz", summary="进程是否活着")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", summary="能否接单")
    async def readyz() -> dict[str, str]:
        return {"status": "ready", **engine.versions}

    @app.get("/v1/version", summary="版本")
    async def version() -> dict[str, str]:
        return engine.versions

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    mount_panel(app, engine)
    app.include_router(kb_router(engine))
    return app
