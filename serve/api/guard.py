"""The door of the service: request ids, size and time limits, back-pressure, one log line and the figures a request."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from dataclasses import dataclass, field

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve import logs
from serve.api.problems import problem
from serve.inputs import InputError, plain_id
from serve.runtime import Runtime
from serve.tracing import STAGES

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STREAMED_IN = ("/v1/batch",)
"""Paths whose body is read as it comes."""
_FILES_IN = ("/v1/entries/import",)
"""Paths whose body is a whole file."""
_STREAMED_OUT = ("application/x-ndjson", "text/event-stream")
_SMALL_BODY = 64_000
"""Bytes of a body that nobody counts; a call is far smaller, and always gets in."""
_LONGEST_LENGTH = 18
"""Digits of a length that are still read as a number."""
_LEFT = 499
"""What the log and the figures say, as nginx does, when the client left before it had sent everything."""
_DRAIN_SECONDS = 5.0
_SECURITY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@dataclass
class RequestInfo:
    """What is known about a request, in `scope["yousu"]`."""

    request_id: str
    who: str = "-"
    role: str = ""
    status: int = 0
    started: bool = False
    holds_slot: bool = False
    holds_bytes: int = 0
    timer: asyncio.Timeout | None = None
    stages: dict[str, float] | None = None
    clock: float = field(default_factory=time.perf_counter)

    def go_on(self, seconds: float) -> None:
        """Give a request that is done in steps its time limit anew for the next step; a step that hangs still ends."""
        if self.timer is not None and not self.timer.expired():
            self.timer.reschedule(asyncio.get_running_loop().time() + seconds)


class BodyTooLargeError(Exception):
    """A body above the limit, found while it is read."""


class NoRoomError(Exception):
    """Too many bytes of large bodies lie in memory already."""


class Guard:
    """Pure ASGI, outermost. A request waits for nothing: it gets one of `max_in_flight` places, or 429 at once.

    The body is read before a place is taken, so that slow clients hold none. That is also before anybody knows who
    sends it: what large bodies hold together is bounded, at four files or a full house.
    """

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime
        self.busy = 0
        self.held = 0
        settings = runtime.settings
        self._most_held = max(4 * settings.import_body_limit, settings.max_in_flight * settings.body_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        info = RequestInfo(given if _fit(given) else secrets.token_hex(8))
        scope["yousu"] = info
        if self.runtime.tracing:
            info.stages = {}
            STAGES.set(info.stages)
        sender = self._sender(info, send)
        try:
            refusal = await self._serve(scope, headers, receive, sender, info)
        except ClientDisconnect:
            refusal, info.status = None, _LEFT
        except Exception as error:
            logs.event("unhandled", logging.ERROR, error, request_id=info.request_id)
            refusal = (500, "请把请求编号告诉工程师", {})
        if refusal and not info.started:
            status, detail, more = refusal
            reply = problem(status, detail, request_id=info.request_id, path=scope["path"][:200], headers=more)
            await reply(scope, receive, sender)
        self._release(info)
        self._give_back(info)
        self._note(scope, info)

    async def _serve(
        self, scope: Scope, headers: Headers, receive: Receive, send: Send, info: RequestInfo
    ) -> tuple[int, str, dict[str, str]] | None:
        """Return None when the application answered, or (status, detail, headers) of a refusal."""
        origin, host = headers.get("origin"), headers.get("host")
        if origin and scope["method"] not in {"GET", "HEAD", "OPTIONS"} and origin.split("://")[-1] != host:
            return 403, f"Origin: 应与 Host 相同,实为 {origin[:100]}", {}
        streamed = scope["path"] in _STREAMED_IN
        settings = self.runtime.settings
        limit = settings.batch_body_limit if streamed else settings.body_limit
        if scope["path"] in _FILES_IN:
            limit = settings.import_body_limit
        too_large = (413, f"请求体最多 {limit} 字节", {"Connection": "close"})
        length = headers.get("content-length", "")
        if length.isdecimal() and (len(length) > _LONGEST_LENGTH or int(length) > limit):
            await _drain(receive)
            return too_large
        try:
            async with asyncio.timeout(settings.request_timeout) as timer:
                replay = _counted(receive, limit) if streamed else await self._whole(receive, limit, info)
                info.timer = timer
                if streamed:
                    timer.reschedule(None)
                elif not self._take(info, scope["path"]):
                    self.runtime.metrics.refused.labels("busy").inc()
                    return 429, f"同时处理的请求已达 {settings.max_in_flight} 个", {"Retry-After": "1"}
                await self.app(scope, replay, send)
        except TimeoutError:
            if info.holds_slot or streamed:
                return 504, f"处理超过 {settings.request_timeout:g} 秒", {"Retry-After": "1"}
            return 408, f"请求体应在 {settings.request_timeout:g} 秒内传完", {"Connection": "close"}
        except BodyTooLargeError:
            await _drain(receive)
            return too_large
        except NoRoomError:
            self._give_back(info)
            self.runtime.metrics.refused.labels("bodies").inc()
            await _drain(receive)
            return 429, "正在接收的大请求体太多", {"Retry-After": "5", "Connection": "close"}
        return None

    async def _whole(self, receive: Receive, limit: int, info: RequestInfo) -> Receive:
        """Read the body to its end and return a `receive` that gives it at once."""
        parts: list[bytes] = []
        size = 0
        last: Message
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                parts, last = [], message
                break
            part = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise BodyTooLargeError
            self._hold(info, size - _SMALL_BODY)
            parts.append(part)
            if not message.get("more_body"):
                last = {"type": "http.request", "body": b"".join(parts), "more_body": False}
                break
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return last

        return replay

    def _hold(self, info: RequestInfo, size: int) -> None:
        """Count a body of `size` bytes, those that nobody counts left out; raises NoRoomError."""
        more = max(0, size) - info.holds_bytes
        if more and self.held + more > self._most_held:
            raise NoRoomError
        self.held += more
        info.holds_bytes += more

    def _give_back(self, info: RequestInfo) -> None:
        self.held -= info.holds_bytes
        info.holds_bytes = 0

    def _sender(self, info: RequestInfo, send: Send) -> Send:
        async def sender(message: Message) -> None:
            if message["type"] == "http.response.start":
                info.status, info.started = message["status"], True
                headers = MutableHeaders(scope=message)
                headers["x-request-id"] = info.request_id
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
                if headers.get("content-type", "").startswith(_STREAMED_OUT):
                    self._release(info)
                    if info.timer:
                        info.timer.reschedule(None)
            await send(message)

        return sender

    def _take(self, info: RequestInfo, path: str) -> bool:
        if path.startswith("/v1/"):
            if self.busy >= self.runtime.settings.max_in_flight:
                return False
            self.busy += 1
            info.holds_slot = True
            self.runtime.metrics.in_flight.set(self.busy)
        return True

    def _release(self, info: RequestInfo) -> None:
        if info.holds_slot:
            info.holds_slot = False
            self.busy -= 1
            self.runtime.metrics.in_flight.set(self.busy)

    def _note(self, scope: Scope, info: RequestInfo) -> None:
        route = getattr(scope.get("route"), "path", "other")
        spent = time.perf_counter() - info.clock
        self.runtime.metrics.requests.labels(route, str(info.status)).inc()
        self.runtime.metrics.latency.labels(route).observe(spent)
        if self.runtime.tracing and info.stages is not None:
            self.runtime.tracing.request(
                scope["method"], route, info.status, spent, request_id=info.request_id, stages=info.stages,
                traceparent=Headers(scope=scope).get("traceparent", ""),
            )  # fmt: skip
        if self.runtime.settings.log_requests and route not in {"/healthz", "/readyz", "/metrics"}:
            logs.event(
                "request", request_id=info.request_id, method=scope["method"], route=route, status=info.status,
                ms=round(spent * 1000, 1), who=info.who,
            )  # fmt: skip


def _fit(request_id: str) -> bool:
    """Whether an id that was sent may stand in the logs."""
    if not _REQUEST_ID.fullmatch(request_id):
        return False
    try:
        plain_id("X-Request-ID", request_id)
    except InputError:
        return False
    return True


def _counted(receive: Receive, limit: int) -> Receive:
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise BodyTooLargeError
        return message

    return counted


async def _drain(receive: Receive) -> None:
    """Read and drop what the client still sends, for a while, so that it gets to read the reply."""
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                pass
    except TimeoutError:
        pass
