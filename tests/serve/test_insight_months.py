"""The monthly report: rates by formula from a table, what does not follow from it, and the verdict on the month."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from kb.sheets import FileError, read_table
from serve.engine import Engine
from serve.insight import cli
from serve.insight.desk import Insight
from serve.insight.monthly import Formula, Totals, compare, follows, rates, read_months, store_months
from serve.records import Records
from tests.conftest import ROOT

TABLE = ROOT / "tests" / "data" / "months.csv"


def months() -> dict[str, Totals]:
    return {t.month: t for t in read_months(TABLE)}


def test_the_rates_of_a_newspaper_article_follow_from_its_table_or_are_said_not_to() -> None:
    """31,260 of 31,271 is 99.96 %, printed 99.9; 29,282 of 29,309 is 99.91 %, and the article says 99.8."""
    november, december = (rates(months()[m]) for m in ("2023-11", "2023-12"))
    assert round(november["closed_rate"].value or 0, 2) == 99.96
    assert november["closed_rate"].note == "", "cut at one decimal it is the 99.9 of the article"
    assert round(december["closed_rate"].value or 0, 2) == 99.91
    assert december["closed_rate"].note == "来源所给 99.8% 与其件数不符:29282 ÷ 29309 = 99.91%"
    assert [december[n].value for n in ("response_rate", "solved_rate", "satisfied_rate")] == [94.87, 94.27, 95.97]
    assert "无从核对" in december["solved_rate"].note


def test_december_has_two_rates_up_and_one_down() -> None:
    verdict, change = compare(rates(months()["2023-12"]), rates(months()["2023-11"]))
    assert verdict == "两升一降"
    assert {n: change[n] for n in ("response_rate", "solved_rate", "satisfied_rate")} == {
        "response_rate": 2.11, "solved_rate": -2.42, "satisfied_rate": 2.43,
    }  # fmt: skip


def test_a_formula_is_a_setting_and_changes_the_rate() -> None:
    """614 satisfied, 34 partly and 22 not satisfied of 670 followed up, as a district's bulletin counts them."""
    t = Totals("2024-06", 1153, 1150, 670, 670, 663, 614, 34, 22)
    found = {w: round(rates(t, Formula("followed", w))["satisfied_rate"].value or 0, 2) for w in (0, 0.6, 1)}
    assert found == {0: 91.64, 0.6: 94.69, 1: 96.72}
    assert round(rates(t)["solved_rate"].value or 0, 2) == 98.96
    fewer = Totals("2024-06", 1153, 1150, 700, 670, 663, 614, 34, 22)
    assert rates(fewer, Formula("decided"))["satisfied_rate"].value == rates(t)["satisfied_rate"].value


