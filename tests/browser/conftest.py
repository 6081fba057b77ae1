"""A real Chromium on the running service; a picture of each page is kept under the run's temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--lang=zh-CN", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]

if CHROMIUM:
    from playwright.sync_api import Browser, Page, expect, sync_playwright

    expect.set_options(timeout=15_000)  # two cores may be busy with other tests

    @pytest.fixture(scope="module")
    def browser() -> Iterator[Browser]:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            yield browser
            browser.close()

    @pytest.fixture
    def page(browser: Browser, service: str) -> Iterator[Page]:
        """The operator panel at 1366x768; a script error on it fails the test."""
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(15_000)
        errors: list[object] = []
        page.on("pageerror", lambda error: errors.append(error))
        page.goto(service)
        yield page
        page.close()
        assert not errors

    @pytest.fixture
    def picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Page, str], Path]:
        """Keep a picture of a page as `pictures/<name>.png`."""
        folder = tmp_path_factory.getbasetemp() / "pictures"
        folder.mkdir(exist_ok=True)

        def keep(page: Page, name: str) -> Path:
            page.screenshot(path=folder / f"{name}.png")
            return folder / f"{name}.png"

        return keep
