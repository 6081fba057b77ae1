"""How the client speaks HTTP: one kept connection a thread, a deadline, errors as exceptions; nothing is sent twice."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

_IDLE_SECONDS = 2.0
"""A connection that was unused for longer is opened anew: the server may have closed it, and a write must not be lost
between two ends of which one has gone."""


@dataclass(frozen=True)
class Reply:
    """What came back; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[str, str, Mapping[str, str], bytes | None], Reply]
"""Sends (method, path with query, headers, body) and returns the reply."""


class CallError(Exception):
    """A call that was refused: `status`, `title` and `detail` of the problem, `request_id` for the logs."""

    def __init__(self, reply: Reply) -> None:
        try:
            told = json.loads(reply.body)
        except ValueError:
            told = {}
        told = told if isinstance(told, dict) else {}
        self.status = reply.status
        self.title = str(told.get("title", ""))
        self.detail = str(told.get("detail", ""))
        self.request_id = str(told.get("request_id", reply.headers.get("x-request-id", "")))
        wait = reply.headers.get("retry-after", "")
        self.retry_after = float(wait) if wait.isdigit() else None
        """Seconds to wait before trying again, when the server says so."""
        super().__init__(f"{reply.status} {self.title}: {self.detail}")


class Connection:
    """Sends to the service at `address`, such as http://127.0.0.1:8345; safe to use from several threads."""

    def __init__(self, address: str, timeout: float = 15.0) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"address: expected http://host[:port], found {address}")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, parts.port
        self._prefix, self._timeout = parts.path.rstrip("/"), timeout
        self._local = threading.local()

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send once; raises OSError or http.client.HTTPException when no reply came."""
        connection = self._open()
        try:
            connection.request(method, self._prefix + path, body, dict(headers))
            response = connection.getresponse()
            reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except BaseException:
            self.close()
            raise
        self._local.used = time.monotonic()
        return reply

    def _open(self) -> http.client.HTTPConnection:
        held = getattr(self._local, "connection", None)
        if held is not None and time.monotonic() - self._local.used < _IDLE_SECONDS:
            return held
        self.close()
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        self._local.connection = kind(self._host, self._port, timeout=self._timeout)
        return self._local.connection

    def close(self) -> None:
        """Close the connection of this thread."""
        if (held := getattr(self._local, "connection", None)) is not None:
            held.close()
            self._local.connection = None


class Caller:
    """What the generated calls stand on: makes the request, reads the reply, raises CallError."""

    def __init__(self, where: str | Send, key: str = "") -> None:
        self._send: Send = Connection(where) if isinstance(where, str) else where
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def _call(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None, body: object = None, kind: str = "application/json",
    ) -> Any:  # fmt: skip
        sent = dict(self._headers) | {k: str(v) for k, v in (headers or {}).items() if v not in ("", None)}
        content: bytes | None = None
        if body is not None:
            sent["Content-Type"] = kind
            content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        asked = {k: _query(v) for k, v in (query or {}).items() if v not in ("", None, [])}
        reply = self._send(method, path + (f"?{urlencode(asked, doseq=True)}" if asked else ""), sent, content)
        if reply.status >= 400:
            raise CallError(reply)
        if not reply.body:
            return None
        is_json = reply.headers.get("content-type", "").split(";")[0] == "application/json"
        return json.loads(reply.body) if is_json else reply.body


def _query(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def part(value: object) -> str:
    """Return a value as one part of a path."""
    return quote(str(value), safe="")
