"""The dashboard over a real database: figures, the rows behind them, outcomes, events, months and who may look."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook

HEATING, LAMP = "0101010101", "0402010101"
DAY = "2026-11-20T03:00:00Z"


def ticket(number: int, text: str = "城西区虎台街道暖气不热", **more: Any) -> dict[str, Any]:
    given = {"code": HEATING, "request_type": "投诉", "district": "城西区", "unit": "市城乡建设局", "accepted_at": DAY}
    return {"id": f"T{number}", "text": text, **given, **more}


def put(client: TestClient, tickets: list[dict[str, Any]], outcomes: list[dict[str, Any]] | None = None) -> None:
    for start in range(0, len(tickets), 500):
        reply = client.post("/v1/tickets/bulk", json={"tickets": tickets[start : start + 500]})
        assert reply.json()["rejected"] == []
    if outcomes:
        assert client.post("/v1/outcomes", json={"outcomes": outcomes}).json()["rejected"] == []


def figures(client: TestClient, **query: Any) -> dict[str, dict[str, Any]]:
    query = {"start": "2026-11-14", "end": "2026-11-20", **query}
    return {f["name"]: f for f in client.get("/v1/insight/figures", params=query).json()["figures"]}


def test_every_figure_comes_with_its_definition_and_the_rows_it_counts(client: TestClient) -> None:
    outcomes = [
        {
            "ticket_id": "T1",
            "closed_at": "2026-11-21T01:00:00Z",
            "contacted": True,
            "solved": True,
            "satisfaction": "满意",
        },
        {"ticket_id": "T2", "reason": "不属本单位职责", "first_unit": "市生态环境局", "contacted": False},
    ]
    put(client, [ticket(1), ticket(2), ticket(3, accepted_at="2026-11-13T15:00:00Z")], outcomes)
    found = figures(client)
    assert found["received"]["value"] == 2, "the 13th at 23:00 local time is outside"
    assert (found["closed"]["part"], found["closed"]["whole"]) == (1, 2)
    assert (found["first_dispatch"]["value"], found["transfers"]["value"]) == (0.5, 0.5)
    assert (found["response"]["value"], found["solved"]["value"]) == (0.5, 1.0)
    assert all(f["definition"] for f in found.values())
    query = {"start": "2026-11-14", "end": "2026-11-20", "figure": "transfers", "which": "part"}
    behind = client.get("/v1/insight/rows", params=query).json()
    assert [r["id"] for r in behind["items"]] == ["T2"]
    assert behind["items"][0]["reason"] == "不属本单位职责"
    for name, figure in found.items():
        rows = client.get("/v1/insight/rows", params={**query, "figure": name, "which": "whole"}).json()
        assert rows["count"] == figure["whole"], name


def test_satisfaction_follows_the_formula_of_the_city(client_of: Callable[..., TestClient]) -> None:
    """614 satisfied, 34 partly, 22 not, of 670: a district's bulletin gives 94.69 %, with 0.6 for partly."""
    client = client_of()
    said = ["满意"] * 614 + ["基本满意"] * 34 + ["不满意"] * 22
    put(client, [ticket(i, text="路灯不亮", code=LAMP) for i in range(670)])
    put(client, [], [{"ticket_id": f"T{i}", "satisfaction": s} for i, s in enumerate(said)])
    assert round(100 * figures(client)["satisfied"]["value"], 2) == 94.69


def test_calls_are_counted_when_they_are_over_and_not_while_typed(client: TestClient) -> None:
    for text, final in (("试用期最长多久", False), ("试用期最长多久", True), ("城西区路灯不亮", True)):
        assert client.post("/v1/assist", json={"text": text, "final": final}).status_code == 200
    client.app.state.runtime.look()  # type: ignore[attr-defined]
    found = {f["name"]: f for f in client.get("/v1/insight/figures", params={"days": 2}).json()["figures"]}
    assert found["calls"]["value"] == 2
    assert (found["answered"]["part"], found["answered"]["whole"]) == (1, 1)
    assert found["unclassified"]["whole"] == 2


def test_a_choice_that_was_taken_back_is_no_acceptance(client: TestClient) -> None:
    for text, verdict, value in (
        ("甲", "accept", HEATING),
        ("乙", "correct", LAMP),
        ("丙", "accept", HEATING),
        ("丙", "unsure", ""),
    ):
        body = {"text": text, "field": "category", "verdict": verdict, "value": value, "proposed": HEATING}
        assert client.post("/v1/feedback", json=body).status_code == 201
    found = {f["name"]: f for f in client.get("/v1/insight/figures").json()["figures"]}
    assert (found["accepted_category"]["part"], found["accepted_category"]["whole"]) == (1, 2)


def test_a_narrowed_view_counts_only_what_is_within(client: TestClient) -> None:
    put(client, [ticket(1), ticket(2, code=LAMP, district="城东区")])
    assert figures(client, category="04")["received"]["value"] == 1
    assert figures(client, district="城西区", category="01")["received"]["value"] == 1
    assert figures(client, district="城西区", category="04")["received"]["value"] == 0


def test_the_same_period_last_year_meets_weekdays_with_weekdays(client: TestClient) -> None:
    put(
        client,
        [ticket(1), ticket(2, accepted_at="2025-11-21T03:00:00Z"), ticket(3, accepted_at="2025-11-20T03:00:00Z")],
    )
    one = figures(client, start="2026-11-20", end="2026-11-20")["received"]
    assert (one["value"], one["year_before"]) == (1, 1)


