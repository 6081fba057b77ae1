"""The operator panel in a real Chromium: what appears while typing, what one key does, and what is recorded."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import drawn, held, let_go, until

pytestmark = pytest.mark.browser

SIZES = ((1366, 768), (1920, 1080))
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
STREETLIGHT = "城西区虎台街道路灯不亮好几天了"
VAGUE = "城西区虎台街道楼下有股味道,熏得受不了"
HEATING = "城西区虎台街道暖气不热,打了几次电话没人管"
THREE = "第一个是城西区虎台街道路灯不亮,第二个是垃圾没人拉,还有一个事情物业乱收费"


def type_call(page: Page, text: str) -> None:
    box = page.get_by_label("来电内容")
    box.fill("")
    box.press_sequentially(text, delay=5)


def recorded(page: Page) -> list[dict[str, Any]]:
    """Return the list that fills with what the panel posts as feedback."""
    posts: list[dict[str, Any]] = []

    def keep(route: Route) -> None:
        posts.append(json.loads(route.request.post_data or "{}"))
        route.fulfill(status=201, json={})

    page.route("**/v1/feedback", keep)
    return posts


def serious(page: Page) -> list[str]:
    results = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {n['target']} {n['failureSummary']}"
        for v in results if v["impact"] in ("serious", "critical") for n in v["nodes"]
    ]  # fmt: skip


def test_category_and_route_appear_as_one_types(page: Page) -> None:
    type_call(page, STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")
    expect(page.locator("#route")).to_contain_text("市城市管理局城市照明")
    expect(page.locator("#place")).to_contain_text("虎台街道")


def test_an_accepted_call_is_recorded_by_one_key(page: Page) -> None:
    posts = recorded(page)
    type_call(page, STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("路灯问题")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#message")).to_contain_text("已记录")
    assert {p["field"] for p in posts} >= {"category", "route", "request_type"}
    assert all(p["verdict"] == "accept" and p["value"] == p["proposed"] != "" for p in posts)
    expect(page.locator("#category .verdict")).to_have_text("已采纳")


def test_a_choice_that_could_not_be_stored_is_said_to_be_unsaved(page: Page) -> None:
    page.route("**/v1/feedback", lambda route: route.fulfill(status=404, json={"detail": "Not Found"}))
    type_call(page, STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")
    page.keyboard.press("Alt+2")
    expect(page.locator("#message")).to_contain_text("未保存")


def test_a_level_is_corrected_by_pinyin_initials_and_the_route_follows(page: Page) -> None:
    posts = recorded(page)
    type_call(page, HEATING)
    expect(page.locator("#levels button").nth(2)).to_contain_text("把握")
    page.locator("#levels button").nth(2).click()
    page.get_by_role("combobox", name="改第三级").press_sequentially("swbz", delay=20)
    expect(page.locator("#picker [aria-selected=true]")).to_contain_text("室温不足")
    page.keyboard.press("Enter")
    expect(page.locator("#picker")).to_contain_text("改第五级")
    expect(page.locator("#picker li")).not_to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator("#category .verdict")).to_have_text("已改")
    expect(page.locator("#levels")).to_contain_text("室温不足")
    expect(page.locator("#route")).to_contain_text("市城乡建设局")
    expect(page.locator("#message")).to_contain_text("已记录")
    assert (posts[-1]["field"], posts[-1]["verdict"], posts[-1]["value"]) == ("category", "correct", "01010101")


def test_what_the_operator_chose_stays_when_more_is_typed(page: Page) -> None:
    recorded(page)
    type_call(page, VAGUE)
    other = page.locator("#category .maybe button").first
    name = other.inner_text()
    other.click()
    expect(page.locator("#category .verdict")).to_have_text("已改")
    expect(page.locator("#message")).to_contain_text("已记录")
    more = "。路灯也不亮,垃圾没人清"
    with page.expect_response(lambda r: "/v1/assist" in r.url and more in (r.request.post_data_json or {})["text"]):
        page.get_by_label("来电内容").press_sequentially(more, delay=5)
    drawn(page)
    expect(page.locator("#levels")).to_contain_text(name)


def test_a_pick_before_the_list_has_come_waits_for_the_list_of_what_was_typed(page: Page) -> None:
    posts = recorded(page)
    type_call(page, HEATING)
    expect(page.locator("#levels button").nth(2)).to_contain_text("把握")
    page.locator("#levels button").nth(2).click()
    expect(page.locator("#picker [aria-selected=true]")).to_have_count(1)
    kept = held(page, "**/v1/catalog/search*", "q=swbz")
    page.get_by_role("combobox", name="改第三级").fill("swbz")
    page.keyboard.press("Enter")
    let_go(page, kept, 2)
    expect(page.locator("#picker")).to_contain_text("已选 室温不足")
    page.keyboard.press("Escape")
    expect(page.locator("#message")).to_contain_text("已记录")
    assert posts[-1]["value"] == "01010101"


def test_a_new_call_in_the_middle_of_a_correction_keeps_what_was_chosen_with_the_old_call(page: Page) -> None:
    posts = recorded(page)
    type_call(page, HEATING)
    expect(page.locator("#levels button").nth(2)).to_contain_text("把握")
    page.locator("#levels button").nth(2).click()
    page.get_by_role("combobox", name="改第三级").fill("swbz")
    expect(page.locator("#picker [aria-selected=true]")).to_contain_text("室温不足")
    page.keyboard.press("Enter")
    expect(page.locator("#picker")).to_contain_text("改第五级")
    page.keyboard.press("Alt+N")
    expect(page.get_by_label("来电内容")).to_have_value("")
    until(page, lambda: bool(posts))
    assert [(p["text"], p["value"]) for p in posts] == [(HEATING, "01010101")]
    expect(page.locator("#category .verdict")).to_be_empty()


def test_what_takes_a_choice_back_is_sent_after_the_choice(page: Page) -> None:
    kept = held(page, "**/v1/feedback")
    type_call(page, STREETLIGHT)
    expect(page.locator("#route")).to_contain_text("市城市管理局城市照明")
    page.keyboard.press("Alt+D")
    page.keyboard.press("Alt+Z")
    expect(page.locator("#message")).to_contain_text("已撤销:派单")
    until(page, lambda: bool(kept))
    assert [k.request.post_data_json["note"] for k in kept] == [""]  # the other one waits for this one
    kept.pop().fulfill(status=201, json={})
    until(page, lambda: bool(kept))
    assert [k.request.post_data_json["note"] for k in kept] == ["撤销上一条"]
    kept.pop().fulfill(status=201, json={})
    expect(page.locator("#message")).to_contain_text("已撤销:派单 · 已记录")


def test_words_refused_for_being_too_many_are_asked_about_again(page: Page) -> None:
    refused: list[Route] = []

    def once(route: Route) -> None:
        if refused:
            route.fallback()
        else:
            refused.append(route)
            route.fulfill(status=429, json={"detail": "x"})

    page.route("**/v1/assist", once)
    page.get_by_label("来电内容").fill(STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")
    assert refused


def test_not_sure_is_recorded_and_undo_takes_it_back(page: Page) -> None:
    posts = recorded(page)
    type_call(page, STREETLIGHT)
    expect(page.locator("#route")).to_contain_text("市城市管理局城市照明")
    page.keyboard.press("Alt+D")
    expect(page.locator("#route .verdict")).to_have_text("已标不确定")
    page.keyboard.press("Alt+Z")
    expect(page.locator("#route .verdict")).to_be_empty()
    expect(page.locator("#message")).to_contain_text("已撤销:派单 · 已记录")
    assert [p["note"] for p in posts] == ["", "撤销上一条"]


def test_a_unit_is_corrected_by_pinyin_initials(page: Page) -> None:
    posts = recorded(page)
    type_call(page, STREETLIGHT)
    expect(page.locator("#route")).to_contain_text("市城市管理局城市照明")
    page.keyboard.press("Alt+E")
    page.get_by_role("combobox", name="改主办单位").press_sequentially("scxjsj", delay=20)
    expect(page.locator("#picker [aria-selected=true]")).to_contain_text("市城乡建设局")
    page.keyboard.press("Enter")
    expect(page.locator("#route")).to_contain_text("坐席选定")
    expect(page.locator("#message")).to_contain_text("已记录")
    assert posts[-1]["value"] != posts[-1]["proposed"] != ""


def test_a_danger_shows_the_handover_first(page: Page) -> None:
    type_call(page, "我们楼下着火了")
    expect(page.locator("#risk")).to_be_visible()
    expect(page.locator("#risk")).to_contain_text("119")
    expect(page.locator("#risk")).to_contain_text("不要")
    assert page.locator("#risk").get_attribute("role") == "alert"


def test_the_banner_goes_when_the_danger_is_denied_and_nothing_moves(page: Page) -> None:
    type_call(page, "我们楼下着火了")
    expect(page.locator("#risk")).to_be_visible()
    before = page.locator("#category").bounding_box()
    type_call(page, "没有着火,就是路灯不亮")
    expect(page.locator("#risk")).to_be_hidden()
    expect(page.locator("#category")).to_contain_text("城市照明")
    assert page.locator("#category").bounding_box() == before


def test_a_policy_answer_shows_its_basis_and_the_sentence_to_read(page: Page) -> None:
    type_call(page, "试用期最长多久")
    expect(page.locator("#answer")).to_contain_text("依据")
    expect(page.locator("#answer mark")).to_contain_text("不能超过6个月")


def test_an_answer_is_copied_by_one_key(page: Page, service: str) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service)
    type_call(page, "试用期最长多久")
    expect(page.locator("#answer mark")).to_be_visible()
    page.keyboard.press("Alt+C")
    expect(page.locator("#message")).to_have_text("已复制答复")
    assert "最长2个月" in page.evaluate("navigator.clipboard.readText()")


def test_no_answer_is_said_honestly_with_the_nearest_titles(page: Page) -> None:
    type_call(page, STREETLIGHT)
    expect(page.locator("#answer")).to_contain_text("知识库没有把握的答复")
    expect(page.locator("#answer .titles li")).to_have_count(3)
    expect(page.locator("#answer .copy")).to_be_disabled()


def test_several_requests_are_tabs_with_their_own_route(page: Page) -> None:
    type_call(page, THREE)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(3)
    page.keyboard.press("Alt+T")
    expect(tabs.nth(1)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#levels")).to_contain_text("垃圾清运不及时")
    expect(page.locator("#route")).to_contain_text("城西区城市管理局")


def test_a_request_that_stayed_the_same_is_not_asked_about_again(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda r: asked.append(json.loads(r.post_data or "{}")["text"]) if "assist" in r.url else None)
    type_call(page, THREE)
    expect(page.get_by_role("tab")).to_have_count(3)
    page.get_by_label("来电内容").press_sequentially(",收了三年", delay=150)
    expect(page.locator("#category")).to_contain_text("路灯")
    pieces = [text for text in asked if not f"{THREE},收了三年".startswith(text)]
    assert pieces, "the request that is shown was asked about by itself"
    assert len(pieces) == len(set(pieces))


def test_words_pushed_to_a_session_appear_on_its_panel(browser: Browser, service: str) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{service}/?embed=1&session=call-7")
    expect(page.locator("#session")).to_contain_text("call-7 已接入")
    for text, final in (("城西区虎台街道", True), ("路灯不", False), ("路灯不亮。", True)):
        body = json.dumps({"text": text, "final": final}).encode()
        url = f"{service}/v1/sessions/call-7/transcript"
        urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json"})).read()
    expect(page.get_by_label("来电内容")).to_have_value("城西区虎台街道路灯不亮。")
    expect(page.locator("#category")).to_contain_text("城市照明")
    page.close()


def test_markup_in_a_call_stays_text(page: Page) -> None:
    type_call(page, "<img src=x onerror=document.title=1>路灯不亮")
    expect(page.locator("#category")).to_contain_text("城市照明")
    assert page.title() != "1"
    assert page.locator("main img").count() == 0


def test_the_panel_says_when_the_service_is_gone_and_recovers_by_itself(page: Page) -> None:
    page.route("**/v1/assist", lambda route: route.abort())
    page.route("**/readyz", lambda route: route.abort())
    type_call(page, STREETLIGHT)
    expect(page.locator("#message")).to_contain_text("连不上服务")
    page.unroute("**/v1/assist")
    page.unroute("**/readyz")
    expect(page.locator("#category")).to_contain_text("城市照明")
    expect(page.locator("body")).not_to_have_class("down")


def test_a_new_call_clears_everything_and_can_be_taken_back(page: Page) -> None:
    type_call(page, STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")
    page.keyboard.press("Alt+N")
    expect(page.get_by_label("来电内容")).to_have_value("")
    expect(page.locator("#category")).not_to_contain_text("城市照明")
    page.keyboard.press("Alt+Z")
    expect(page.get_by_label("来电内容")).to_have_value(STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")


def test_a_question_mark_is_typed_in_a_call_and_lists_the_keys_elsewhere(page: Page) -> None:
    type_call(page, "试用期最长多久?")
    expect(page.locator("#help")).to_be_hidden()
    page.locator("#route .body").focus()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("Alt+W")
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def looks(page: Page, name: str, picture: Callable[[Page, str], Path]) -> None:
    """Keep a picture of each size and scheme; the page must fit each, and axe find nothing in either scheme."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            assert picture(page, f"panel-{name}-{width}-{scheme}").stat().st_size > 10_000
            assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), f"{name} scrolls"
        assert serious(page) == []


