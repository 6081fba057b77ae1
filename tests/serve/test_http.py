"""The HTTP interface of a running service: the same result as the command line; errors are problem details."""

import http.client
import json
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from tests.conftest import ROOT


def call(address: str, method: str, path: str, body: bytes | dict | None = None, kind: str = "application/json"):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    payload = json.dumps(body, ensure_ascii=False).encode() if isinstance(body, dict) else body
    connection.request(method, path, payload, {"Content-Type": kind} if payload is not None else {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers.get("content-type", ""), content


def post(address: str, path: str, **body: object):
    status, kind, content = call(address, "POST", path, body)
    return status, kind, json.loads(content)


def test_health_readiness_and_version(service: str) -> None:
    assert call(service, "GET", "/healthz")[0] == 200
    assert call(service, "GET", "/readyz")[0] == 200
    assert set(json.loads(call(service, "GET", "/v1/version")[2])) >= {"bundle", "catalog", "kb"}


def test_assist_over_http_equals_assist_on_the_command_line(service: str) -> None:
    text = "城西区虎台街道路灯不亮好几天了"
    _, _, over_http = post(service, "/v1/assist", text=text)
    command = [sys.executable, "-m", "yousu", "assist", text, "--json"]
    on_the_line = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    for body in (over_http, on_the_line):
        body.pop("timings")
    assert over_http == on_the_line
    assert set(over_http) >= {"answers", "category", "request_type", "risk", "places", "route", "similar", "versions"}


def test_answer_classify_and_route_give_their_parts(service: str) -> None:
    assert "answered" in post(service, "/v1/answer", text="试用期最长多久")[2]
    assert post(service, "/v1/classify", text="路灯不亮")[2]["category"]["names"][1] == "城市照明"
    assert post(service, "/v1/route", text="路灯不亮")[2]["route"]["targets"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": ""}', 422),
        (b'{"text": "' + "长".encode() * 20_001 + b'"}', 422),
        (b"{", 422),
        (b"[]", 422),
        (b'{"words": "x"}', 422),
        ('{"text": "路灯", "district": "月球区"}'.encode(), 422),
    ],
)
def test_bad_input_is_a_problem_detail(service: str, body: bytes, status: int) -> None:
    got, kind, content = call(service, "POST", "/v1/assist", body)
    problem = json.loads(content)
    assert got == problem["status"] == status
    assert kind == "application/problem+json"
    assert problem["detail"]


def test_an_unknown_path_is_a_problem_detail(service: str) -> None:
    status, kind, _ = call(service, "GET", "/nope")
    assert (status, kind) == (404, "application/problem+json")


def test_the_page_and_the_docs_ask_nothing_of_the_internet(service: str) -> None:
    for path in ("/", "/docs"):
        content = call(service, "GET", path)[2].decode()
        assert "http://" not in content
        assert "https://" not in content


def test_the_service_lives_on_after_bad_input(service: str) -> None:
    call(service, "POST", "/v1/assist", b"\xff\xfe\x00")
    assert post(service, "/v1/assist", text="路灯不亮")[0] == 200


def test_a_follow_up_is_read_with_its_context(service: str) -> None:
    status, _, body = post(service, "/v1/answer", text="那农村的呢", context=["城市低保多少钱"])
    assert (status, body["understood"]) == (200, "农村低保多少钱")
