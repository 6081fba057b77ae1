"""The knowledge desk in a real Chromium: write, review, publish, see it answered, compare and restore."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(page: Page, service: str) -> Page:
    page.goto(f"{service}/kb")
    expect(page.locator("#list button").first).to_be_visible()
    return page


def test_an_entry_is_found_and_shown_as_the_operator_will_see_it(desk: Page) -> None:
    desk.get_by_label("搜条目").fill("试用期")
    desk.get_by_role("button", name="试用期最长多久").click()
    expect(desk.locator("#preview")).to_contain_text("依据")
    desk.get_by_label("答复").fill("改过的答复。第二句。")
    expect(desk.locator("#preview mark")).to_have_text("改过的答复。")


def test_an_entry_is_written_reviewed_published_and_answered_on_the_panel_at_once(desk: Page, service: str) -> None:
    desk.get_by_role("button", name="新条目").click()
    desk.get_by_label("操作人").fill("起草员")
    for label, words in (
        ("编号", "T900"), ("题目", "无人机在南山公园能飞吗"),
        ("答复", "南山公园为管制空域,飞行前须申请。请先登录平台登记。"),
        ("依据", "无人驾驶航空器飞行管理暂行条例"), ("别的问法", "公园能不能放无人机"),
    ):  # fmt: skip
        desk.get_by_label(label).first.fill(words)
    desk.get_by_role("button", name="存为草稿").click()
    expect(desk.locator("#message")).to_have_text("已存为草稿")
    desk.get_by_role("button", name="送审", exact=True).click()
    expect(desk.locator("#state")).to_have_text("待审")
    desk.get_by_role("button", name="发布", exact=True).click()
    expect(desk.locator("#message")).to_contain_text("须由他人审核")
    desk.get_by_label("操作人").fill("审核员")
    desk.get_by_role("button", name="发布", exact=True).click()
    expect(desk.locator("#state")).to_have_text("已发布")
    desk.get_by_label("试问").fill("无人机在南山公园能飞吗")
    desk.keyboard.press("Enter")
    expect(desk.locator("#result")).to_contain_text("会答 T900")
    desk.goto(service)
    desk.get_by_label("来电内容").fill("无人机在南山公园能飞吗")
    expect(desk.locator("#answer")).to_contain_text("管制空域")


def test_an_earlier_version_is_compared_and_restored(desk: Page) -> None:
    desk.get_by_label("操作人").fill("起草员")
    desk.get_by_label("搜条目").fill("室温怎么测")
    desk.get_by_role("button", name="室温怎么测").click()
    expect(desk.locator("#versions li")).to_have_count(1)
    before = desk.get_by_label("答复").input_value()
    desk.get_by_label("答复").fill("临时改坏的答复。")
    desk.get_by_role("button", name="存为草稿").click()
    expect(desk.locator("#versions li")).to_have_count(2)
    expect(desk.locator("#versions")).to_contain_text("与上一版相比改了 答复")
    desk.get_by_role("button", name="恢复", exact=True).click()
    expect(desk.locator("#versions li")).to_have_count(3)
    assert desk.get_by_label("答复").input_value() == before


@pytest.mark.parametrize(("width", "height", "scheme"), [(1366, 768, "light"), (1920, 1080, "dark")])
def test_the_desk_is_accessible_and_can_be_looked_at(
    browser: Browser, service: str, picture: Callable[[Page, str], Path], width: int, height: int, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{service}/kb")
    page.locator("#list button").first.click()
    expect(page.locator("#versions li").first).to_be_visible()
    page.get_by_label("试问").fill("试用期最长多久")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_contain_text("会答")
    picture(page, f"kb-{width}-{scheme}")
    found = Axe().run(page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    page.close()
