"""What the panel asks of the service: the transcript of a call in progress, and finding categories and units."""

from __future__ import annotations

import asyncio
import json
import urllib.request

import pytest

from serve.lookup import Lookup
from serve.panel import embed_policy
from serve.sessions import MAX_TEXT, Sessions, Transcript


def test_a_partial_sentence_is_replaced_and_a_final_one_stays() -> None:
    heard = Transcript()
    for text, final in (("路灯", False), ("路灯不亮,", True), ("在虎", False), ("在虎台。", False)):
        heard = heard.heard(text, final=final)
    assert (heard.text, heard.sequence) == ("路灯不亮,在虎台。", 4)


def test_a_transcript_does_not_grow_without_end() -> None:
    heard = Transcript().heard("字" * MAX_TEXT, final=True).heard("多", final=True)
    assert len(heard.text) == MAX_TEXT


def test_a_panel_gets_the_transcript_so_far_and_then_every_change() -> None:
    async def listen() -> list[str]:
        sessions = Sessions()
        sessions.push("a", "路灯", final=False)
        following = sessions.follow("a")
        first = await anext(following)
        sessions.push("b", "别的通话", final=True)
        sessions.push("a", "路灯不亮", final=True)
        second = await anext(following)
        await following.aclose()
        return [first.text, second.text]

    assert asyncio.run(listen()) == ["路灯", "路灯不亮"]


def test_the_oldest_calls_are_forgotten() -> None:
    sessions = Sessions(most=2)
    for name in ("a", "b", "c"):
        sessions.push(name, name, final=True)
    assert sessions.push("a", "x", final=True).text == "x"
    assert sessions.push("c", "x", final=True).text == "cx"


@pytest.mark.parametrize("q", ["整段路灯不亮", "zdldbl", "zhengduanludeng", "0402010101"])
def test_a_category_is_found_by_name_initials_pinyin_and_code(engine, q: str) -> None:
    assert Lookup(engine.catalog).categories(q)[0].code == "0402010101"


def test_a_search_keeps_to_its_level_and_branch(engine) -> None:
    lookup = Lookup(engine.catalog)
    below = lookup.categories(level=3, under="0101")
    assert [f.code for f in below] == [n.code for n in engine.catalog.children("0101")]
    assert lookup.categories("zdldbl", under="0101") == []


def test_a_unit_is_found_by_initials_with_its_path(engine) -> None:
    found = Lookup(engine.catalog).units("scxjsj")[0]
    assert found.names == ("市直部门", "市城乡建设局")


def test_embedding_is_for_listed_origins_only() -> None:
    assert embed_policy("") == "'self'"
    assert (
        embed_policy("https://a.example, https://b.example:8443") == "'self' https://a.example https://b.example:8443"
    )
    with pytest.raises(ValueError, match="YOUSU_EMBED_ORIGINS"):
        embed_policy("https://a.example;script-src *")


def test_a_chosen_category_gives_its_own_route(service: str) -> None:
    body = json.dumps({"text": "城西区虎台街道暖气不热", "code": "0402"}).encode()
    request = urllib.request.Request(f"{service}/v1/catalog/route", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        units = [t["unit"] for t in json.load(reply)["route"]["targets"]]
    assert "市城市管理局城市照明" in units


def test_a_page_loads_nothing_from_elsewhere(service: str) -> None:
    with urllib.request.urlopen(service) as reply:
        policy, page = reply.headers["content-security-policy"], reply.read().decode()
    assert "default-src 'self'" in policy
    assert "http://" not in page
    assert "https://" not in page
