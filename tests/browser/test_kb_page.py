"""The knowledge desk in a real Chromium: write, review, publish, see it answered, compare and restore."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Dialog, Page, expect

from kb.sheets import read_table, write_rows
from tests.browser.conftest import drawn, held, let_go, until
from tests.browser.written import send

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


def faulty(path: Path) -> Path:
    """Write a workbook of three rows, of which the second has no answer and the third no basis."""
    write_rows(
        path,
        ["题目", "问题", "答案", "依据"],
        [
            {"题目": "甲", "问题": "南山公园几点关门", "答案": "晚上十点。", "依据": "公园条例"},
            {"题目": "乙", "问题": "公园能骑自行车吗", "答案": "", "依据": "公园条例"},
            {"题目": "丙", "问题": "公园能带狗进去吗", "答案": "不能。", "依据": ""},
        ],
    )
    return path


def test_a_faulty_workbook_is_taken_in_beside_its_faults_and_the_rest_is_given_back(desk: Page, tmp_path: Path) -> None:
    desk.get_by_label("操作人").fill("起草员")
    desk.get_by_role("button", name="导入", exact=True).click()
    desk.get_by_label("文件").set_input_files(faulty(tmp_path / "entries.xlsx"))
    desk.get_by_role("button", name="先检查").click()
    expect(desk.locator("#import-said")).to_contain_text("检查完,尚未入库:共 3 行,新增 1")
    rows = desk.locator("#import-rows tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("公园能骑自行车吗")
    expect(rows.nth(0).locator(".why-not")).to_contain_text("答复:应为")
    expect(rows.nth(1).locator(".why-not")).to_contain_text("依据:应为 有依据,实为 空")
    with desk.expect_download() as waiting:
        desk.get_by_role("button", name="下载搁置的行").click()
    waiting.value.save_as(tmp_path / "rejected.csv")
    columns, kept = read_table(tmp_path / "rejected.csv")
    assert columns == ["题目", "问题", "答案", "依据", "row", "reason"]
    assert [(r.cells["问题"], r.cells["row"]) for r in kept] == [("公园能骑自行车吗", "3"), ("公园能带狗进去吗", "4")]
    desk.get_by_role("button", name="导入合格的行").click()
    expect(desk.locator("#import-said")).to_contain_text("已存为草稿:共 3 行,新增 1")
    desk.keyboard.press("Escape")
    desk.get_by_label("搜条目").fill("南山公园几点关门")
    expect(desk.locator("#list")).to_contain_text("草稿")


def test_an_unanswered_question_becomes_an_entry_with_the_form_prefilled(desk: Page, service: str) -> None:
    desk.get_by_label("试问").fill("龙舟比赛的裁判证到哪里考")
    desk.keyboard.press("Enter")
    expect(desk.locator("#result")).to_contain_text("不会作答")
    send(service, "/v1/answer", {"text": "广场舞大赛的评委证怎么办"})
    desk.get_by_role("tab", name="未答").click()
    waiting = desk.locator("#list .cluster", has_text="广场舞大赛")

    def listed() -> bool:
        desk.get_by_role("tab", name="未答").click()
        desk.wait_for_timeout(500)
        return waiting.count() > 0

    until(desk, listed)
    expect(waiting).to_have_count(1)
    expect(desk.locator("#list")).not_to_contain_text("龙舟")  # what was tried in the box is no question
    desk.get_by_label("操作人").fill("起草员")
    waiting.get_by_role("button", name="写条目").click()
    expect(desk.get_by_label("题目")).to_have_value("广场舞大赛的评委证怎么办")
    expect(desk.get_by_label("来源")).to_have_value(re.compile("未答问题 .*问过 1 次"))
    desk.get_by_label("编号").first.fill("T901")
    desk.get_by_label("答复").fill("评委由主办方聘请,没有这样的证。")
    desk.get_by_role("button", name="存为草稿").click()
    expect(desk.locator("#message")).to_contain_text("关联未答问题")
    expect(waiting).to_contain_text("起草员 在写 · T901 草稿")
    waiting.get_by_role("button", name="不必写,关闭").click()
    desk.get_by_label("不必写的原因").fill("不属热线受理")
    with desk.expect_response("**/v1/desk/unanswered?*"):
        desk.get_by_role("tab", name="未答").click()
    drawn(desk)
    expect(desk.get_by_label("不必写的原因")).to_have_value("不属热线受理")  # the list was drawn anew around it
    desk.get_by_role("button", name="关闭", exact=True).click()
    expect(waiting).to_have_count(0)


def test_entries_with_something_wrong_are_listed_by_kind(desk: Page) -> None:
    desk.get_by_role("tab", name="体检").click()
    expect(desk.get_by_label("哪一种问题")).to_contain_text("从未命中")
    desk.get_by_label("哪一种问题").select_option("never_hit")
    expect(desk.locator("#list .badge").first).to_have_text("从未命中")
    desk.locator("#list button").first.click()
    expect(desk.locator("#preview")).to_contain_text("依据")


def test_questions_are_tried_on_the_entries_at_once(desk: Page) -> None:
    desk.get_by_role("button", name="命中测试").click()
    desk.locator("#questions").fill("试用期最长多久\n今天天气怎么样")
    desk.get_by_role("button", name="测试", exact=True).click()
    expect(desk.locator("#hits-said")).to_contain_text("2 问")
    expect(desk.locator("#hits-rows tbody tr")).to_have_count(2)
    desk.locator("#hits-rows tbody button").first.click()
    expect(desk.locator("#hits")).to_be_hidden()
    expect(desk.locator("#preview")).to_contain_text("依据")


def test_any_two_versions_are_compared(desk: Page) -> None:
    desk.get_by_label("操作人").fill("起草员")
    desk.get_by_label("搜条目").fill("试用期最长多久")
    desk.get_by_role("button", name="试用期最长多久").click()
    for words in ("第一次改。", "第二次改。"):
        desk.get_by_label("答复").fill(words)
        desk.get_by_role("button", name="存为草稿").click()
        expect(desk.locator("#versions details").first).to_contain_text(words)
    desk.get_by_role("button", name="比较", exact=True).click()
    expect(desk.locator("#compared ins")).to_contain_text(["第二次改。"])
    expect(desk.locator("#compared")).not_to_contain_text("第一次改。")


def test_a_list_drawn_anew_does_not_swallow_the_click(desk: Page) -> None:
    """The list is redrawn between press and release, as when a search comes back late."""
    row = desk.locator("#list button").nth(3)
    name = row.locator("span").first.inner_text()
    row.hover()
    desk.mouse.down()
    with desk.expect_response("**/v1/entries?*"):
        desk.evaluate("document.querySelector('#status').dispatchEvent(new Event('change'))")
    drawn(desk)
    desk.mouse.up()
    expect(desk.locator("#title")).to_contain_text(name)


def test_an_entry_that_was_asked_for_first_and_comes_last_does_not_replace_the_one_asked_for_later(desk: Page) -> None:
    rows = desk.locator("#list button")
    kept = held(desk, f"**/v1/entries/{rows.nth(0).get_attribute('data-id')}")
    rows.nth(0).click()
    rows.nth(1).click()
    later = rows.nth(1).get_attribute("data-id") or ""
    expect(desk.locator("#title")).to_contain_text(later)
    let_go(desk, kept)
    expect(desk.locator("#title")).to_contain_text(later)
    expect(desk.locator("#versions li").first).to_be_visible()


def test_codes_that_entries_hold_are_read_and_typed_as_words(desk: Page, service: str) -> None:
    desk.get_by_label("操作人").fill("起草员")
    desk.get_by_label("搜条目").fill("试用期工资")
    row = desk.locator("#list button", has_text="试用期工资").first
    name = row.get_attribute("data-id")
    row.click()
    way = desk.get_by_label("核定方式")
    expect(way).to_have_value("法律法规")
    expect(desk.locator("#preview")).to_contain_text("· 法律法规")
    way.fill("媒体报道")
    expect(desk.locator("#preview")).to_contain_text("· 媒体报道")
    desk.get_by_role("button", name="存为草稿").click()
    expect(desk.locator("#versions details").first).to_contain_text("核定方式:法律法规 → 媒体报道")
    expect(desk.locator("#versions details").first).to_contain_text("状态:已发布 → 草稿")
    with urllib.request.urlopen(f"{service}/v1/entries/{name}") as reply:
        assert json.load(reply)["entry"]["verification"] == "media"
    way.fill("法规处书面确认")
    desk.get_by_role("button", name="存为草稿").click()
    expect(desk.locator("#versions details").first).to_contain_text("→ 法规处书面确认")


def test_what_is_typed_while_an_entry_is_stored_stays_and_so_does_the_cursor(desk: Page) -> None:
    desk.get_by_label("操作人").fill("起草员")
    desk.locator("#list button").nth(2).click()
    expect(desk.locator("#versions li").first).to_be_visible()
    kept = held(desk, "**/v1/entries/*", "第一句。")
    desk.get_by_label("答复").fill("第一句。")
    desk.keyboard.press("Control+S")
    until(desk, lambda: bool(kept))
    desk.get_by_label("答复").press_sequentially("第二句。")
    let_go(desk, kept)
    expect(desk.locator("#message")).to_have_text("已存为草稿")
    desk.keyboard.type("第三句。")
    expect(desk.get_by_label("答复")).to_have_value("第一句。第二句。第三句。")
    desk.get_by_role("button", name="送审", exact=True).click()
    expect(desk.locator("#message")).to_have_text("有未保存的改动,请先存为草稿")


def test_typed_words_are_not_given_up_without_being_asked(desk: Page) -> None:
    rows = desk.locator("#list button")
    rows.nth(4).click()
    expect(desk.locator("#versions li").first).to_be_visible()
    here = desk.locator("#title").inner_text()
    desk.get_by_label("答复").fill("还没有存。")
    said: list[str] = []

    def no(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    desk.once("dialog", no)
    rows.nth(5).click()
    assert said == ["有未保存的改动,放弃吗?"]
    expect(desk.locator("#title")).to_have_text(here)
    expect(desk.get_by_label("答复")).to_have_value("还没有存。")
    desk.once("dialog", lambda dialog: dialog.accept())
    rows.nth(5).click()
    expect(desk.locator("#title")).not_to_have_text(here)


@pytest.mark.parametrize("dialog", ["import", "hits"])
def test_a_dialog_of_the_desk_is_accessible(
    desk: Page, dialog: str, tmp_path: Path, picture: Callable[[Page, str], Path]
) -> None:
    desk.locator(f"#open-{dialog}").click()
    if dialog == "import":
        desk.get_by_label("文件").set_input_files(faulty(tmp_path / "entries.xlsx"))
        desk.get_by_role("button", name="先检查").click()
        expect(desk.locator("#import-rows tbody tr").first).to_be_visible()
    picture(desk, f"kb-{dialog}")
    found = Axe().run(desk).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")] == []
