"""The dashboard in a real Chromium: its figures are those of the API, the rows behind them, exports, every tab."""

from __future__ import annotations

import datetime
import io
import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import docx
import pytest
from axe_playwright_python.sync_playwright import Axe
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, Route, expect

from serve.app import create_app
from serve.engine import Engine
from serve.insight.monthly import read_months, store_months
from tests.browser.conftest import held, let_go
from tests.browser.written import calls, fill
from tests.conftest import ROOT, listening
from tests.serve.conftest import renewed

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def filled(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service of its own with written tickets and a city's table of months in it."""
    other = renewed(engine, tmp_path_factory.mktemp("insight"), reload_seconds=0.2)
    fill(other, other.settings.database_url, 240, pool=40)
    store_months(other.records, read_months(ROOT / "tests" / "data" / "months.csv"), who="test")
    with listening(create_app(other)) as address:
        calls(address, 9)
        yield address
    other.recorder.close()


@pytest.fixture
def board(browser: Browser, filled: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    errors: list[object] = []
    page.on("pageerror", lambda error: errors.append(error))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(f"{filled}/insight")
    expect(page.locator("#cards b").first).to_be_visible()
    yield page
    page.close()
    assert not errors


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(f"{address}{path}") as reply:
        return json.load(reply)


def share(value: float) -> str:
    """Return a share as a browser writes it: half a hundredth of a percent goes up, where Python takes the even one."""
    return f"{Decimal(100 * value).quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def test_the_figures_of_the_page_are_those_of_the_interface(board: Page, filled: str) -> None:
    start, end = board.locator("#start").input_value(), board.locator("#end").input_value()
    figures = asked(filled, f"/v1/insight/figures?start={start}&end={end}")["figures"]
    assert len(figures) == board.locator("#cards button").count()
    for figure in figures:
        value = figure["value"]
        words = "—" if value is None else share(value) if figure["kind"] == "share" else f"{value:,.0f}"
        button = board.locator(f"#cards [data-figure={figure['name']}]")
        expect(button.locator("b")).to_have_text(words)
        assert button.get_attribute("title") == figure["definition"]
    received = next(f for f in figures if f["name"] == "received")
    bars = board.locator("#by-day").evaluate("host => host.data[0].y")
    assert bars == [d["whole"] for d in received["days"]]


def test_the_rows_behind_a_figure_are_one_press_away(board: Page) -> None:
    card = board.locator("#cards [data-figure=transfers]")
    card.click()
    expect(board.locator("#by-day-title")).to_contain_text("退单改派率")
    card.click()
    dialog = board.locator("#behind")
    expect(dialog).to_contain_text("÷ 已派单的工单")
    dialog.get_by_role("button", name="算在内的(分子)").click()
    count = int(card.locator("small").inner_text().split(" ÷ ")[0])
    expect(board.locator("#behind-title")).to_contain_text(f":{count} 条")
    expect(dialog.locator("tbody tr")).to_have_count(min(count, 100))
    board.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_district_narrows_everything(board: Page, filled: str) -> None:
    name = asked(filled, "/v1/catalog/choices")["districts"][0]
    before = board.locator("#cards [data-figure=received] b").inner_text()
    board.get_by_label("区县").first.select_option(name)
    expect(board.locator("#cards [data-figure=received] b")).not_to_have_text(before)
    start, end = board.locator("#start").input_value(), board.locator("#end").input_value()
    query = f"start={start}&end={end}&district={urllib.request.quote(name)}"
    narrowed = asked(filled, f"/v1/insight/figures?{query}")["figures"][0]
    expect(board.locator("#cards [data-figure=received] b")).to_have_text(str(int(narrowed["value"])))


def test_the_dashboard_is_exported_to_excel_and_a_chart_to_a_picture(board: Page, tmp_path: Path) -> None:
    with board.expect_download() as waiting:
        board.get_by_text("导出 Excel").click()
    waiting.value.save_as(tmp_path / "board.xlsx")
    rows = list(load_workbook(tmp_path / "board.xlsx")["指标"].iter_rows(min_row=2, values_only=True))
    assert f"{rows[0][1]:,.0f}" == board.locator("#cards [data-figure=received] b").inner_text()
    with board.expect_download() as waiting:
        board.get_by_role("button", name="存为 PNG").first.click()
    waiting.value.save_as(tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_topics_events_seasons_and_the_month_are_reached_by_the_keyboard(board: Page) -> None:
    board.locator("#tab-figures").focus()
    board.keyboard.press("ArrowRight")
    expect(board.locator("#topics ol").first).to_contain_text("室温不达标")
    expect(board.locator("#events")).to_contain_text("位来电人反映同一事由")
    board.keyboard.press("ArrowRight")
    expect(board.locator("#seasons section").first).to_contain_text("下周预计")
    board.keyboard.press("ArrowRight")
    expect(board.locator("#month-body")).to_contain_text("办结率")
    with board.expect_popup() as waiting:
        board.locator("#open-report").click()
    expect(waiting.value.locator("h1")).to_contain_text("诉求办理月报")


def test_a_month_from_the_table_is_shown_and_saved_for_word(board: Page, tmp_path: Path) -> None:
    board.locator("#tab-month").click()
    board.get_by_label("月份").select_option("2023-12")
    expect(board.locator("#month-body")).to_contain_text("受理 29,309 件,办结 29,282 件")
    expect(board.locator("#month-body")).to_contain_text("两升一降")
    expect(board.locator("#month-body")).to_contain_text("来源所给 99.8% 与其件数不符")
    with board.expect_download() as waiting:
        board.get_by_text("存为 Word").click()
    waiting.value.save_as(tmp_path / "month.docx")
    document = docx.Document(io.BytesIO((tmp_path / "month.docx").read_bytes()))
    assert "两升一降" in document.paragraphs[1].text


def test_a_day_is_typed_as_people_write_it_and_moved_by_the_arrows(board: Page) -> None:
    start = board.locator("#start")
    today = datetime.date.fromisoformat(board.locator("#end").input_value())
    wanted = today - datetime.timedelta(days=3)
    start.fill(f"{wanted.year}年{wanted.month}月{wanted.day}日")
    start.press("Enter")
    expect(start).to_have_value(str(wanted))
    start.press("ArrowUp")
    moved = wanted + datetime.timedelta(days=1)
    expect(start).to_have_value(str(moved))
    expect(board.locator("#excel")).to_have_attribute("href", re.compile(f"start={moved}"))
    start.fill("2026-02-30")
    start.press("Tab")
    expect(board.locator("#message")).to_have_text("应为 2026-11-26 这样的日期,实为 2026-02-30")
    expect(start).to_have_attribute("aria-invalid", "true")
    assert board.locator("input[type=date]").count() == 0, "a browser's own field speaks the browser's language"


def test_a_wrong_day_stays_told_when_figures_asked_for_before_arrive_after_it(board: Page) -> None:
    asked: list[Route] = []
    board.route("**/v1/insight/figures*", lambda route: asked.append(route))
    board.locator("#spans button").first.click()
    expect(board.locator("#message")).to_have_text("正在统计……")
    board.locator("#start").fill("2026-02-30")
    board.locator("#start").press("Tab")
    expect(board.locator("#message")).to_contain_text("实为 2026-02-30")
    drawn_before = board.locator("#cards li").first.element_handle()
    assert drawn_before
    asked[0].continue_()
    drawn_before.wait_for_element_state("hidden")
    expect(board.locator("#message")).to_contain_text("实为 2026-02-30")


def test_a_month_chosen_first_that_comes_last_is_not_shown_under_the_name_of_the_other(board: Page) -> None:
    board.locator("#tab-month").click()
    expect(board.get_by_label("月份")).to_contain_text("2023-11")
    kept = held(board, "**/v1/insight/month?*", "2023-12")
    board.get_by_label("月份").select_option("2023-12")
    board.get_by_label("月份").select_option("2023-11")
    expect(board.locator("#month-body")).to_contain_text("受理 31,271 件")
    let_go(board, kept)
    expect(board.locator("#month-body")).to_contain_text("受理 31,271 件")


def test_a_tab_chosen_before_the_lists_have_come_stays(board: Page, filled: str) -> None:
    kept = held(board, "**/v1/catalog/choices")
    board.reload()
    board.locator("#tab-month").click()
    let_go(board, kept)
    expect(board.get_by_label("区县").first).to_contain_text("城西区")
    expect(board.locator("#tab-month")).to_have_attribute("aria-selected", "true")


def test_nothing_is_fetched_from_elsewhere(board: Page, filled: str) -> None:
    wanted: list[str] = []
    board.on("request", lambda request: wanted.append(request.url))
    board.reload()
    expect(board.locator("#cards b").first).to_be_visible()
    expect(board.locator("#by-day .main-svg").first).to_be_visible()
    assert any("plotly" in url for url in wanted)
    assert [url for url in wanted if not url.startswith((filled, "data:", "blob:"))] == []


@pytest.mark.parametrize(("width", "height", "scheme"), [(1366, 768, "light"), (1920, 1080, "dark")])
def test_the_dashboard_is_accessible_and_can_be_looked_at(
    browser: Browser, filled: str, picture: Callable[[Page, str], Path], width: int, height: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    tabs = {
        "figures": "#by-day .main-svg",
        "topics": "#topics ol",
        "seasons": "#seasons section",
        "month": "#month-body table",
    }
    for tab, seen in tabs.items():
        page.goto("about:blank")
        page.goto(f"{filled}/insight#{tab}")
        expect(page.locator(seen).first).to_be_visible()
        expect(page.locator("#message")).to_be_empty()
        picture(page, f"insight-{tab}-{width}-{scheme}")
        found = Axe().run(page).response["violations"]
        bad = [v for v in found if v["impact"] in ("serious", "critical")]
        assert [(v["id"], [n["target"] for n in v["nodes"]]) for v in bad] == []
    page.close()
