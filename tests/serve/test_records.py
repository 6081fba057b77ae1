"""What operators tell and what comes in is kept: masked, once, with who and when, found again, deleted on time."""

import datetime
import json
import os
import sqlite3
import tarfile

import numpy as np
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from kb.feedback import Feedback
from kb.unanswered import UnansweredQueue
from models.masking_numbers import check_digit
from serve import audit, retention
from serve.backup import BackupError, backup, restore
from serve.inputs import plain_id
from serve.records import FeedbackRow, TicketRow, now
from yousu import app

SAID = {"text": "我叫王小明,电话13812345678,暖气不热", "field": "category", "verdict": "correct", "value": "04"}
TICKET = {"id": "T1", "text": "虎台中学门口有三只紫色的大象挡路", "unit": "城西区城市管理局", "request_type": "投诉"}


def rows(client, table):
    with client.app.state.runtime.records.read() as session:
        return list(session.query(table))


# -- feedback -----------------------------------------------------------------------------------------------------


def test_feedback_is_stored_masked_with_who_when_and_versions(client) -> None:
    reply = client.post("/v1/feedback", json=SAID)
    assert reply.status_code == 201
    (row,) = rows(client, FeedbackRow)
    assert row.id == reply.json()["id"]
    assert "13812345678" not in row.text
    assert "王小明" not in row.text
    assert (row.who, row.bundle) == ("local", client.get("/v1/version").json()["bundle"])
    assert abs((now() - row.at).total_seconds()) < 60


def test_the_same_feedback_sent_twice_with_one_key_is_stored_once(client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    first, again = (client.post("/v1/feedback", json=SAID, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(rows(client, FeedbackRow)) == 1
    other = client.post("/v1/feedback", json={**SAID, "note": "x"}, headers=headers)
    assert other.status_code == 409


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"value": ""}, "value"),
        ({"value": "99"}, "value"),
        ({"field": "request_type", "value": "闹着玩"}, "value"),
        ({"text": ""}, "text"),
        ({"verdict": "maybe"}, "verdict"),
        ({"extra": 1}, "extra"),
        ({"text": "长" * 20_001}, "text"),
    ],
)
def test_feedback_that_cannot_be_learned_from_is_refused_by_field(client, change, named: str) -> None:
    reply = client.post("/v1/feedback", json={**SAID, **change})
    assert reply.status_code == 422
    assert named in reply.json()["detail"]
    assert not rows(client, FeedbackRow)