def test_the_panel_is_accessible_and_fits_the_screen(
    browser: Browser, service: str, picture: Callable[[Page, str], Path]
) -> None:
    page = browser.new_page()
    page.goto(service)
    for name, text, sign in (
        ("empty", "", "现在该问"), ("heating", HEATING, "供热"), ("fire", "我们楼下着火了", "119"),
        ("several", THREE, "垃圾清运"), ("policy", "试用期最长多久", "最长2个月"),
    ):  # fmt: skip
        page.get_by_label("来电内容").fill(text)
        expect(page.locator("body")).to_contain_text(sign)
        looks(page, name, picture)
    page.keyboard.press("Alt+W")
    expect(page.locator("#picker li").first).to_be_visible()
    looks(page, "picker", picture)
    page.close()


def test_a_guarded_service_asks_for_the_key_once_and_goes_on(page: Page) -> None:
    tokens: list[str | None] = []

    def guarded(route: Route) -> None:
        tokens.append(route.request.headers.get("x-csrf-token"))
        if len(tokens) == 1:
            route.fulfill(status=401, json={"detail": "没有密钥"})
        else:
            route.continue_()

    page.route("**/v1/assist", guarded)
    page.route("**/v1/session", lambda route: route.fulfill(json={"csrf": "token-1"}))
    type_call(page, "路")
    page.get_by_label("密钥").fill("secret")
    page.keyboard.press("Enter")
    expect(page.get_by_label("密钥")).to_have_count(0)
    type_call(page, STREETLIGHT)
    expect(page.locator("#category")).to_contain_text("城市照明")
    assert tokens[-1] == "token-1"
