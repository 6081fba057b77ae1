"""The page at `/` in a real Chromium: a call is typed, and what an operator needs appears while typing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

if CHROMIUM is None:
    pytest.skip("Chromium is not installed (apt-get install chromium)", allow_module_level=True)

from playwright.sync_api import Page, expect, sync_playwright  # noqa: E402


@pytest.fixture(scope="module")
def page(service: str) -> Iterator[Page]:
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(service)
        yield page
        browser.close()


def type_call(page: Page, text: str) -> None:
    box = page.get_by_label("来电内容")
    box.fill("")
    box.press_sequentially(text, delay=5)


def test_category_and_route_appear_as_one_types(page: Page) -> None:
    type_call(page, "城西区虎台街道路灯不亮好几天了")
    expect(page.locator("#category")).to_contain_text("城市照明")
    expect(page.locator("#route")).to_contain_text("虎台街道")


def test_a_danger_shows_the_handover_first(page: Page) -> None:
    type_call(page, "我们楼下着火了")
    expect(page.locator("#risk")).to_be_visible()
    expect(page.locator("#risk")).to_contain_text("119")


def test_the_banner_goes_when_the_danger_is_denied(page: Page) -> None:
    type_call(page, "没有着火,就是路灯不亮")
    expect(page.locator("#risk")).to_be_hidden()


def test_a_policy_answer_shows_its_basis(page: Page) -> None:
    type_call(page, "试用期最长多久")
    expect(page.locator("#answer")).to_contain_text("依据")


def test_markup_in_a_call_stays_text(page: Page) -> None:
    type_call(page, "<img src=x onerror=document.title=1>路灯不亮")
    expect(page.locator("#category")).to_contain_text("城市照明")
    assert page.title() != "1"


def test_the_page_can_be_looked_at(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    type_call(page, "城西区虎台街道暖气不热,打了几次电话没人管")
    expect(page.locator("#category")).to_contain_text("供热")
    picture = Path(tmp_path_factory.getbasetemp()) / "page.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size > 10_000