def test_feedback_is_read_back_page_by_page(client) -> None:
    ids = [client.post("/v1/feedback", json={**SAID, "note": str(i)}).json()["id"] for i in range(5)]
    seen, cursor = [], ""
    for _ in range(4):
        page = client.get("/v1/feedback", params={"limit": 2, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert seen == ids
    assert client.get("/v1/feedback", params={"cursor": "nonsense"}).status_code == 422


# -- tickets and similar cases ------------------------------------------------------------------------------------


def test_a_ticket_is_found_as_a_similar_case_after_the_next_look(client) -> None:
    assert client.post("/v1/tickets", json=TICKET).status_code == 201
    client.app.state.runtime.look()
    best = client.post("/v1/similar", json={"text": "有紫色大象挡在虎台中学门口"}).json()["similar"][0]
    assert (best["id"], best["source"], best["unit"]) == ("T1", "ticket", TICKET["unit"])


def test_a_ticket_sent_again_is_replaced(client) -> None:
    for unit in ("甲单位", "乙单位"):
        client.post("/v1/tickets", json={**TICKET, "unit": unit})
        client.app.state.runtime.look()
    found = client.post("/v1/similar", json={"text": TICKET["text"], "top": 50}).json()["similar"]
    assert [c["unit"] for c in found if c["id"] == "T1"] == ["乙单位"]


def test_many_tickets_are_stored_and_faulty_ones_set_aside(client) -> None:
    sent = [TICKET, {**TICKET, "id": "T2", "code": "nope"}, {**TICKET, "id": "T3", "text": "路灯不亮 13812345678"}]
    result = client.post("/v1/tickets/bulk", json={"tickets": sent}).json()
    assert result["stored"] == 2
    assert result["rejected"][0]["id"] == "T2"
    assert "nope" in result["rejected"][0]["reason"]
    assert "13812345678" not in "".join(r.text for r in rows(client, TicketRow))


def test_tickets_of_another_encoder_are_embedded_again(client, engine) -> None:
    client.post("/v1/tickets", json=TICKET)
    runtime = client.app.state.runtime
    with runtime.records.write() as session:
        session.execute(text("UPDATE ticket SET encoder = 'old', vector = :v"), {"v": b"\0" * 8})
    runtime.look()
    assert rows(client, TicketRow)[0].encoder == engine.bundle.embedder.name
    assert client.post("/v1/similar", json={"text": TICKET["text"]}).json()["similar"][0]["id"] == "T1"


# -- batch --------------------------------------------------------------------------------------------------------


def test_a_batch_answers_every_line_in_order_and_tells_bad_lines_by_number(client) -> None:
    lines = ['{"id":"a","text":"路灯不亮"}', "not json", '{"id":"c","text":""}', "", '{"id":"e","text":"暖气不热"}']
    reply = client.post("/v1/batch", content="\n".join(lines), headers={"Content-Type": "application/x-ndjson"})
    assert reply.headers["content-type"].startswith("application/x-ndjson")
    out = [json.loads(line) for line in reply.text.splitlines()]
    assert [o["line"] for o in out] == [1, 2, 3, 5]
    assert [bool(o.get("error")) for o in out] == [False, True, True, False]
    assert out[3]["id"] == "e"
    assert out[3]["assist"]["category"]["names"][1] == "供热"


def test_a_batch_line_without_end_is_told_and_the_rest_goes_on(client) -> None:
    content = b'{"text":"' + b"x" * 300_000 + b'"}\n{"text":"' + "路灯不亮".encode() + b'"}'
    reply = client.post("/v1/batch", content=content, headers={"Content-Type": "application/x-ndjson"})
    first, second = (json.loads(line) for line in reply.text.splitlines())
    assert first["error"]
    assert second["assist"]


def test_more_batches_than_allowed_get_429(client) -> None:
    client.app.state.runtime.batches = 2
    reply = client.post("/v1/batch", content=b"", headers={"Content-Type": "application/x-ndjson"})
    assert reply.status_code == 429
    assert reply.headers["retry-after"]


# -- audit --------------------------------------------------------------------------------------------------------


def test_reading_and_writing_leave_a_line_that_verifies(client) -> None:
    client.post("/v1/tickets", json=TICKET, headers={"X-Request-ID": "req-7"})
    client.get("/v1/tickets")
    lines = client.get("/v1/audit").json()["items"]
    assert [x["what"] for x in lines] == ["tickets.write", "tickets.read"]
    assert lines[0]["request_id"] == "req-7"
    verdict = audit.verify(client.app.state.runtime.records)
    assert (verdict.lines, verdict.fault) == (2, "")


def test_the_audit_trail_cannot_be_changed_through_the_database(client) -> None:
    records = client.app.state.runtime.records
    audit.record(records, who="a", what="b")
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append-only"), records.write() as session:
            session.execute(text(statement))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        ("UPDATE audit SET who = 'somebody' WHERE seq = 3", "第 3 行"),
        ("UPDATE audit SET detail = '{\"n\": 9}' WHERE seq = 3", "第 3 行"),
        ("DELETE FROM audit WHERE seq = 3", "第 3 行缺失"),
        ("DELETE FROM audit WHERE seq > 3", "截去"),
    ],
)
def test_tampering_past_the_guard_shows(client, tmp_path, harm: str, said: str) -> None:
    records = client.app.state.runtime.records
    for i in range(5):
        audit.record(records, who="a", what="b", detail={"n": i})
    head = audit.verify(records).head
    with sqlite3.connect(tmp_path / "yousu.db") as raw:
        raw.executescript(f"DROP TRIGGER audit_no_UPDATE; DROP TRIGGER audit_no_DELETE; {harm};")
    assert said in audit.verify(records, expected_head=head).fault


def test_what_somebody_wrote_makes_no_line_of_its_own_in_the_trail_as_it_is_shown(
    client, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path))
    forged = "T1\n2  2026-01-01  root  key.create\x1b[2J\u202e\u2028"
    assert client.post("/v1/tickets", json={**TICKET, "id": forged}).status_code == 201
    shown = CliRunner().invoke(app, ["audit", "show"]).output
    assert len(shown.splitlines()) == 1
    assert "T1\\n2  2026" in shown
    assert not {"\x1b", "\u202e"} & set(shown)


def test_the_command_line_verifies_the_trail(client, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path))
    assert CliRunner().invoke(app, ["key", "create", "甲", "--role", "auditor"]).exit_code == 0
    good = CliRunner().invoke(app, ["audit", "verify"])
    assert (good.exit_code, "完好:1 行" in good.output) == (0, True)
    with sqlite3.connect(tmp_path / "yousu.db") as raw:
        raw.executescript("DROP TRIGGER audit_no_UPDATE; UPDATE audit SET who = 'x';")
    assert CliRunner().invoke(app, ["audit", "verify"]).exit_code == 1


