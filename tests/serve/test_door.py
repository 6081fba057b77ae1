"""The door: request ids, limits, back-pressure, problem details, hot reload, figures, logs without call text."""

import asyncio
import json
import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import numpy as np
import pytest

from serve.api.schemas import AnswerOut, AssistOut, ClassifyOut, RoutedOut, SimilarCasesOut
from serve.batching import EncoderWorker
from serve.logs import JsonLines
from tests.conftest import ROOT
from tests.serve.conftest import renewed

CALL = {"text": "城西区虎台街道路灯不亮好几天了,另外楼下垃圾桶满了没人拉"}


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/assist", AssistOut), ("/v1/answer", AnswerOut), ("/v1/classify", ClassifyOut), ("/v1/route", RoutedOut),
        ("/v1/similar", SimilarCasesOut),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", [CALL["text"], "家里一股煤气味", "试用期最长多久", "?!", "hello there", "😀"])
def test_every_reply_has_the_shape_it_promises(client, path: str, shape, text: str) -> None:
    shape.model_validate(client.post(path, json={"text": text}).json(), strict=False)


def test_the_description_names_every_schema_it_uses(client) -> None:
    description = client.get("/openapi.json").json()
    used = set(json.dumps(description).split('"#/components/schemas/')[1:])
    names = {u.split('"')[0] for u in used}
    assert names <= set(description["components"]["schemas"])
    assert {"Problem", "BatchLine", "AssistOut"} <= names


