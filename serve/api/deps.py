"""Who asks and what a route needs: keys, sessions, tokens, permissions, rates; denied unless the table allows it."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, HTTPException, Request

from serve.api.guard import RequestInfo
from serve.keys import Key, csrf_fits
from serve.permissions import PUBLIC, ROLE_NAMES, Principal, allows, permission_of
from serve.runtime import Runtime
from serve.settings import LOOPBACK

if TYPE_CHECKING:
    from serve.oidc import TokenVerifier

SESSION_COOKIE = "yousu_session"
_HOST = re.compile(r"(\[[^\]]*\]|[^:]*)(?::\d*)?")
"""Name or address, and port, of a Host header."""
CSRF_HEADER = "x-csrf-token"
_SAFE = {"GET", "HEAD", "OPTIONS"}


LOCAL = Principal("local", "admin")
"""Everybody, while no key exists and the service listens on this machine only."""


def runtime_of(request: Request) -> Runtime:
    """Return the runtime of the process."""
    return request.app.state.runtime


def info_of(request: Request) -> RequestInfo:
    """Return what is known about the request."""
    return request.scope["yousu"]


class Gate:
    """Decides about every request of an application; failed secrets are tried one at a time, since argon2 is dear."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._one = asyncio.Semaphore(1)
        self._buckets: dict[str, tuple[float, float]] = {}
        self._tokens = _token_verifier(runtime)

    async def __call__(self, request: Request) -> None:
        """Raise 401, 403 or 429, or note the principal."""
        route = request.scope.get("route")
        permission = permission_of(request.method, getattr(route, "path", ""))
        info = info_of(request)
        if not self.runtime.guarded:
            if permission != PUBLIC and self.runtime.settings.auth == "auto":
                _meant_for_here(request.headers.get("host", ""))
            info.who, info.role = LOCAL.who, LOCAL.role
            return
        if permission == PUBLIC:
            return
        principal = await self._principal(request)
        info.who, info.role = principal.who, principal.role
        if not allows(principal.role, permission):
            role = ROLE_NAMES.get(principal.role, principal.role)
            raise HTTPException(403, f"{role}没有权限:{permission or '仅管理员'}")
        self._spend(principal)

    async def _principal(self, request: Request) -> Principal:
        secret = request.headers.get("x-api-key", "")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not secret and scheme.lower() == "bearer":
            secret = token.strip()
        if secret:
            if self._tokens is not None and secret.count(".") == 2:
                return await self._tokens.principal(secret)
            key = await self.key(secret)
            if key is None:
                raise HTTPException(401, "密钥不对、已过期或已停用", {"WWW-Authenticate": "Bearer"})
            return Principal(key.who, key.role, key.rate)
        cookie = request.cookies.get(SESSION_COOKIE, "")
        found = await asyncio.to_thread(self.runtime.keys.session_key, cookie) if cookie else None
        if found is None:
            raise HTTPException(
                401, "请在 Authorization: Bearer 或 X-API-Key 里给出密钥,或先登录", {"WWW-Authenticate": "Bearer"}
            )
        key, csrf = found
        if request.method not in _SAFE and not csrf_fits(request.headers.get(CSRF_HEADER, ""), csrf):
            raise HTTPException(403, f"{CSRF_HEADER}: 应为本次登录时得到的令牌")
        return Principal(key.who, key.role, key.rate)

    async def key(self, secret: str) -> Key | None:
        """Return the key of a secret, or None."""
        key = self.runtime.keys.known(secret)
        if key is None:
            async with self._one:
                key = await asyncio.to_thread(self.runtime.keys.verify, secret)
        return key

    def _spend(self, principal: Principal) -> None:
        """Take one call from the minute's allowance (a bucket that fills evenly and holds ten seconds' worth)."""
        if not principal.rate:
            return
        now, per_second = time.monotonic(), principal.rate / 60
        most = max(1.0, per_second * 10)
        left, then = self._buckets.get(principal.who, (most, now))
        left = min(most, left + (now - then) * per_second)
        if left < 1:
            self.runtime.metrics.refused.labels("rate").inc()
            wait = max(1, round((1 - left) / per_second + 0.5))
            raise HTTPException(429, f"超过每分钟 {principal.rate} 次", {"Retry-After": str(wait)})
        self._buckets[principal.who] = (left - 1, now)


def _meant_for_here(host: str) -> None:
    """Raise 403 for a name of the internet: a page of that name could have it lead here (DNS rebinding) and be admin.

    Origin and Host are the same for such a page. Who sets YOUSU_AUTH=off has another guard in front.
    """
    match = _HOST.fullmatch(host)
    name = match[1].strip("[]").lower() if match else host
    if host and name not in LOOPBACK and not name.endswith(".localhost"):
        names = "、".join(LOOPBACK)
        raise HTTPException(
            403, f"Host: 未启用访问控制时应为 {names},实为 {name[:80]};请先用 `yousu key create` 建密钥"
        )


def _token_verifier(runtime: Runtime) -> TokenVerifier | None:
    if not runtime.settings.oidc_issuer:
        return None
    from serve.oidc import TokenVerifier

    return TokenVerifier(runtime.settings)


async def json_only(request: Request) -> None:
    """Raise 415 when the body is not declared as JSON; a browser cannot send such a body across sites unasked."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(415, f"Content-Type: 应为 application/json,实为 {kind[:80] or '空'}")


RuntimeOf = Annotated[Runtime, Depends(runtime_of)]
InfoOf = Annotated[RequestInfo, Depends(info_of)]


async def unhurried(runtime: RuntimeOf, info: InfoOf) -> None:
    """Give a request that counts over everything the longer time limit; nobody on the phone waits for it."""
    info.go_on(runtime.settings.desk_timeout)
