"""A real Chromium on the running service; a picture of each page is kept under the run's temporary folder.

PAGES_SLOWED=6 makes every page six times slower (Chromium's own throttling): what fails then is a race that a slow
machine would lose one day.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--lang=zh-CN", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]

if CHROMIUM:
    from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

    PATIENCE = 60_000  # milliseconds; the machine may be slow, and busy with other tests
    expect.set_options(timeout=PATIENCE)

    def prepare(browser: Browser, rate: float) -> None:
        """Let every page of `browser` be waited for with patience, and run `rate` times slower."""
        usual = browser.new_page

        def new_page(**options: Any) -> Page:
            page = usual(**options)
            page.set_default_timeout(PATIENCE)
            if rate > 1:
                page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": rate})
            return page

        browser.new_page = new_page  # type: ignore[method-assign]

    @pytest.fixture(scope="module")
    def browser() -> Iterator[Browser]:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            prepare(browser, float(os.environ.get("PAGES_SLOWED", "1")))
            yield browser
            browser.close()

    @pytest.fixture
    def page(browser: Browser, service: str) -> Iterator[Page]:
        """The operator panel at 1366x768; a script error on it fails the test."""
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        errors: list[object] = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(service)
        yield page
        page.close()
        assert not errors

    def held(page: Page, path: str, when: str = "") -> list[Route]:
        """Keep requests to `path` (a glob) whose address or body holds `when` back; returns the list that fills."""
        kept: list[Route] = []

        def keep(route: Route) -> None:
            if when in f"{route.request.url} {route.request.post_data or ''}":
                kept.append(route)
            else:
                route.fallback()

        page.route(path, keep)
        return kept

    def let_go(page: Page, kept: list[Route], count: int = 1) -> None:
        """Wait until `count` requests are kept back, let them all go on, and wait until the page has drawn."""
        until(page, lambda: len(kept) >= count)
        while kept:
            route = kept.pop(0)
            with page.expect_response(route.request.url):
                route.fallback()
        drawn(page)

    def drawn(page: Page) -> None:
        """Wait until the page has drawn what came before."""
        page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    def until(page: Page, true: Callable[[], bool]) -> None:
        """Wait for something that no element of the page shows."""
        for _ in range(PATIENCE // 20):
            if true():
                return
            page.wait_for_timeout(20)
        pytest.fail("did not happen")

    @pytest.fixture
    def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page, str], Path]:
        """Keep a picture of a page as `pictures/<name>.png`."""
        folder = tmp_path_factory.getbasetemp() / "pictures"
        folder.mkdir(exist_ok=True)

        def keep(page: Page, name: str) -> Path:
            page.screenshot(path=folder / f"{name}.png")
            return folder / f"{name}.png"

        return keep
