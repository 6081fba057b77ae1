"""Every operation of the interface, as its description tells it, with what no database takes in each of its fields."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import String, select, text

from kb.database import Base
from kb.unanswered import UnansweredQueue
from models.text import UNFIT
from serve.insight import outcomes

WORDS = "路灯\x00不亮\ud83d了\uffff三天"
"""NUL, half of an emoji as a program leaves it that cuts by UTF-16, a character that is none."""
GROWING = "姓王,㍍"
"""Longer when it is masked and normalised."""
HOSTILE: dict[str, tuple[object, ...]] = {
    "integer": (-1, 2**31 - 1, 2**31, 2**63, 10**30),
    "date": ("0001-01-01", "9999-12-31"),
    "date-time": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00", "9999-12-31"),
}
ENDLESS = "/v1/sessions/{session}/events"
SLOW = {"/v1/bundles/promote", "/v1/bundles/rollback"}
"""Each of these starts a process: all their texts are hostile at once."""
REFUSED = {*SLOW, "/v1/session"}
"""What a new service refuses whatever is sent: there is no other bundle and no key."""
UNTAKEN = ("存不下(过长,或不是文字),没有存入", "unable to parse raw data as a unicode string")
"""How the reply to a text ends that nobody made fit: that of the last resort, and that of pydantic."""
IN_JSON = {"body", "content", "detail"}
"""Columns whose texts stand in JSON, where a character may be written as an escape."""
_COUNT = itertools.count()

Place = tuple[str | int, ...]
Asked = tuple[dict[str, Any], Any, dict[str, Any]]
"""The query, the body and the headers of a request."""


class Description:
    """The operations of a service, with a request for each that it takes, and the places in it that may be changed."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield (method, path, operation)."""
        for path, methods in self._spec["paths"].items():
            for method, operation in methods.items():
                if path != ENDLESS:
                    yield method.upper(), path, operation

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema itself: what is referred to, the items of a list, the first of several that is not null."""
        if "$ref" in schema:
            return self.resolved(self._spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        if "anyOf" in schema:
            return self.resolved(next(s for s in schema["anyOf"] if s.get("type") != "null"))
        return schema

    def places(self, schema: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield (where it stands, schema) of every value that a body may hold."""
        schema = self.resolved(schema)
        if schema.get("type") == "object":
            for name, inner in schema["properties"].items():
                yield from (((name, *place), leaf) for place, leaf in self.places(inner))
        elif schema.get("type") == "array":
            yield from (((0, *place), leaf) for place, leaf in self.places(schema["items"]))
        else:
            yield (), schema

    def sample(self, schema: dict[str, Any]) -> Any:
        """Return the example of a schema, or one made of what it needs."""
        schema = self.resolved(schema)
        for made in ("examples", "enum"):
            if made in schema:
                return schema[made][0]
        if schema["type"] == "object":
            return {name: self.sample(schema["properties"][name]) for name in schema.get("required", ())}
        if schema["type"] == "array":
            return [self.sample(schema["items"])]
        word = "v1" if "pattern" in schema else "路灯不亮"
        return {"string": word, "integer": schema.get("minimum", 1), "boolean": False}[schema["type"]]

    def requests(self, path: str, operation: dict[str, Any]) -> Iterator[Asked]:
        """Yield a request that is taken, then one with a hostile value in each place where one may stand."""
        parameters = operation.get("parameters", [])
        query = {p["name"]: self._wanted(p) for p in parameters if p["in"] == "query" and p["required"]}
        kind, body, places = self._body(operation)
        headers = {"Content-Type": kind} if kind else {}
        if path in SLOW:
            for place, _ in (p for p in places if p[1]["type"] == "string" and "pattern" not in p[1]):
                body = put(body, place, WORDS)
            places = []
        yield query, body, headers
        for place, leaf in places:
            yield from ((query, put(body, place, value), headers) for value in hostile(leaf))
        for p in parameters:
            leaf = self.resolved(p["schema"])
            leaf = self.resolved(leaf["items"]) if leaf["type"] == "array" else leaf
            if p["in"] == "query":
                yield from ((query | {p["name"]: value}, body, headers) for value in hostile(leaf))
            elif p["in"] == "header":
                yield query, body, headers | {p["name"]: b"k\x7f\xff\x80"}

    def _wanted(self, parameter: dict[str, Any]) -> Any:
        known = {"name": "a.csv", "figure": "received", "month": "2026-11"}
        return known.get(parameter["name"]) or self.sample(parameter["schema"])

    def _body(self, operation: dict[str, Any]) -> tuple[str, Any, list[tuple[Place, dict[str, Any]]]]:
        """Return (media type, body, places in it); what is no JSON object is hostile from the start."""
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind == "application/json":
                return kind, self.sample(content["schema"]), list(self.places(content["schema"]))
            if "example" in content:
                lines = [json.loads(line) for line in content["example"].splitlines()]
                return kind, "\n".join(json.dumps({**x, k: WORDS}) for x in lines for k in x).encode(), []
            return kind, f"question,answer,basis\n{WORDS},答{WORDS},依据\n".encode("utf-8", "surrogatepass"), []
        return "", None, []


