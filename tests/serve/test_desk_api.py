"""The knowledge desk over HTTP: unanswered questions are worked off by whoever may, on the record; import, health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from serve.records import AuditRow

QUESTION = "龙舟比赛的裁判证到哪里考"


def asked(client: TestClient, text: str = QUESTION, times: int = 1, *, final: bool = True) -> None:
    for i in range(times):
        told = client.post("/v1/answer", json={"text": text + "?" * i, "final": final}).json()
        assert told["answered"] is False
    client.app.state.runtime.engine.recorder.flush()  # type: ignore[attr-defined]


def queue(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    return client.get("/v1/desk/unanswered", params=query).json()["items"]


def audited(client: TestClient) -> list[tuple[str, str, str]]:
    with client.app.state.runtime.records.read() as session:  # type: ignore[attr-defined]
        return [(r.who, r.what, r.object) for r in session.scalars(select(AuditRow)) if r.what.startswith("unanswered")]


def test_a_question_without_an_answer_waits_and_a_tried_one_does_not(client: TestClient) -> None:
    asked(client, final=False)
    assert queue(client) == []
    asked(client, times=2)
    (cluster,) = queue(client)
    assert cluster["asked"] >= 1
    assert QUESTION in cluster["sample"]


def test_a_cluster_is_taken_with_its_entry_and_closed_once_and_both_are_audited(client: TestClient) -> None:
    asked(client)
    number = queue(client)[0]["id"]
    path = f"/v1/desk/unanswered/{number}"
    taken = client.put(path, json={"action": "assign", "who": "起草员", "entry_id": "X404"}).json()
    assert (taken["status"], taken["assignee"], taken["entry_status"]) == ("assigned", "起草员", "missing")
    assert client.put(path, json={"action": "close", "who": "起草员"}).status_code == 422, "neither entry nor note"
    closed = client.put(path, json={"action": "close", "who": "审核员", "note": "电话13897412356问的,不属受理"})
    assert (closed.status_code, "13897412356" in closed.text) == (200, False)
    assert client.put(path, json={"action": "close", "who": "审核员", "note": "再关"}).status_code == 409
    assert client.put("/v1/desk/unanswered/999", json={"action": "close", "note": "x"}).status_code == 404
    assert queue(client) == []
    assert [c["id"] for c in queue(client, status="closed")] == [number]
    assert audited(client) == [
        ("起草员", "unanswered.assign", str(number)), ("审核员", "unanswered.close", str(number)),
    ]  # fmt: skip


def test_who_may_read_the_queue_and_who_may_work_it_off(client_of: Callable[..., TestClient]) -> None:
    client = client_of(auth="on")
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    for role, writes in (
        ("operator", 403),
        ("editor", 404),
        ("reviewer", 403),
        ("auditor", 403),
    ):
        headers = {"X-API-Key": runtime.keys.create(role, role, rate=600)[1]}
        assert client.get("/v1/desk/unanswered", headers=headers).status_code == 200, role
        sent = {"action": "close", "note": "x"}
        assert client.put("/v1/desk/unanswered/1", json=sent, headers=headers).status_code == writes, role


def test_whoever_may_use_the_panel_may_say_what_it_got_wrong(client_of: Callable[..., TestClient]) -> None:
    client = client_of(auth="on")
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    for role in ("operator", "editor", "reviewer", "engineer"):
        headers = {"X-API-Key": runtime.keys.create(role, role, rate=600)[1]}
        said = {"text": "路灯不亮", "field": "category", "verdict": "unsure"}
        assert client.post("/v1/feedback", json=said, headers=headers).status_code == 201, role


def test_an_entry_that_ends_soon_is_told_and_counted(client: TestClient) -> None:
    store = client.app.state.runtime.engine.store  # type: ignore[attr-defined]
    import datetime
    from dataclasses import replace

    today = client.app.state.runtime.settings.today()  # type: ignore[attr-defined]
    entry = store.get("K0101").entry if store.exists("K0101") else store.entries(status="published")[0]
    ending = replace(entry, effective_from=None, effective_to=today + datetime.timedelta(days=5))
    store.upsert([ending], who="test", why="ends")
    found = client.get("/v1/desk/health", params={"kind": "expiring"}).json()
    assert [(f["entry_id"], "还有 5 天" in f["detail"]) for f in found["items"]] == [(entry.id, True)]
    assert {c["kind"]: c["count"] for c in found["counts"]}["expiring"] == 1
    assert client.get("/v1/desk/health", params={"kind": "expiring", "days": 3}).json()["items"] == []
    assert client.get("/v1/desk/health", params={"kind": "wrong"}).status_code == 422


@pytest.mark.parametrize("dry", [True, False])
def test_an_import_gives_back_the_rows_it_set_aside_and_stores_none_of_them(client: TestClient, dry: bool) -> None:
    body = "问题,答案,依据\n公园几点关门,晚十点。电话13897412356,公园条例\n没有答案,,条例\n".encode()
    query = {"name": "x.csv", "why": "试", "dry_run": dry, "accept_near": True}
    headers = {"content-type": "text/csv", "idempotency-key": "k1"}
    told = client.post("/v1/entries/import", params=query, content=body, headers=headers).json()
    rows = {a["row"]: a for a in told["aside"]}
    assert 3 in rows
    assert (rows[3]["cells"]["问题"], "answer" in rows[3]["reason"]) == ("没有答案", True)
    assert told["headings"] == ["问题", "答案", "依据"]
    from serve.records import IdempotencyRow

    with client.app.state.runtime.records.read() as session:  # type: ignore[attr-defined]
        assert all("没有答案" not in r.body for r in session.scalars(select(IdempotencyRow)))
