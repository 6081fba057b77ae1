"""The documents become pages: every link leads somewhere, nothing comes from elsewhere, and Chinese words are found."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", ROOT / "docs"]
    return subprocess.run([*command, "-d", site / "trees", source, site], capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_reader_finds_a_page_from_the_front(site: Path) -> None:
    assert "docs/index.html" in (site / "index.html").read_text(encoding="utf-8")
    front = (site / "docs" / "index.html").read_text(encoding="utf-8")
    pages = [p.stem for p in (ROOT / "docs").glob("*.md") if p.stem != "index"]
    for page in (*pages, *(f"../notebooks/{p.stem}" for p in (ROOT / "notebooks").glob("*.ipynb"))):
        assert f'href="{page}.html"' in front, page


def test_the_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"<(?:script|img|iframe)[^>]+src=.(?:https?:)?//", text), page
        assert not re.search(r"<link[^>]+stylesheet[^>]+href=.(?:https?:)?//", text), page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(.?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_a_link_that_leads_nowhere_stops_the_build(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "docs").mkdir(parents=True)
    (source / "docs" / "index.md").write_text("# 首页\n\n[别处](nowhere.md)\n", encoding="utf-8")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium")
def test_chinese_words_are_found_by_a_browser_that_opens_the_pages_as_files(site: Path) -> None:
    from playwright.sync_api import sync_playwright

    errors: list[object] = []
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(f"file://{site}/search.html?q=没有这样的词句")
        page.get_by_text("没有匹配").first.wait_for()
        page.goto(f"file://{site}/search.html?q=怎么脱敏")
        page.locator("#search-results a", has_text="审计").first.wait_for()
        browser.close()
    assert not errors