def hostile(leaf: dict[str, Any]) -> tuple[object, ...]:
    """Return what may be sent in a place and must do no harm."""
    if "enum" in leaf or "const" in leaf:
        return ()
    if leaf["type"] == "string" and "format" not in leaf:
        longest = leaf.get("maxLength", 1000)
        return (WORDS, (GROWING * longest)[:longest]) if longest <= 200 else (WORDS,)
    return HOSTILE.get(leaf.get("format", leaf["type"]), ())


def put(body: Any, place: Place, value: object) -> Any:
    """Return `body` with `value` in `place`."""
    if not place:
        return value
    if isinstance(place[0], int):
        return [put(body[0] if body else {}, place[1:], value), *(body or [])[1:]]
    return {**(body or {}), place[0]: put((body or {}).get(place[0]), place[1:], value)}


def about(client: TestClient, path: str, body: Any) -> tuple[str, Any]:
    """Return (path, body) of a request after making what it is about: an entry of its own, an unanswered question."""
    number = next(_COUNT)
    if "{entry_id}/" in path:
        cells = {"question": f"第{number}个问题", "answer": "答。", "basis": "依据"}
        first = {"entry": cells, "why": "新建", "who": "甲", "expected": 0}
        held = client.put(f"/v1/entries/E{number}", json=first).json()["revision"]
        if isinstance(body, dict):
            body = {"expected": held} | body | ({"revision": held} if body.get("revision") == 1 else {})
    if "{number}" in path:
        queue = UnansweredQueue(client.app.state.runtime.engine.store.engine, f"e{number}")  # type: ignore[attr-defined]
        queue.add(["问"], np.full((1, 4), 0.5, np.float32))
        number = max(cluster.id for cluster in queue.list())
    return path.format(entry_id=f"E{number}", number=number, session=f"call-{number}"), body


def answered(client: TestClient, method: str, path: str, asked: Asked) -> tuple[int, str]:
    """Send a request and return the status and what was said."""
    query, body, headers = asked
    filled, body = about(client, path, body)
    words = "&".join(f"{k}={quote(str(v), errors='surrogatepass')}" for k, v in query.items())
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
    reply = client.request(method, f"{filled}?{words}", content=content, headers=headers)
    told = reply.json().get("detail", "") if reply.status_code >= 400 else ""
    return reply.status_code, f"{asked!a:.300} {told}"


def stored(client: TestClient) -> Iterator[tuple[str, str]]:
    """Yield (column, text) of everything that lies in the database, the texts within JSON too."""
    with client.app.state.runtime.records.read() as session:  # type: ignore[attr-defined]
        for column in (c for t in Base.metadata.sorted_tables for c in t.columns if isinstance(c.type, String)):
            for value in session.scalars(select(column).distinct()):
                waiting = [json.loads(value) if value and column.name in IN_JSON else value or ""]
                while waiting:
                    one = waiting.pop()
                    if isinstance(one, str):
                        yield str(column), one
                    elif isinstance(one, list | dict):
                        waiting += one if isinstance(one, list) else [*one, *one.values()]


