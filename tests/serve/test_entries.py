"""Entries over HTTP: read and written with a tag, moved, compared, imported, exported, tried; bundles; all audited."""

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from openpyxl import Workbook

from kb import workbooks
from serve.api import entry_schemas as shapes
from tests.serve.test_access import key_for, with_key

CELLS = {"question": "紫色大象可以养在阳台吗", "answer": "不可以。", "basis": "测试依据第1条", "department": "市教育局"}
FILE = {"content-type": "application/octet-stream"}
TABLE = "问题,答案,依据,部门,分类\n图书馆几点开门呀,九点开门。,公告,市教育局,0101\n借书证在哪办,,公告,市教育局,0101\n"


def saved(client, entry_id: str = "NEW-1", **more):
    reply = client.put(f"/v1/entries/{entry_id}", json={"entry": CELLS, "why": "新建", **more})
    assert reply.status_code == 200, reply.text
    return reply


def brought(client, content: bytes | str, name: str = "a.csv", headers=None, **query):
    body = content.encode() if isinstance(content, str) else content
    return client.post(
        "/v1/entries/import",
        params={"name": name, "why": "试", **query},
        content=body,
        headers={**FILE, **(headers or {})},
    )


def audited(client, what: str) -> list[dict]:
    return [line for line in client.get("/v1/audit", params={"limit": 500}).json()["items"] if line["what"] == what]


def test_an_entry_goes_from_draft_to_an_answer_and_away_again(client) -> None:
    tag = saved(client, who="甲").headers["etag"]
    shapes.EntryOut.model_validate(client.get("/v1/entries/NEW-1").json())
    for action, who in (("submit", "甲"), ("publish", "乙")):
        reply = client.put(
            "/v1/entries/NEW-1/status", json={"action": action, "who": who, "why": "走流程"}, headers={"If-Match": tag}
        )
        assert reply.status_code == 200, reply.text
        tag = reply.headers["etag"]
    client.app.state.runtime.look()
    answers = client.post("/v1/answer", json={"text": CELLS["question"]}).json()
    assert answers["entries"][0]["entry_id"] == "NEW-1"
    client.put("/v1/entries/NEW-1/status", json={"action": "retire", "why": "不用了"}, headers={"If-Match": tag})
    client.app.state.runtime.look()
    answers = client.post("/v1/answer", json={"text": CELLS["question"]}).json()
    assert "NEW-1" not in [e["entry_id"] for e in answers["entries"]]
    for what in ("save", "submit", "publish", "retire"):
        (line,) = audited(client, f"entries.{what}")
        assert line["object"] == "NEW-1"


def test_an_author_cannot_publish_his_own_words(client) -> None:
    revision = saved(client, who="甲").json()["revision"]
    move = {"who": "甲", "why": "x"}
    revision = client.put("/v1/entries/NEW-1/status", json={**move, "action": "submit", "expected": revision}).json()[
        "revision"
    ]
    reply = client.put("/v1/entries/NEW-1/status", json={**move, "action": "publish", "expected": revision})
    assert reply.status_code == 422
    assert "他人审核" in reply.json()["detail"]
    assert not audited(client, "entries.publish")


def test_who_did_not_read_the_latest_writes_nothing(client) -> None:
    first = saved(client)
    changed = {"entry": {**CELLS, "answer": "可以。"}, "why": "改"}
    assert client.put("/v1/entries/NEW-1", json=changed).status_code == 428
    assert client.put("/v1/entries/NEW-1", json=changed, headers={"If-Match": '"1"'}).status_code == 412
    assert client.put("/v1/entries/NEW-1", json={**changed, "expected": 1}).status_code == 409
    assert client.put("/v1/entries/NEW-1", json=changed, headers={"If-Match": "abc"}).status_code == 422
    assert client.get("/v1/entries/NEW-1").json() == first.json()
    for tag in (first.headers["etag"], "W/" + first.headers["etag"]):
        reply = client.put("/v1/entries/NEW-1", json=changed, headers={"If-Match": tag})
        assert reply.status_code == (200 if tag == first.headers["etag"] else 412)


def test_of_two_who_write_at_once_one_is_told(client) -> None:
    tag = saved(client).headers["etag"]

    def write(n: int) -> int:
        body = {"entry": {**CELLS, "answer": f"第{n}种答复。"}, "why": "改"}
        return client.put("/v1/entries/NEW-1", json=body, headers={"If-Match": tag}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(4))) == [200, 412, 412, 412]


def test_an_unchanged_entry_is_not_sent_again(client) -> None:
    tag = saved(client).headers["etag"]
    assert client.get("/v1/entries/NEW-1", headers={"If-None-Match": tag}).status_code == 304
    assert client.get("/v1/entries/NEW-1", headers={"If-None-Match": '"0"'}).status_code == 200


