"""OpenTelemetry spans of requests and stages, when an address is set (extra `otel`); nothing is loaded otherwise."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

NANO = 1_000_000_000
STAGES: ContextVar[dict[str, float] | None] = ContextVar("stages", default=None)
"""Where a request that is traced notes the milliseconds of its stages; None when nothing is traced."""


class Tracing:
    """Sends spans in the background to an OTLP/HTTP collector at `endpoint`; a collector that is gone delays nothing.

    A span holds method, route, status, request id and the milliseconds of each stage, never words of a call. A
    `traceparent` header (W3C Trace Context) makes it a child of the caller's span.
    """

    def __init__(self, endpoint: str, *, version: str) -> None:
        """Raise ModuleNotFoundError, with what to install, when the extra is missing."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("YOUSU_OTEL_ENDPOINT 需要附加依赖 otel:pip install 'yousu[otel]'") from error
        resource = Resource.create({"service.name": "yousu", "service.version": version})
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2048))
        self._tracer = self._provider.get_tracer("yousu")
        self._context = TraceContextTextMapPropagator()

    def request(
        self, method: str, route: str, status: int, seconds: float, *, request_id: str, traceparent: str,
        stages: Mapping[str, float],
    ) -> None:  # fmt: skip
        """Send the span of a request that took `seconds` until now; `stages` are milliseconds by name, in order."""
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

        end = time.time_ns()
        start = end - int(seconds * NANO)
        parent = self._context.extract({"traceparent": traceparent}) if traceparent else None
        attributes: dict[str, Any] = {
            "http.request.method": method, "http.route": route, "http.response.status_code": status,
            "yousu.request_id": request_id,
        }  # fmt: skip
        span = self._tracer.start_span(
            f"{method} {route}", context=parent, kind=SpanKind.SERVER, attributes=attributes, start_time=start
        )
        inside, at = set_span_in_context(span), start
        for name, milliseconds in stages.items():
            stage = self._tracer.start_span(name, context=inside, start_time=at)
            at = min(end, at + int(milliseconds * NANO / 1000))
            stage.end(at)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def close(self) -> None:
        """Send what waits and stop."""
        self._provider.shutdown()
