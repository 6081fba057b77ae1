"""Many tickets at once: the time limit holds for every step and not for all of them, and no call waits behind them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import pytest
from fastapi.testclient import TestClient

from serve.api.tickets import EMBEDDED_AT_ONCE
from serve.batching import EncoderWorker
from serve.engine import Engine
from serve.insight import outcomes

LIMIT = 2.0
"""Seconds a request, or a step of one, may take here."""


def slowed(monkeypatch: pytest.MonkeyPatch, seconds: float) -> list[int]:
    """Let every step of the encoder take its time; returns the list that fills with the texts of each step."""
    steps: list[int] = []

    async def encode(self: EncoderWorker, embedder: object, texts: Sequence[str]) -> np.ndarray:
        steps.append(len(texts))
        await asyncio.sleep(seconds)
        return np.full((len(texts), embedder.dimension), embedder.dimension**-0.5, np.float32)  # type: ignore[attr-defined]

    monkeypatch.setattr(EncoderWorker, "encode", encode)
    return steps


def sent(count: int) -> dict[str, list[dict[str, str]]]:
    return {"tickets": [{"id": f"T{i}", "text": f"第{i}盏路灯不亮"} for i in range(count)]}


def test_tickets_that_take_longer_than_a_request_may_are_stored(
    client_of: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(request_timeout=LIMIT)
    steps = slowed(monkeypatch, LIMIT / 4)
    reply = client.post("/v1/tickets/bulk", json=sent(5 * EMBEDDED_AT_ONCE))
    assert (reply.status_code, reply.json()) == (200, {"stored": 5 * EMBEDDED_AT_ONCE, "rejected": []})
    assert len(steps) * LIMIT / 4 > LIMIT, "all steps together took longer than the limit"
    assert max(steps) == EMBEDDED_AT_ONCE
    assert len(client.get("/v1/tickets").json()["items"]) == 5 * EMBEDDED_AT_ONCE


def test_a_step_that_hangs_still_ends_and_stores_nothing(
    client_of: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(request_timeout=LIMIT / 4)
    slowed(monkeypatch, 600)
    assert client.post("/v1/tickets/bulk", json=sent(3)).status_code == 504
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    runtime.settings = runtime.settings.model_copy(update={"request_timeout": 60})
    assert client.get("/v1/tickets").json()["items"] == []


def test_two_hundred_different_tickets_are_embedded_and_found(client: TestClient) -> None:
    body = sent(200)
    assert client.post("/v1/tickets/bulk", json=body).json() == {"stored": 200, "rejected": []}
    client.app.state.runtime.look()  # type: ignore[attr-defined]
    found = client.post("/v1/similar", json={"text": body["tickets"][7]["text"], "top": 1}).json()["similar"]
    assert found[0]["id"] == "T7"


def test_long_work_before_anything_is_embedded_holds_up_no_call(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    within: list[str] = []

    def noted(name: str, work: Callable[..., object]) -> Callable[..., object]:
        def run(*given: object, **more: object) -> object:
            with suppress(RuntimeError):  # raised where no event loop runs, as in a thread
                asyncio.get_running_loop()
                within.append(name)
            return work(*given, **more)

        return run

    monkeypatch.setattr(outcomes, "accept", noted("outcomes", outcomes.accept))
    monkeypatch.setattr(Engine, "hear", noted("hear", Engine.hear))
    given = [{"ticket_id": f"T{i}", "community": "一号院", "reason": "属地不符"} for i in range(20)]
    assert client.post("/v1/outcomes", json={"outcomes": given}).json()["stored"] == 20
    long = {"text": "那农村的呢", "context": ["我想问城市低保" * 100] * 10}
    for path in ("assist", "answer", "similar"):
        assert client.post(f"/v1/{path}", json=long).status_code == 200
    assert within == []
    assert client.post("/v1/answer", json={**long, "context": ["城市低保多少钱"]}).status_code == 200
    assert within == ["hear"], "a short call is heard at once"