# -- retention, backup, restore -----------------------------------------------------------------------------------


def test_what_is_older_than_the_limit_is_gone_from_tables_index_files_and_backups(client, tmp_path) -> None:
    runtime = client.app.state.runtime
    old = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=200)).isoformat()
    client.post("/v1/tickets", json={**TICKET, "accepted_at": old})
    client.post("/v1/tickets", json={**TICKET, "id": "T2", "text": "粉色的长颈鹿卡在电梯里"})
    client.post("/v1/feedback", json={**SAID, "text": "一头紫色的大象"})
    with runtime.records.write() as session:
        session.execute(text("UPDATE feedback SET at = '2020-01-01 00:00:00'"))
    runtime.look()
    archives = tmp_path / "backups"
    aged = backup(runtime.settings, archives).rename(archives / "yousu-20200101T000000Z.tar.gz")
    fresh = backup(runtime.settings, archives)
    gone = retention.apply(runtime.records, days=180, backups=archives)
    assert (gone["tickets"], gone["feedback"], gone["backups"]) == (1, 1, 1)
    runtime.look()
    for words, kept in ((TICKET["text"], False), ("粉色的长颈鹿卡在电梯里", True)):
        found = client.post("/v1/similar", json={"text": words, "top": 50}).json()["similar"]
        assert (words in [c["text"] for c in found]) == kept
    assert not aged.exists()
    assert fresh.exists()
    raw = b"".join(p.read_bytes() for p in tmp_path.glob("yousu.db*"))
    assert "紫色的大象".encode() not in raw


@pytest.fixture(params=["this Python", "a Python before 3.11.4"])
def either_python(request, monkeypatch) -> None:
    """Archives are unpacked by this Python's filter, or by our own check where there is none."""
    if request.param != "this Python":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.mark.usefixtures("either_python")
def test_a_backup_of_a_running_service_restores_what_was_accepted(client, tmp_path) -> None:
    runtime = client.app.state.runtime
    client.post("/v1/tickets", json=TICKET)
    (tmp_path / "notes.txt").write_text("kept")
    archive = backup(runtime.settings, tmp_path / "backups")
    goal = runtime.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    manifest = restore(goal, archive)
    assert set(manifest["files"]) >= {"database", "home/notes.txt"}
    assert (tmp_path / "elsewhere" / "notes.txt").read_text() == "kept"
    with sqlite3.connect(tmp_path / "elsewhere" / "yousu.db") as raw:
        assert raw.execute("SELECT id FROM ticket").fetchall() == [("T1",)]
    with pytest.raises(BackupError, match="--force"):
        restore(goal, archive)


@pytest.mark.usefixtures("either_python")
def test_a_damaged_or_hostile_archive_changes_nothing(client, tmp_path) -> None:
    runtime = client.app.state.runtime
    archive = backup(runtime.settings, tmp_path / "backups")
    goal = runtime.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-2000])
    hostile = tmp_path / "hostile.tar.gz"
    with tarfile.open(hostile, "w:gz") as tar:
        tar.add(archive, "../../escaped.txt")
    linked, link = tmp_path / "linked.tar.gz", tarfile.TarInfo("home")
    link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path.parent)
    with tarfile.open(linked, "w:gz") as tar:
        tar.addfile(link)
        tar.add(archive, "home/escaped.txt")
    for bad in (cut, hostile, linked):
        with pytest.raises(BackupError):
            restore(goal, bad)
    assert not (tmp_path / "elsewhere" / "yousu.db").exists()
    assert not (tmp_path.parent / "escaped.txt").exists()


@pytest.fixture
def aged(client, tmp_path):
    """A service that stored something of every kind, all of it made older than the limit, and its settings."""
    runtime = client.app.state.runtime
    client.post("/v1/tickets", json=TICKET)
    client.post("/v1/feedback", json={**SAID, "text": "一头紫色的大象"}, headers={"Idempotency-Key": "k"})
    queue = UnansweredQueue(runtime.engine.store.engine, "e")
    queue.add(["粉色的长颈鹿怎么办证"], np.ones((1, 4), np.float32) / 2)
    Feedback(runtime.engine.store.engine).record("灰色的犀牛", entry_of(client), "wrong", who="甲")
    runs = tmp_path / "training" / "runs" / "v1"
    runs.mkdir(parents=True)
    (runs / "replay.csv").write_text("text\n绿色的河马\n", encoding="utf-8")
    (runs / "report.html").write_text("figures")
    with runtime.records.write() as session:
        for table, column in AGES:
            session.execute(text(f"UPDATE {table} SET {column} = '2020-01-01 00:00:00'"))
    os.utime(runs / "replay.csv", (1.6e9, 1.6e9))
    return runtime