def test_the_workbook_says_what_the_page_says(client: TestClient) -> None:
    put(client, [ticket(1), ticket(2, unit="=1+1")], [{"ticket_id": "T1", "reason": "属地不符"}])
    query = {"start": "2026-11-14", "end": "2026-11-20"}
    reply = client.get("/v1/insight/export", params=query)
    assert reply.headers["content-disposition"].endswith('insight-2026-11-14-2026-11-20.xlsx"')
    book = load_workbook(io.BytesIO(reply.content))
    table = {row[0]: row for row in book["指标"].iter_rows(min_row=2, values_only=True)}
    for figure in figures(client).values():
        assert table[figure["title"]][1:4] == (figure["value"], figure["part"], figure["whole"])
        assert table[figure["title"]][6] == figure["definition"]
    units = {cell.value: cell.data_type for cell in book["承办单位"]["B"]}
    assert units["=1+1"] == "s", "a text is never a formula"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"caller": "13897412356"}, "caller: 应为来电人代号"),
        ({"reason": "长" * 201}, "reason"),
        ({"satisfaction": "好"}, "satisfaction"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_an_outcome_that_will_not_do_is_refused_with_the_field(
    client: TestClient, outcome: dict[str, Any], words: str
) -> None:
    reply = client.post("/v1/outcomes", json={"outcomes": [{"ticket_id": "T1", **outcome}]})
    told = reply.json()
    assert words in str(told.get("detail") or told["rejected"])


def test_looking_at_rows_storing_outcomes_and_exporting_are_audited(client: TestClient) -> None:
    put(client, [ticket(1)], [{"ticket_id": "T1", "reason": "属地不符"}])
    client.get("/v1/insight/rows", params={"figure": "received"})
    client.get("/v1/insight/export")
    with client.app.state.runtime.records.read() as session:  # type: ignore[attr-defined]
        from sqlalchemy import select

        from serve.records import AuditRow

        told = list(session.scalars(select(AuditRow.what)))
    assert [w for w in told if w.startswith(("outcomes", "insight"))] == [
        "outcomes.write",
        "insight.rows",
        "insight.export",
    ]


def test_who_may_look_and_who_may_not(client_of: Callable[..., TestClient]) -> None:
    client = client_of(auth="on")
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    allowed = {"operator": 403, "editor": 403, "reviewer": 200, "engineer": 200, "auditor": 200}
    for role, status in allowed.items():
        secret = runtime.keys.create(role, role, rate=600)[1]
        headers = {"X-API-Key": secret}
        assert client.get("/v1/insight/figures", headers=headers).status_code == status, role
        assert client.get("/v1/insight/rows", params={"figure": "received"}, headers=headers).status_code == status, (
            role
        )
    assert client.get("/v1/insight/figures").status_code == 401
    assert client.get("/insight").status_code == 200


def test_several_callers_of_one_community_within_days_are_proposed_as_an_event(client: TestClient) -> None:
    texts = ["暖气一点都不热,屋里冷", "家里暖气不热,只有十五度", "暖气冰凉,室温不到十六度"]
    put(
        client,
        [ticket(i, text=t) for i, t in enumerate(texts)] + [ticket(9, text="路灯整条街都不亮", code=LAMP)],
        [{"ticket_id": f"T{i}", "caller": f"c{i}", "community": "阳光苑"} for i in (0, 1, 2, 9)],
    )
    query = {"start": "2026-11-14", "end": "2026-11-20"}
    (event,) = client.get("/v1/insight/events", params=query).json()["items"]
    assert (event["kind"], event["place"], {c["id"] for c in event["cases"]}) == (
        "common",
        "阳光苑",
        {"T0", "T1", "T2"},
    )


def test_one_caller_again_about_one_thing_is_a_repetition_and_about_two_things_is_not(client: TestClient) -> None:
    put(
        client,
        [ticket(1), ticket(2, text="虎台街道暖气还是不热"), ticket(3, text="路灯不亮", code=LAMP)],
        [{"ticket_id": f"T{i}", "caller": "c1", "community": f"小区{i}"} for i in (1, 2, 3)],
    )
    query = {"start": "2026-11-14", "end": "2026-11-20"}
    (event,) = client.get("/v1/insight/events", params=query).json()["items"]
    assert (event["kind"], event["count"]) == ("repeat", 2)
    assert "caller" not in event["cases"][0]


def test_a_period_that_ends_before_it_starts_is_refused(client: TestClient) -> None:
    reply = client.get("/v1/insight/figures", params={"start": "2026-11-20", "end": "2026-11-01"})
    assert (reply.status_code, "实为 -18 天" in reply.json()["detail"]) == (422, True)


def test_what_is_older_than_the_limit_goes(client: TestClient) -> None:
    from serve import retention

    put(client, [ticket(1)], [{"ticket_id": "T1", "reason": "属地不符"}])
    client.post("/v1/assist", json={"text": "路灯不亮"})
    runtime = client.app.state.runtime  # type: ignore[attr-defined]
    runtime.look()
    from sqlalchemy import update

    from serve.insight.tables import CallRow
    from serve.records import OutcomeRow

    long_ago = datetime.datetime(2020, 1, 1)
    with runtime.records.write() as session:
        session.execute(update(CallRow).values(at=long_ago))
        session.execute(update(OutcomeRow).values(stored_at=long_ago))
    gone = retention.apply(runtime.records, days=180)
    assert (gone["calls"], gone["outcomes"]) == (1, 1)
