"""Tracing: a collector gets route, status and stages below the caller, never words; without an address nothing."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import ROOT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector():
    """A real OTLP/HTTP receiver; gives its address and the bodies that came."""
    bodies: list[bytes] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Receive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", bodies
    server.shutdown()


def test_a_collector_gets_the_request_and_its_stages_and_no_words(client_of, collector) -> None:
    address, bodies = collector
    client = client_of(otel_endpoint=address)
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "X-Request-ID": "r-1"}
    client.post("/v1/assist", json={"text": "紫色大象在路上"}, headers=headers)
    client.post("/v1/assist", json={"text": 7})
    client.app.state.runtime.tracing.close()
    got = [ExportTraceServiceRequest.FromString(b) for b in bodies]
    spans = [s for g in got for r in g.resource_spans for scope in r.scope_spans for s in scope.spans]
    first = next(s for s in spans if s.name == "POST /v1/assist" and s.parent_span_id)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, SPAN)
    values = {a.key: a.value.string_value or a.value.int_value for a in first.attributes}
    assert values["yousu.request_id"] == "r-1"
    assert values["http.response.status_code"] == 200
    inside = [s for s in spans if s.parent_span_id == first.span_id]
    assert {"embedding", "category", "answer"} <= {s.name for s in inside}
    assert all(first.start_time_unix_nano <= s.start_time_unix_nano <= s.end_time_unix_nano for s in inside)
    assert "紫色".encode() not in b"".join(bodies)


def test_a_collector_that_is_gone_delays_no_call(client_of) -> None:
    client = client_of(otel_endpoint="http://127.0.0.1:9")
    assert client.post("/v1/assist", json={"text": "路灯不亮"}).status_code == 200


def test_without_an_address_the_library_is_not_even_loaded() -> None:
    code = (
        "import sys, serve.runtime, serve.app; heavy = ('opentelemetry.sdk', 'opentelemetry.exporter'); "
        "sys.exit(any(m.startswith(heavy) for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
