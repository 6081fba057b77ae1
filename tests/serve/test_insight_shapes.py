"""Every reply of dashboard, desk and panel has the shape that the description of the interface promises."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from kb.unanswered import UnansweredQueue
from serve.api import desk_schemas, insight_schemas
from serve.api.ticket_schemas import TicketPage

HEATING = "0101010101"


@pytest.fixture
def filled(client: TestClient) -> TestClient:
    """A service with tickets of two weeks, outcomes, a call, a choice and an unanswered question."""
    tickets = [
        {
            "id": f"T{i}", "text": f"城西区虎台街道{n}号院暖气不热", "code": HEATING, "district": "城西区",
            "unit": "市城乡建设局", "accepted_at": f"2026-11-{day}T03:00:00Z",
        }
        for i, (n, day) in enumerate([(1, 12), (1, 18), (1, 19), (1, 19), (1, 20), (2, 20)])
    ]  # fmt: skip
    outcomes: list[dict[str, Any]] = [
        {"ticket_id": f"T{i}", "caller": f"c{i % 2}", "community": "一号院", "contacted": True, "solved": i > 2}
        for i in range(5)
    ]
    outcomes[0] |= {"first_unit": "市生态环境局", "reason": "属地不符", "satisfaction": "满意"}
    assert client.post("/v1/tickets/bulk", json={"tickets": tickets}).json()["stored"] == 6
    stored = client.post("/v1/outcomes", json={"outcomes": [*outcomes, {"ticket_id": "T9", "caller": "13800138000"}]})
    insight_schemas.OutcomesStored.model_validate(stored.json())
    client.post("/v1/assist", json={"text": "试用期最长多久"})
    choice = {"text": "甲", "field": "category", "verdict": "accept", "value": HEATING, "proposed": HEATING}
    client.post("/v1/feedback", json=choice)
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    runtime.look()
    engine = runtime.engine
    queue = UnansweredQueue(engine.store.engine, engine.bundle.embedder.name)
    queue.add(["龙舟比赛的裁判证到哪里考"], engine.embed(["龙舟比赛的裁判证到哪里考"]))
    return client


def test_every_reply_of_the_dashboard_has_its_shape_and_holds_something(filled: TestClient) -> None:
    shapes: list[tuple[str, type[BaseModel], dict[str, Any], str]] = [
        ("figures", insight_schemas.OverviewOut, {}, "moves"),
        ("topics", insight_schemas.TopicsOut, {}, "items"),
        ("events", insight_schemas.EventsOut, {}, "items"),
        ("seasons", insight_schemas.SeasonsOut, {}, "items"),
        ("months", insight_schemas.MonthsOut, {}, "items"),
        ("month", insight_schemas.MonthOut, {"month": "2026-11"}, "rates"),
        *(
            ("rows", insight_schemas.RowsOut, {"figure": name, "end": None, "days": 60}, "items")
            for name in ("received", "calls", "accepted_category")
        ),
    ]
    for path, shape, query, holds in shapes:
        asked = {"end": "2026-11-20", **query}
        body = filled.get(f"/v1/insight/{path}", params={k: v for k, v in asked.items() if v}).json()
        shape.model_validate(body)
        assert body[holds], path


def test_every_reply_of_desk_and_panel_has_its_shape(filled: TestClient) -> None:
    queue = filled.get("/v1/desk/unanswered").json()
    desk_schemas.UnansweredList.model_validate(queue)
    taken = filled.put(f"/v1/desk/unanswered/{queue['items'][0]['id']}", json={"action": "assign", "who": "甲"})
    desk_schemas.UnansweredOut.model_validate(taken.json())
    health = filled.get("/v1/desk/health").json()
    desk_schemas.HealthOut.model_validate(health)
    assert health["items"]
    TicketPage.model_validate(filled.get("/v1/tickets").json())
    desk_schemas.FoundList.model_validate(filled.get("/v1/catalog/search", params={"q": "gnbz"}).json())
    desk_schemas.Choices.model_validate(filled.get("/v1/catalog/choices").json())
    rerouted = filled.post("/v1/catalog/route", json={"text": "城西区暖气不热", "code": HEATING})
    desk_schemas.Rerouted.model_validate(rerouted.json())
    heard = filled.post("/v1/sessions/call-1/transcript", json={"text": "暖气", "final": True})
    desk_schemas.Heard.model_validate(heard.json())


def test_no_route_leaves_its_json_undescribed(client: TestClient) -> None:
    """A manager's engineer reads the description: every field of every reply is named and explained."""
    described = client.get("/openapi.json").json()
    schemas = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
            if content is not None and path.startswith("/v1/"):
                assert content["schema"].get("$ref"), f"{method} {path}"
    for name in vars(insight_schemas).keys() | vars(desk_schemas).keys():
        for field, told in schemas.get(name, {}).get("properties", {}).items():
            assert told.get("description"), f"{name}.{field}"


def test_a_similar_ticket_says_how_it_ended(filled: TestClient) -> None:
    def ended() -> dict[str, str]:
        cases = filled.post("/v1/similar", json={"text": "城西区虎台街道1号院暖气不热", "top": 6}).json()["similar"]
        return {c["id"]: c["outcome"] for c in cases if c["source"] == "ticket"}

    assert ended()["T0"] == "未办结、未解决、满意;曾退回(属地不符)"
    assert ended()["T4"] == "未办结、已解决"
    later = {"ticket_id": "T4", "closed_at": "2026-11-22T00:00:00Z", "solved": True, "satisfaction": "基本满意"}
    filled.post("/v1/outcomes", json={"outcomes": [later]})
    filled.app.state.runtime.look()  # type: ignore[attr-defined]
    assert ended()["T4"] == "已办结、已解决、基本满意"
