"""The generated client against the real service: calls, files, errors; tests/test_docs holds that it is current."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from serve.client import CallError, Client, Connection, Reply
from serve.client_source import name_of
from tests.serve.test_access import key_for


def through(client) -> "object":
    """What sends into the service of this process."""

    def send(method, path, headers, body) -> Reply:
        got = client.request(method, path, headers=dict(headers), content=body)
        return Reply(got.status_code, dict(got.headers), got.content)

    return send


def test_a_call_is_answered_over_a_real_connection(service: str) -> None:
    calls = Client(service)
    told = calls.assist({"text": "城西区虎台街道路灯不亮", "final": False})
    assert told["places"]["district"] == "城西区"
    assert told["versions"] == calls.get_version()
    lines = calls.batch('{"id":"a","text":"路灯不亮"}\n{"id":"b","text":""}\n'.encode()).splitlines()
    assert ["assist" in json.loads(line) for line in lines] == [True, False]


def test_an_entry_is_written_published_and_exported_by_calls(client) -> None:
    calls = Client(through(client))
    cells = {"question": "紫色大象可以养在阳台吗", "answer": "不可以。", "basis": "测试依据第1条"}
    held = calls.put_entry("NEW-1", {"entry": cells, "why": "新建", "who": "甲"}, idempotency_key="k")
    for action, who in (("submit", "甲"), ("publish", "乙")):
        move = {"action": action, "why": "走流程", "who": who}
        held = calls.put_entry_status("NEW-1", move, if_match=f'"{held["revision"]}"')
    client.app.state.runtime.look()
    assert calls.get_entry("NEW-1")["live"] == held["revision"]
    assert calls.answer({"text": cells["question"]})["entries"][0]["entry_id"] == "NEW-1"
    file = calls.get_entries_export(format="jsonl", status="published")
    assert b"NEW-1" in file
    assert calls.entries_import("a.jsonl", "试", file, dry_run=True, accept_near=True)["new"] == 0


def test_a_refusal_is_an_exception_that_says_why(client) -> None:
    _, secret = key_for(client, "operator", rate=6000)
    with pytest.raises(CallError) as told:
        Client(through(client)).get_entries()
    assert told.value.status == 401
    with pytest.raises(CallError, match="feedback:read") as told:
        Client(through(client), key=secret).get_feedback()
    assert told.value.request_id
    assert Client(through(client), key=secret).get_session()["role"] == "operator"


def test_a_connection_that_the_server_closed_is_opened_anew(monkeypatch) -> None:
    class Once(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = b'{"bundle":"b","catalog":"c","kb":"k"}'
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True  # without saying so

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Once)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("serve.client.transport._IDLE_SECONDS", -1.0)
    calls = Client(f"http://127.0.0.1:{server.server_port}")
    assert [calls.get_version()["kb"] for _ in range(3)] == ["k"] * 3
    server.shutdown()


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(ValueError, match="http://host"):
        Connection("127.0.0.1:8345")


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/assist", "assist"), ("GET", "/v1/entries/{entry_id}", "get_entry"),
        ("PUT", "/v1/entries/{entry_id}/status", "put_entry_status"),
        ("POST", "/v1/entries/hit-test", "entries_hit_test"),
    ],
)  # fmt: skip
def test_calls_are_named_after_their_paths(method: str, path: str, name: str) -> None:
    assert name_of(method, path) == name