def test_nothing_in_any_field_fails_inside_and_nothing_unfit_is_stored(
    client_of: Callable[..., TestClient], database_url: str
) -> None:
    client = client_of(database=database_url)
    recorder = client.app.state.runtime.engine.recorder  # type: ignore[attr-defined]
    described = Description(client.get("/openapi.json").json())
    told = {
        (method, path): [answered(client, method, path, asked) for asked in described.requests(path, operation)]
        for method, path, operation in described.operations()
    }
    client.app.state.runtime.calls.flush()  # type: ignore[attr-defined]
    recorder.close()
    failed = [
        (*at, *one) for at, replies in told.items() for one in replies if one[0] >= 500 or one[1].endswith(UNTAKEN)
    ]
    assert not failed, "\n".join(map(str, failed))
    never = {path for (method, path), replies in told.items() if method != "GET" and min(replies)[0] >= 300}
    assert never == REFUSED
    found = list(stored(client))
    assert {"feedback.note", "audit.detail", "entry.content", "entry_version.why", "call_seen.text"} <= {
        column for column, text in found if "路灯 不亮 了 三天" in text or "路灯不亮了三天" in text
    }
    assert not [(column, text) for column, text in found if UNFIT.search(text)]


@pytest.mark.parametrize(
    ("name", "body", "told"),
    [
        ("a.csv", b"question,answer,basis,\xb1\xb8\xd7\xa2\n\xe9\x97\xae,a,b,c\n", "ignored"),
        ("a.jsonl", b'{"id":"\\ud83d x","question":"q","answer":"a","department":"\\ud83d","\\ud83d":"1"}', "faults"),
        ("a.jsonl", b'{"id":"I","question":"q\\u0000","answer":"a","effective_from":"\\ud83d"}', "faults"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_whose_headings_and_cells_cannot_be_read_is_told_what_is_wrong(
    client: TestClient, name: str, body: bytes, told: str, dry_run: bool
) -> None:
    query = {"name": name, "why": "试", "dry_run": dry_run, "accept_near": True}
    reply = client.post(
        "/v1/entries/import", params=query, content=body,
        headers={"Content-Type": "application/octet-stream", "Idempotency-Key": "k"},
    )  # fmt: skip
    assert reply.status_code == 200, reply.text
    assert reply.json()[told]


def test_a_line_of_a_batch_is_read_as_a_single_call_is(client: TestClient) -> None:
    call = {"text": "城西区路灯不亮\ud83d", "district": "城西区"}
    single = client.post("/v1/assist", content=json.dumps(call), headers={"Content-Type": "application/json"}).json()
    lines = [json.dumps(call), '{"text":"路灯","\\ud83d":1}', '{"text":' + "[" * 50_000 + "]" * 50_000 + "}", "路灯"]
    reply = client.post(
        "/v1/batch", content="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    first, *refused = map(json.loads, reply.text.splitlines())
    for one in (single, first["assist"]):
        one.pop("timings")
    assert first["assist"] == single
    assert [r["line"] for r in refused if r["error"]] == [2, 3, 4]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_value_that_no_column_takes_is_refused_for_good(
    client_of: Callable[..., TestClient], database_url: str
) -> None:
    client = client_of(database=database_url)
    app = client.app
    records = app.state.runtime.records  # type: ignore[attr-defined]

    @app.get("/v1/unstorable")  # type: ignore[attr-defined]
    def unstorable() -> None:
        with records.read() as session:
            session.execute(text("SELECT CAST(:given AS text)"), {"given": "a\x00"})

    reply = client.get("/v1/unstorable")
    assert (reply.status_code, "retry-after" in reply.headers) == (422, False)


@pytest.mark.parametrize("length", ["²".encode("latin-1"), b"9" * 5000, b"-1", b"1e3"])
def test_a_length_that_is_no_number_fails_nothing_inside(client: TestClient, length: bytes) -> None:
    headers = {"content-length": length, "content-type": "application/json"}
    assert client.post("/v1/assist", content=b'{"text":"x"}', headers=headers).status_code < 500


def test_an_outcome_from_a_file_is_made_fit_as_one_of_a_request_is() -> None:
    row = outcomes.accept({"ticket_id": "T\x001", "first_unit": "市\ufffe局\ud83d", "reason": "甲\x1b乙"})
    assert (row.ticket_id, row.first_unit, row.reason) == ("T 1", "市 局", "甲乙")
