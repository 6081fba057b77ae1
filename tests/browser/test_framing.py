"""The panel in a frame of a call platform: which may frame it, and logging in there, in a real Chromium."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from serve.app import create_app
from serve.engine import Engine
from serve.keys import KeyRing
from tests.browser.written import send
from tests.conftest import listening
from tests.serve.conftest import renewed

pytestmark = pytest.mark.browser

STREETLIGHT = "城西区虎台街道路灯不亮好几天了"


@contextmanager
def platforms(count: int) -> Iterator[list[tuple[str, list[bytes]]]]:
    """Serve pages of other sites (`localhost`, where the panel is 127.0.0.1); gives origins and what each shows."""
    made = []
    for _ in range(count):
        shown: list[bytes] = []

        class Page(BaseHTTPRequestHandler):
            body = shown

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(b"".join(self.body))

        server = ThreadingHTTPServer(("localhost", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append((server, shown))
    try:
        yield [(f"http://localhost:{server.server_port}", shown) for server, shown in made]
    finally:
        for server, _ in made:
            server.shutdown()
            server.server_close()


def test_a_listed_platform_of_another_site_frames_a_working_panel_and_no_other_does(
    browser: Browser, engine: Engine, tmp_path: Path
) -> None:
    with platforms(2) as ((listed, shown), (other, shown_there)):
        engine = renewed(engine, tmp_path, embed_origins=listed)
        with listening(create_app(engine)) as address:
            frame = f"<iframe src='{address}/?embed=1&session=call-8' width=1300 height=700></iframe>".encode()
            shown.append(frame)
            shown_there.append(frame)
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.goto(listed)
            panel = page.frame_locator("iframe")
            expect(panel.locator("#session")).to_contain_text("call-8 已接入")
            send(address, "/v1/sessions/call-8/transcript", {"text": STREETLIGHT, "final": True})
            expect(panel.locator("#category")).to_contain_text("城市照明")
            page.goto(other)
            refused = ["chrome-error://chromewebdata/"]
            for _ in range(100):  # the page may be there before its frame is refused; its address is empty until then
                if [f.url for f in page.frames[1:]] == refused:
                    break
                page.wait_for_timeout(100)
            assert [f.url for f in page.frames[1:]] == refused
            page.close()
    engine.recorder.close()


def test_an_operator_logs_in_to_the_panel_inside_a_platform_of_another_site(
    browser: Browser, engine: Engine, tmp_path: Path
) -> None:
    """Chromium takes 127.0.0.1 for as safe as TLS, so that a cookie of the kind for frames is kept there."""
    with platforms(1) as ((listed, shown),):
        engine = renewed(engine, tmp_path, embed_origins=listed, cookie_secure=True, auth="on")
        secret = KeyRing(engine.records).create("坐席一号", "operator", rate=6000)[1]
        with listening(create_app(engine)) as address:
            shown.append(f"<iframe src='{address}/?embed=1&session=call-9' width=1300 height=700></iframe>".encode())
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.goto(listed)
            panel = page.frame_locator("iframe")
            panel.get_by_label("密钥").fill(secret)
            page.keyboard.press("Enter")
            expect(panel.get_by_label("密钥")).to_have_count(0)
            expect(panel.locator("#session")).to_contain_text("call-9 已接入")
            panel.get_by_label("来电内容").fill(STREETLIGHT)
            expect(panel.locator("#category")).to_contain_text("城市照明")
            page.reload()
            expect(panel.locator("#session")).to_contain_text("call-9 已接入")
            expect(panel.get_by_label("密钥")).to_have_count(0)
            page.close()
    engine.recorder.close()


def test_only_listed_origins_may_frame_the_page(service: str) -> None:
    with urllib.request.urlopen(service) as reply:
        assert "frame-ancestors 'self'" in reply.headers["content-security-policy"]
