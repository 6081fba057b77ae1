"""Routes for the panel's login (cookie and CSRF token), and for reading the audit trail."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from serve import audit
from serve.api.deps import SESSION_COOKIE, Gate, InfoOf, RuntimeOf, json_only
from serve.api.incoming import STORABLE
from serve.api.problems import replies
from serve.api.replies import cursor_of, number_of, reply
from serve.api.schemas import AuditLine, AuditPage, SessionIn, SessionOut
from serve.settings import Settings

router = APIRouter(prefix="/v1", responses=replies(401, 403, 422, 429))


@router.post(
    "/session", summary="用密钥登录页面", tags=["登录"], response_model=SessionOut, dependencies=[Depends(json_only)]
)
async def log_in(sent: SessionIn, request: Request, runtime: RuntimeOf, info: InfoOf) -> Response:
    """Set the session cookie and return the CSRF token that every write must bring in X-CSRF-Token."""
    gate: Gate = request.app.state.gate
    key = await gate.key(sent.key)
    if key is None:
        raise HTTPException(401, "密钥不对、已过期或已停用")
    hours = runtime.settings.session_hours
    cookie, csrf = await asyncio.to_thread(runtime.keys.open_session, key, hours)
    await asyncio.to_thread(audit.record, runtime.records, who=key.who, what="login", request_id=info.request_id)
    response = reply({"who": key.who, "role": key.role, "guarded": runtime.guarded, "csrf": csrf})
    return _with_cookie(response, runtime.settings, cookie, int(hours * 3600))


def _with_cookie(response: Response, settings: Settings, cookie: str, seconds: int) -> Response:
    """Set the session cookie for `seconds`; none left takes it away.

    A browser sends a strict cookie to no frame inside another site's page. Where platforms are listed that may frame
    the panel, and TLS is there (browsers take the other kind only with it), the cookie is one for frames, kept apart
    for each framing site (CHIPS, Partitioned). What another site could do with it stays barred by the list of
    frame-ancestors, the token of writes and the comparison of Origin and Host.
    """
    framed = bool(settings.embed_origins) and settings.cookie_secure
    response.set_cookie(
        SESSION_COOKIE, cookie, max_age=seconds, httponly=True, samesite="none" if framed else "strict",
        secure=settings.cookie_secure,
    )  # fmt: skip
    if framed:  # http.cookies knows the attribute from Python 3.14 on only
        name, value = response.raw_headers.pop()
        response.raw_headers.append((name, value + b"; Partitioned"))
    return response


@router.get("/session", summary="我是谁", tags=["登录"], response_model=SessionOut)
async def who_am_i(runtime: RuntimeOf, info: InfoOf) -> Response:
    """Return the name and role of the caller."""
    return reply({"who": info.who, "role": info.role, "guarded": runtime.guarded, "csrf": ""})


@router.delete("/session", summary="退出", tags=["登录"], status_code=204, response_class=Response)
async def log_out(request: Request, runtime: RuntimeOf, info: InfoOf) -> Response:
    """End the session of the cookie."""
    if cookie := request.cookies.get(SESSION_COOKIE, ""):
        await asyncio.to_thread(runtime.keys.close_session, cookie)
        await asyncio.to_thread(audit.record, runtime.records, who=info.who, what="logout", request_id=info.request_id)
    return _with_cookie(Response(status_code=204), runtime.settings, "", 0)


@router.get("/audit", summary="审计记录", tags=["审计"], response_model=AuditPage)
async def look(
    runtime: RuntimeOf,
    info: InfoOf,
    cursor: Annotated[str | None, Query(max_length=100, description="上一页的 next")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="每页行数")] = 100,
    object: Annotated[str, Query(max_length=200, description="只看关于此对象的"), STORABLE] = "",
) -> Response:
    """Return a page of the audit trail, oldest first."""
    after = number_of(cursor)
    rows = await asyncio.to_thread(audit.lines, runtime.records, after=after, limit=limit, object=object)
    items = [{name: getattr(r, name) for name in AuditLine.model_fields} for r in rows]
    return reply({"items": items, "next": cursor_of(rows[-1].seq) if len(rows) == limit else None})