def test_a_write_that_is_sent_again_is_done_once(client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    body = {"entry": CELLS, "why": "新建", "expected": 0}
    first, again = (client.put("/v1/entries/NEW-1", json=body, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotent-replay"] == "true"
    assert len(client.get("/v1/entries/NEW-1/versions").json()["items"]) == 1
    assert len(audited(client, "entries.save")) == 1
    assert client.put("/v1/entries/NEW-1", json={**body, "why": "别的"}, headers=headers).status_code == 409


def test_versions_are_compared_and_an_old_one_comes_back(client) -> None:
    first = saved(client).json()["revision"]
    second = saved_again = client.put(
        "/v1/entries/NEW-1", json={"entry": {**CELLS, "answer": "可以。"}, "why": "改", "expected": first}
    ).json()["revision"]
    shapes.VersionList.model_validate(client.get("/v1/entries/NEW-1/versions").json())
    told = client.get("/v1/entries/NEW-1/compare", params={"before": first, "after": second}).json()
    assert told["differences"] == [{"field": "answer", "before": "不可以。", "after": "可以。"}]
    back = client.put("/v1/entries/NEW-1/restore", json={"revision": first, "why": "错改", "expected": saved_again})
    assert back.json()["entry"]["answer"] == "不可以。"
    assert client.get("/v1/entries/NEW-1/compare", params={"before": 1, "after": second}).status_code == 404


def test_pages_of_a_list_hold_every_entry_once(client) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/entries", params={"limit": 200, "cursor": cursor}).json()
        shapes.EntryPage.model_validate(page)
        seen += [item["entry"]["id"] for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == page["count"]
    some = client.get("/v1/entries", params={"status": "retired"}).json()
    assert {item["entry"]["status"] for item in some["items"]} <= {"retired"}
    assert client.get("/v1/entries", params={"status": "gone"}).status_code == 422


@pytest.mark.parametrize("entry_id", ["none", "..", "a%2Fb", "import"])
def test_what_is_no_entry_is_not_found(client, entry_id: str) -> None:
    assert client.get(f"/v1/entries/{entry_id}").status_code in {404, 422}


def test_words_of_paths_are_no_ids(client) -> None:
    assert client.put("/v1/entries/export", json={"entry": CELLS, "why": "x"}).status_code == 422


def test_personal_data_in_a_reason_is_masked(client) -> None:
    saved(client, why="机主13812345678来电要求")
    stored = client.get("/v1/entries/NEW-1/versions").text + json.dumps(audited(client, "entries.save"))
    assert "13812345678" not in stored


# -- files --------------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_every_fault_and_stores_nothing(client) -> None:
    before = client.get("/v1/entries").json()["count"]
    report = brought(client, TABLE, dry_run=True).json()
    shapes.ImportOut.model_validate(report)
    assert (report["rows"], report["new"], report["set_aside"], report["dry_run"]) == (2, 1, 1, True)
    assert report["faults"] == [{"row": 3, "column": "answer", "expected": "有内容", "found": "空"}]
    assert client.get("/v1/entries").json()["count"] == before
    assert not audited(client, "entries.import")


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_what_was_exported_comes_in_unchanged(client, format: str) -> None:
    file = client.get("/v1/entries/export", params={"format": format})
    assert f'filename="entries.{format}"' in file.headers["content-disposition"]
    report = brought(client, file.content, f"回来.{format}", dry_run=True, accept_near=True).json()
    assert report["rows"] == client.get("/v1/entries").json()["count"]
    assert (report["new"], report["changed"], report["faults"]) == (0, 0, [])
    assert len(audited(client, "entries.export")) == 1


def test_good_rows_become_drafts_once_and_the_import_is_audited(client) -> None:
    headers = {"Idempotency-Key": "i-1"}
    first, again = (brought(client, TABLE, headers=headers) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["idempotent-replay"] == "true"
    (item,) = client.get("/v1/entries", params={"q": "图书馆几点开门呀"}).json()["items"]
    assert (item["entry"]["status"], item["live"]) == ("draft", None)
    (line,) = audited(client, "entries.import")
    assert json.loads(line["detail"])["new"] == 1


def test_a_near_duplicate_of_what_is_answered_is_told(client) -> None:
    entry = client.get("/v1/entries", params={"status": "published", "limit": 1}).json()["items"][0]["entry"]
    table = f"问题,答案,依据,部门,区县\n请问{entry['question']},x,公告,{entry['department']},{entry['region']}\n"
    report = brought(client, table, dry_run=True).json()
    assert entry["id"] in report["faults"][0]["found"]
    assert brought(client, table, dry_run=True, accept_near=True).json()["new"] == 1


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.csv", "a/b.csv", "C:\\x.csv", "..csv", "a.exe", "a.csv\n", "a\x00.csv", "a.xls", ".csv"]
)
def test_a_name_that_is_no_plain_file_name_is_refused(client, tmp_path, name: str) -> None:
    assert brought(client, TABLE, name).status_code == 422
    assert not list(tmp_path.rglob("*passwd*"))


def test_a_form_of_another_site_cannot_import(client) -> None:
    for kind in ("multipart/form-data", "text/plain", "application/x-www-form-urlencoded"):
        assert brought(client, TABLE, headers={"content-type": kind}).status_code == 415


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book, book.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(workbooks.MOST_BYTES // 1_000_000 + 2):
            part.write(b" " * 1_000_000)
    return made.getvalue()


def liar() -> bytes:
    """A bomb whose heads claim ten bytes."""
    content, claim = bytearray(bomb()), (10).to_bytes(4, "little")
    content[22:26] = claim
    directory = content.rfind(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = claim
    return bytes(content)


def wide() -> bytes:
    """A workbook of two cells at opposite corners: readers allocate everything between them."""
    book, made = Workbook(), io.BytesIO()
    book.active["A1"], book.active["XFD1048576"] = "问题", "x"
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize("make", [bomb, liar, wide], ids=["bomb", "liar", "wide"])
def test_a_workbook_that_would_fill_the_memory_is_refused(client, make, monkeypatch) -> None:
    monkeypatch.setattr(workbooks, "MOST_BYTES", 20_000_000)  # a test need not unfold 300 MB
    content = make()
    assert len(content) < 2_000_000
    reply = brought(client, content, "a.xlsx")
    assert reply.status_code == 422
    assert "工作簿" in reply.json()["detail"]
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no workbook", b"\x80\x04\x95pickle", b"\xff" * 100])
@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a.jsonl"])
def test_a_file_that_cannot_be_read_is_told(client, content: bytes, name: str) -> None:
    reply = brought(client, content, name)
    assert reply.status_code in {200, 422}
    if reply.status_code == 200:
        assert reply.json()["new"] == 0


def test_a_file_above_the_limit_is_refused(client_of) -> None:
    client = client_of(import_body_limit=1000)
    assert brought(client, TABLE * 20).status_code == 413


def test_questions_are_tried_on_what_is_answered_now(client) -> None:
    entry = client.get("/v1/entries", params={"status": "published", "limit": 1}).json()["items"][0]["entry"]
    body = {"questions": [{"question": entry["question"], "expected": entry["id"]}, {"question": "今天月亮圆不圆"}]}
    told = client.post("/v1/entries/hit-test", json={**body, "district": entry["region"]}).json()
    shapes.HitTestOut.model_validate(told)
    assert told["items"][0]["rank"] == 1
    assert told["totals"]["questions"] == 2


# -- bundles and rights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "verb", "path", "status"),
    [
        ("operator", "PUT", "/v1/entries/X", 403), ("operator", "GET", "/v1/entries/export", 403),
        ("operator", "POST", "/v1/entries/import?name=a.csv&why=x", 403), ("reviewer", "PUT", "/v1/entries/X", 403),
        ("editor", "POST", "/v1/entries/import?name=a.csv&why=x", 415), ("editor", "GET", "/v1/bundles", 403),
        ("auditor", "GET", "/v1/bundles", 200), ("auditor", "POST", "/v1/bundles/rollback", 403),
        ("engineer", "GET", "/v1/bundles", 200), ("reviewer", "POST", "/v1/bundles/promote", 403),
    ],
)  # fmt: skip
def test_entries_and_bundles_are_changed_by_those_who_may(client, role, verb, path, status) -> None:
    body = {"why": "x"} if verb != "GET" and "import" not in path else None
    assert client.request(verb, path, json=body, headers=with_key(key_for(client, role)[1])).status_code == status


def test_with_keys_in_force_the_owner_acts_whatever_name_was_sent(client) -> None:
    keys = client.app.state.runtime.keys
    key, secret = keys.create("很长的名字" * 12, "editor", rate=6000)
    reply = client.put("/v1/entries/NEW-1", json={"entry": CELLS, "why": "x", "who": "冒名"}, headers=with_key(secret))
    assert reply.status_code == 200
    assert reply.json()["author"].endswith(f"#{key.id}")
    assert len(reply.json()["author"]) <= 64


def test_the_shipped_bundle_is_listed_and_cannot_be_rolled_back(client) -> None:
    listed = client.get("/v1/bundles").json()
    shapes.BundleList.model_validate(listed)
    assert [(b["version"], b["current"]) for b in listed["items"]] == [("shipped", True)]
    assert client.post("/v1/bundles/rollback", json={"why": "\x00 "}).status_code == 422
    reply = client.post("/v1/bundles/rollback", json={"why": "试", "who": "--help"})
    assert reply.status_code == 409
    assert "没有可以退回的版本" in reply.json()["detail"]
    assert json.loads(audited(client, "bundles.rollback")[0]["detail"])["outcome"] == "asked"
    for version in ("../../etc", "-x", "--help", "gone"):
        reply = client.post("/v1/bundles/promote", json={"version": version, "why": "试"})
        assert reply.status_code == (409 if version == "gone" else 422)