@pytest.mark.parametrize(
    ("value", "stated", "fits"),
    [
        (99.9648, 99.9, True),
        (99.9648, 100, True),
        (99.9079, 99.9, True),
        (99.9079, 99.8, False),
        (99.9079, 99.91, True),
    ],
)
def test_a_stated_rate_may_be_rounded_or_cut(value: float, stated: float, fits: bool) -> None:
    assert follows(value, stated) is fits


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2023-13,1,1", "第2行 month: 应为 2023-11 这样的月份,实为 2023-13"),
        ("2023-11,x,1", "第2行 received: 应为 非负整数,实为 x"),
        ("2023-11,1,2", "第2行 closed: 应不大于 received 的 1,实为 2"),
        ("2023-11,1.5,1", "第2行 received"),
    ],
)
def test_a_faulty_table_of_months_names_row_and_column(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "months.csv"
    path.write_text(f"月份,受理,办结\n{row}\n", encoding="utf-8")
    with pytest.raises(FileError, match=words.replace("(", r"\(")):
        read_months(path)


def test_the_report_says_the_verdict_and_the_rate_that_does_not_follow(
    client_of: Callable[..., TestClient],
) -> None:
    client = client_of()
    store_months(client.app.state.runtime.records, list(months().values()), who="test")  # type: ignore[attr-defined]
    assert client.get("/v1/insight/months").json()["items"] == ["2023-12", "2023-11"]
    page = client.get("/v1/insight/report", params={"month": "2023-12"}).text
    for words in ("29,309", "29,282", "99.91%", "两升一降", "与其件数不符", "减少 6.27%"):
        assert words in page
    told = client.get("/v1/insight/month", params={"month": "2023-12"}).json()
    assert (told["verdict"], told["totals"]["received"]) == ("两升一降", 29309)
    missing = client.get("/v1/insight/report", params={"month": "2020-01"})
    assert (missing.status_code, "2020-01" in missing.json()["detail"]) == (404, True)


def test_the_report_in_word_says_what_the_page_says(client_of: Callable[..., TestClient]) -> None:
    client = client_of()
    store_months(client.app.state.runtime.records, list(months().values()), who="test")  # type: ignore[attr-defined]
    page = client.get("/v1/insight/report", params={"month": "2023-12"}).text.split("<body>")[1]
    reply = client.get("/v1/insight/report", params={"month": "2023-12", "format": "docx"})
    assert reply.headers["content-disposition"].endswith('"report-2023-12.docx"')
    document = docx.Document(io.BytesIO(reply.content))
    words = [p.text for p in document.paragraphs if p.text]
    cells = [[c.text for c in row.cells] for table in document.tables for row in table.rows]
    said = [html.unescape(w) for w in re.findall(r">([^<]+)<", page)]
    assert sorted([*words, *(c for row in cells for c in row if c)]) == sorted(said)
    assert ["受理", "29,309", "31,271", "减少 6.27%"] in cells
    assert ["解决率", "94.27%", "96.69%", "降 2.42", "已解决件 ÷ 回访有效件"] in cells
    assert any("29282 ÷ 29309 = 99.91%" in w for w in words)


def test_the_command_writes_word_or_a_page_by_the_name_of_the_file(
    home: Path, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records(f"sqlite:///{tmp_path / 'yousu.db'}")
    store_months(records, list(months().values()), who="test")
    monkeypatch.setattr(cli, "_insight", lambda: Insight(records, lambda: engine))
    for name, start in (("m.docx", b"PK"), ("m.html", b"<!doctype html>")):
        told = CliRunner().invoke(cli.app, ["report", "2023-12", "--out", str(tmp_path / name)])
        assert told.exit_code == 0, told.output
        assert (tmp_path / name).read_bytes().startswith(start)
    wrong = CliRunner().invoke(cli.app, ["report", "2023-12", "--out", str(tmp_path / "m.pdf")])
    assert wrong.exit_code == 1
    assert "应以 .html 或 .docx 结尾,实为 m.pdf" in wrong.output
    records.close()


def test_an_outcome_that_cannot_be_stored_is_set_aside_with_why_beside_its_own_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = Records(f"sqlite:///{tmp_path / 'yousu.db'}")
    monkeypatch.setattr(cli, "_records", lambda: records)
    table = tmp_path / "结果.csv"
    table.write_text("ticket_id,caller,reason\nT1,a1,职责不符\nT2,13800138000,地点不符\n", encoding="utf-8")
    told = CliRunner().invoke(cli.app, ["outcomes", str(table)])
    assert told.output.startswith("已存入 1 件,不合格 1 行")
    _, [aside] = read_table(tmp_path / "结果.rejected.csv")
    assert (aside.cells["ticket_id"], aside.cells["row"], aside.cells["reason"]) == ("T2", "3", "地点不符")
    assert "caller: 应为来电人代号" in aside.cells["rejected"]
    records.close()


def test_a_month_without_a_table_comes_from_the_stored_tickets(client: TestClient) -> None:
    tickets = [
        {"id": f"T{i}", "text": f"<b>路灯</b>不亮{i}", "code": "0402010101", "accepted_at": "2026-10-31T17:00:00Z"}
        for i in range(4)
    ]
    client.post("/v1/tickets/bulk", json={"tickets": tickets})
    outcomes = [{"ticket_id": f"T{i}", "closed_at": "2026-11-02T00:00:00Z", "solved": i > 0} for i in range(3)]
    client.post("/v1/outcomes", json={"outcomes": outcomes})
    assert client.get("/v1/insight/months").json()["items"] == ["2026-11"], "the 31st at 17:00 UTC is the 1st here"
    told = client.get("/v1/insight/month", params={"month": "2026-11"}).json()
    assert told["rates"]["closed_rate"]["value"] == 75
    assert round(told["rates"]["solved_rate"]["value"], 1) == 66.7
    assert "<b>" not in client.get("/v1/insight/report", params={"month": "2026-11"}).text.split("<body>")[1]


@pytest.mark.parametrize("month", ["0000-01", "0001-01", "9999-12", "２０２６-01", "2026-13"])
@pytest.mark.parametrize("path", ["month", "report"])
def test_a_month_that_no_calendar_holds_is_refused(client, path: str, month: str) -> None:
    assert client.get(f"/v1/insight/{path}", params={"month": month}).status_code == 422