AGES = (
    ("ticket", "accepted_at"), ("feedback", "at"), ("unanswered", "last_at"), ("relevance_feedback", "at"),
    ("idempotency", "at"),
)  # fmt: skip


def entry_of(client) -> str:
    return client.get("/v1/entries", params={"limit": 1}).json()["items"][0]["entry"]["id"]


def test_verifying_finds_all_that_is_too_old_and_nothing_once_it_is_deleted(aged, tmp_path) -> None:
    def left() -> set[str]:
        return {f.where.rsplit("/", 1)[-1] for f in retention.verify(aged.records, days=180, home=tmp_path)}

    assert left() == {*(table for table, _ in AGES), "replay.csv"}
    retention.apply(aged.records, days=180, home=tmp_path)
    assert left() == set()
    raw = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for words in (TICKET["text"], "一头紫色的大象", "粉色的长颈鹿", "灰色的犀牛", "绿色的河马"):
        assert words.encode() not in raw
    assert (tmp_path / "training" / "runs" / "v1" / "report.html").exists()


def test_verifying_looks_into_backups_and_at_freed_pages(aged, tmp_path) -> None:
    archives = tmp_path / "backups"
    backup(aged.settings, archives)
    retention.apply(aged.records, days=180, home=tmp_path)
    found = retention.verify(aged.records, days=180, home=tmp_path, backups=archives, backup_days=30)
    assert {f.what.split()[0] for f in found} >= {"工单", "反馈", "未答问题"}
    retention.apply(aged.records, days=180, backups=archives, backup_days=1)
    assert retention.verify(aged.records, days=180, home=tmp_path, backups=archives, backup_days=30) == found
    with aged.records.write() as session:
        session.execute(text("CREATE TABLE scratch AS SELECT * FROM audit, entry LIMIT 500"))
        session.execute(text("DROP TABLE scratch"))
    assert "SQLite" in {f.where for f in retention.verify(aged.records, days=180, home=tmp_path)}


def test_the_command_line_deletes_and_verifies(aged, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("YOUSU_HOME", str(tmp_path))
    bad = CliRunner().invoke(app, ["retention", "verify"])
    assert (bad.exit_code, "还有:工单 1" in bad.output) == (1, True)
    assert CliRunner().invoke(app, ["retention", "apply"]).exit_code == 0
    good = CliRunner().invoke(app, ["retention", "verify"])
    assert (good.exit_code, "全部删去" in good.output) == (0, True)


@pytest.mark.parametrize(
    "bad", ["13812345678", "call-138-1234-5678", "630104200112301517", "王建国来电", "a.b@163.com", "+8613812345678"]
)
def test_an_id_that_holds_personal_data_is_refused(client, bad: str) -> None:
    if bad.isdigit() and len(bad) == 18:
        bad = bad[:17] + check_digit(bad[:17])
    assert client.post("/v1/tickets", json={**TICKET, "id": bad}).status_code == 422
    assert client.post("/v1/feedback", json={**SAID, "call_id": bad}).status_code == 422
    assert client.post(f"/v1/sessions/{bad}/transcript", json={"text": "x"}).status_code == 422
    bulk = client.post("/v1/tickets/bulk", json={"tickets": [{**TICKET, "id": bad}]}).json()
    assert (bulk["stored"], len(bulk["rejected"])) == (0, 1)
    line = client.post("/v1/batch", content=json.dumps({"id": bad, "text": "x"}), headers=LINES).json()
    assert "编号" in line["error"]
    assert (
        client.get("/healthz", headers={"X-Request-ID": bad.replace("@", "-").encode()}).headers["x-request-id"] != bad
    )


LINES = {"content-type": "application/x-ndjson"}


def test_serial_numbers_are_no_personal_data() -> None:
    today = datetime.date.today()
    for number in range(300):
        plain_id("id", f"630102{today:%Y%m%d}{number:04}")
        plain_id("id", f"{today:%Y%m%d}{number:08}")
        plain_id("id", f"6{number:018}")
    for value in ("T2026112400031", "GD-20260715-002318", "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "工单0031", ""):
        plain_id("id", value)


def test_an_idempotency_key_is_not_stored_as_it_came(client, tmp_path) -> None:
    client.post("/v1/feedback", json=SAID, headers={"Idempotency-Key": "13812345678" + "x" * 117})
    assert b"13812345678" not in b"".join(p.read_bytes() for p in tmp_path.glob("yousu.db*"))