def test_a_request_id_comes_back_and_a_hostile_one_does_not(client) -> None:
    assert client.post("/v1/assist", json=CALL, headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    hostile = 'x"}\\n{"event":"forged'
    reply = client.post("/v1/assist", json={}, headers={"X-Request-ID": hostile})
    assert reply.headers["x-request-id"] != hostile
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_declared_as_json_is_refused(client, kind: str) -> None:
    reply = client.post("/v1/assist", content=json.dumps(CALL), headers={"Content-Type": kind} if kind else {})
    assert reply.status_code == 415
    assert "application/json" in reply.json()["detail"]


def test_a_body_above_the_limit_is_refused_whether_or_not_it_says_its_length(client_of) -> None:
    client = client_of(body_limit=1000)
    body = b'{"text":"' + b"x" * 2000 + b'"}'
    pieces = (body[i : i + 100] for i in range(0, len(body), 100))
    for content in (body, pieces):
        reply = client.post("/v1/assist", content=content, headers={"Content-Type": "application/json"})
        assert reply.status_code == 413


def test_large_bodies_that_do_not_end_fill_no_memory_and_keep_no_call_out(client_of) -> None:
    client = client_of(import_body_limit=200_000, body_limit=50_000, max_in_flight=12)
    app, end, refused = client.app, asyncio.Event(), asyncio.Event()
    statuses: list[int] = []

    async def stranger() -> None:
        pieces = iter([b"x" * 190_000])

        async def receive() -> dict[str, object]:
            if (piece := next(pieces, None)) is None:
                await end.wait()
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": True}

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                refused.set()

        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/octet-stream")]
        await app(
            {
                "type": "http", "method": "POST", "path": "/v1/entries/import", "raw_path": b"/v1/entries/import",
                "query_string": b"name=a.csv&why=x", "headers": headers, "scheme": "http", "http_version": "1.1",
                "root_path": "", "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            },
            receive, send,
        )  # fmt: skip

    async def attack() -> int:
        strangers = [asyncio.create_task(stranger()) for _ in range(9)]
        await asyncio.sleep(0)
        call = await asyncio.to_thread(client.post, "/v1/assist", json=CALL)
        end.set()
        await asyncio.gather(*strangers)
        return call.status_code

    assert asyncio.run(attack()) == 200
    assert statuses == [429] * 3, "six bodies of 126,000 counted bytes fit into 800,000"
    files = {"Content-Type": "application/octet-stream"}
    body = b"question,answer,basis\n" + "问,答,依据\n".encode() * 9_000
    after = client.post(
        "/v1/entries/import?name=a.csv&why=x&dry_run=true&accept_near=true", content=body, headers=files
    )
    assert after.status_code == 200
    assert app.state.runtime.metrics.text().count(b'refused_total{why="bodies"} 3.0') == 1


def test_deep_json_is_a_problem_and_no_crash(client) -> None:
    for body in (b'{"text":' + b"[" * 100_000, b'{"text":' + b"[" * 50_000 + b"]" * 50_000 + b"}"):
        reply = client.post("/v1/assist", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code in {400, 422}


class SlowEmbedder:
    """The shipped encoder, kept back until the test lets it go."""

    def __init__(self, embedder) -> None:
        self.name, self.dimension = "slow", embedder.dimension
        self.go, self.batches = threading.Event(), []

    def encode(self, texts, *, kind, batch_size=32):
        self.go.wait(60)
        self.batches.append(list(texts))
        return np.ones((len(texts), self.dimension), np.float32) / np.sqrt(self.dimension)


def slow(client) -> SlowEmbedder:
    import dataclasses

    engine = client.app.state.runtime.engine
    embedder = SlowEmbedder(engine.bundle.embedder)
    engine.bundle = dataclasses.replace(engine.bundle, embedder=embedder)
    return embedder


async def many(app, count: int, embedder: SlowEmbedder | None, text: str = "路灯不亮{}"):
    """Send `count` calls at once; the encoder goes on when each has a place or its reply."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    metrics = app.state.runtime.metrics
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        tasks = [
            asyncio.create_task(http.post("/v1/assist", json={"text": text.format(i)}, timeout=60))
            for i in range(count)
        ]
        if embedder:
            while sum(t.done() for t in tasks) + metrics.registry.get_sample_value("yousu_in_flight") < count:
                await asyncio.sleep(0.01)
            embedder.go.set()
        return await asyncio.gather(*tasks)


def test_more_calls_than_places_get_429_at_once_and_the_accepted_are_answered(client_of) -> None:
    client = client_of(max_in_flight=3)
    replies = asyncio.run(many(client.app, 10, slow(client)))
    assert sorted(r.status_code for r in replies) == [200] * 3 + [429] * 7
    assert all(r.headers["retry-after"] for r in replies if r.status_code == 429)
    assert client.post("/v1/assist", json=CALL).status_code == 200


def test_a_call_that_takes_too_long_is_told_so_and_gives_its_place_back(client_of) -> None:
    client = client_of(request_timeout=0.3, max_in_flight=1)
    embedder, runtime = slow(client), client.app.state.runtime
    assert asyncio.run(many(client.app, 1, None))[0].status_code == 504
    embedder.go.set()
    runtime.settings = runtime.settings.model_copy(update={"request_timeout": 60})
    assert client.post("/v1/assist", json=CALL).status_code == 200


def test_waiting_calls_of_like_length_are_embedded_together_and_twins_once(client_of) -> None:
    client = client_of(max_in_flight=20)
    embedder = slow(client)
    asyncio.run(many(client.app, 9, embedder, "路灯不亮"))
    assert [len(b) for b in embedder.batches] == [1]
    asyncio.run(many(client.app, 9, embedder, "井盖坏了{}"))
    assert max(len(b) for b in embedder.batches) <= 4


def test_the_encoder_thread_survives_an_encoder_that_fails() -> None:
    class Broken:
        name, dimension, fail = "b", 3, True

        def encode(self, texts, *, kind, batch_size=32):
            if self.fail:
                raise RuntimeError("broken")
            return np.ones((len(texts), 3), np.float32)

    async def run() -> None:
        worker, embedder = EncoderWorker(), Broken()
        with pytest.raises(RuntimeError, match="broken"):
            await worker.encode(embedder, ["a", "b"])
        embedder.fail = False
        assert (await worker.encode(embedder, ["a", "b"])).shape == (2, 3)
        worker.close()

    asyncio.run(run())


# -- hot reload ---------------------------------------------------------------------------------------------------


def test_a_new_entry_is_answered_after_the_next_look_without_a_restart(client) -> None:
    import dataclasses

    runtime = client.app.state.runtime
    shipped = runtime.engine.store.entries(status="published")[0]
    entry = dataclasses.replace(
        shipped, id="NEW-1", question="紫色大象可以养在阳台吗", aliases=(), answer="不可以。", region=""
    )
    runtime.engine.store.upsert([entry], who="t", why="t")
    before = client.get("/v1/version").json()["kb"]
    runtime.look()
    assert client.get("/v1/version").json()["kb"] != before
    answers = client.post("/v1/answer", json={"text": "紫色大象可以养在阳台吗"}).json()
    assert answers["entries"][0]["entry_id"] == "NEW-1"


def test_a_new_bundle_is_taken_and_a_broken_one_refused(engine, tmp_path: Path) -> None:
    from models.bundle import write_manifest
    from serve.runtime import Runtime

    folder = Path(shutil.copytree(engine.settings.bundle, tmp_path / "bundle"))
    runtime = Runtime(renewed(engine, tmp_path / "home", bundle=folder))
    old = runtime.engine.bundle.version
    file = folder / "answering.json"
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "threshold": 0.99}))
    record = {k: v for k, v in runtime.engine.bundle.manifest.items() if k not in {"version", "files"}}
    write_manifest(folder, record)
    runtime.look()
    assert runtime.engine.bundle.version != old
    assert runtime.engine.answerer.threshold == 0.99
    good = runtime.engine
    (folder / "category" / "head.safetensors").write_bytes(b"pickle? no")
    (folder / "manifest.json").touch()
    runtime.look()
    assert runtime.engine is good
    assert b'yousu_reloads_total{result="failed",what="bundle"} 1.0' in runtime.metrics.text()
    runtime.close()


# -- figures and logs ---------------------------------------------------------------------------------------------


def test_the_figures_tell_latency_confidence_abstentions_and_versions(client) -> None:
    client.post("/v1/assist", json=CALL)
    client.post("/v1/assist", json={"text": "?!"})
    client.post("/v1/feedback", json={"text": "路灯", "field": "category", "verdict": "accept"})
    figures = client.get("/metrics").text
    for line in (
        'yousu_stage_seconds_count{stage="embedding"} 2.0',
        'yousu_abstained_total{what="category"} 1.0',
        'yousu_feedback_total{field="category",verdict="accept"} 1.0',
        'yousu_requests_total{route="/v1/assist",status="200"} 2.0',
        f'bundle="{client.get("/v1/version").json()["bundle"]}"',
    ):
        assert line in figures


def test_logs_hold_request_ids_and_never_the_call(client, caplog) -> None:
    with caplog.at_level(logging.INFO, "yousu"):
        client.post("/v1/assist", json={"text": "紫色大象在路上"}, headers={"X-Request-ID": "r-9"})
        client.post("/v1/assist", json={"text": "紫色大象在路上", "district": "紫色区"})
    lines = [JsonLines().format(r) for r in caplog.records]
    assert any(json.loads(line).get("request_id") == "r-9" for line in lines)
    assert "紫色" not in "".join(lines)


def test_an_error_is_logged_by_type_and_place_without_its_message(client, caplog, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("紫色大象在路上")

    monkeypatch.setattr(client.app.state.runtime.engine, "conclude", broken)
    with caplog.at_level(logging.INFO, "yousu"):
        reply = client.post("/v1/assist", json={"text": "紫色大象在路上"})
    assert reply.status_code == 500
    line = next(JsonLines().format(r) for r in caplog.records if r.getMessage() == "unhandled")
    assert json.loads(line)["error"] == "KeyError"
    assert json.loads(line)["request_id"] == reply.json()["request_id"]
    assert "紫色" not in line + reply.text


def test_every_setting_says_what_it_does_and_the_command_line_prints_them(home) -> None:
    from serve.settings import Settings, table

    assert all(meaning for *_, meaning in table(Settings()))
    shown = subprocess.run(
        [sys.executable, "-m", "yousu", "settings"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "YOUSU_MAX_IN_FLIGHT" in shown


def test_settings_come_from_a_file_and_the_environment_wins(tmp_path: Path, monkeypatch) -> None:
    from serve.settings import Settings

    (tmp_path / "s.toml").write_text("port = 9000\nmax_in_flight = 7\n")
    monkeypatch.setenv("YOUSU_CONFIG", str(tmp_path / "s.toml"))
    monkeypatch.setenv("YOUSU_PORT", "9001")
    assert (Settings().port, Settings().max_in_flight) == (9001, 7)
