"""Errors as problem details (RFC 9457): what was expected, what was found, and the id to look for in the logs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException

from serve import logs
from serve.inputs import InputError
from serve.records import KeyReuseError

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "请求无法读懂", 401: "需要密钥", 403: "没有权限", 404: "没有此处", 405: "方法不允许", 408: "请求体传得太慢",
    409: "与现状冲突", 412: "版本已变", 413: "请求体太大", 415: "内容类型不对", 422: "请求不符合约定",
    428: "缺少版本条件", 429: "太忙,请稍后再试", 500: "服务内部出错", 503: "暂时不能服务", 504: "处理超时",
}  # fmt: skip


class Problem(BaseModel):
    """An error, as every route returns it."""

    type: str = Field("about:blank", description="问题类型")
    title: str = Field(description="一句话说是什么问题", examples=["请求不符合约定"])
    status: int = Field(description="HTTP 状态码", examples=[422])
    detail: str = Field(description="应为什么、实为什么", examples=["text: 文字为空:请输入来电内容"])
    instance: str = Field("", description="出错的路径")
    request_id: str = Field("", description="请求编号,报障时请附上")


def problem(
    status: int, detail: str, *, request_id: str = "", path: str = "", title: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """Return a response with a problem detail."""
    body = {
        "type": "about:blank",
        "title": title or TITLES.get(status, "请求失败"),
        "status": status,
        "detail": detail,
        "instance": path,
        "request_id": request_id,
    }
    content = orjson.dumps(body, default=str)
    return Response(content, status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def replies(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that may answer with these errors."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {s: {"description": TITLES[s], "content": content} for s in statuses}


def _clean(text: object) -> str:
    return str(text).encode("utf-8", "replace").decode()[:500]


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem detail."""

    def answer(request: Request, status: int, detail: object, headers: Mapping[str, str] | None = None) -> Response:
        info = request.scope.get("yousu")
        number = info.request_id if info else ""
        return problem(status, _clean(detail), request_id=number, path=_clean(request.scope["path"]), headers=headers)

    @app.exception_handler(InputError)
    async def on_input(request: Request, error: InputError) -> Response:
        return answer(request, 422, error)

    @app.exception_handler(KeyReuseError)
    async def on_reuse(request: Request, error: KeyReuseError) -> Response:
        return answer(request, 409, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return answer(request, 422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    @app.exception_handler(DataError)
    async def on_unstorable(request: Request, error: DataError) -> Response:
        """A value that no column takes: sending it again later, as 503 invites to, would never help."""
        info = request.scope.get("yousu")
        logs.event("unstorable", logging.ERROR, error.orig, request_id=info.request_id if info else "")
        return answer(request, 422, "有一项内容记录库存不下(过长,或不是文字),没有存入")

    @app.exception_handler(DBAPIError)
    async def on_database(request: Request, error: DBAPIError) -> Response:
        info = request.scope.get("yousu")
        logs.event("database", logging.ERROR, error.orig, request_id=info.request_id if info else "")
        return answer(request, 503, "记录库暂时写不进或读不出,没有存入;请稍后再试", {"Retry-After": "5"})

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return answer(request, error.status_code, error.detail, error.headers)
