"""The three pictures of the READMEs, taken of our own written examples: `make pictures` renews docs/pictures."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from serve.engine import Engine
from serve.settings import Settings
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.shrink import shrink
from tests.browser.written import calls, fill
from tests.conftest import ROOT, serving

OUT = ROOT / "docs" / "pictures"
LARGEST = 150_000
"""Bytes a picture may have, so that the repository stays small."""
CALL = "城西区虎台街道这边,室温只有十四度,集中供热不达标,打了几次电话没人管"


def panel(page: Page, address: str) -> None:
    """Show the operator's panel in a call."""
    page.goto(address)
    page.get_by_label("来电内容").fill(CALL)
    expect(page.locator("#route")).to_contain_text("主办")


def desk(page: Page, address: str) -> None:
    """Show the knowledge desk with an entry and what the test box says."""
    page.goto(f"{address}/kb")
    page.get_by_label("搜条目").fill("试用期")
    page.get_by_role("button", name="试用期最长多久").click()
    expect(page.locator("#preview")).to_contain_text("依据")
    page.get_by_label("试问").fill("试用期最多几个月")
    page.keyboard.press("Enter")
    expect(page.locator("#result")).to_contain_text("K")


def board(page: Page, address: str) -> None:
    """Show the dashboard."""
    page.goto(f"{address}/insight")
    expect(page.locator("#by-what .main-svg").first).to_be_visible()
    expect(page.locator("#message")).to_be_empty()


def main() -> int:
    """Take the pictures; returns 1 when one is too large."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["YOUSU_HOME"] = folder
        remembered = Path(sys.argv[1]) / "index" if len(sys.argv) > 1 else home / "none"
        if remembered.is_dir():
            shutil.copytree(remembered, home / "index")
        engine = Engine(Settings(home=home))
        fill(engine, engine.settings.database_url, 2400)
        engine.close()
        with serving(home) as address, sync_playwright() as p:
            calls(address, 40)
            browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for name, show in (("panel", panel), ("desk", desk), ("insight", board)):
                page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
                page.set_default_timeout(30_000)
                show(page, address)
                page.wait_for_timeout(2500)  # what was marked as changed has faded
                taken = page.screenshot()
                page.goto("about:blank")
                shrink(page, taken, OUT / f"{name}.png")
                page.close()
            browser.close()
    large = [f.name for f in OUT.glob("*.png") if f.stat().st_size > LARGEST]
    print("\n".join(f"{f.name}: {f.stat().st_size // 1000} kB" for f in sorted(OUT.glob("*.png"))))
    if large:
        print(f"larger than {LARGEST // 1000} kB: {', '.join(large)}", file=sys.stderr)
    return 1 if large else 0


if __name__ == "__main__":
    sys.exit(main())
