"""Files that mean harm, imported by a running service: bombs, names that climb, formulas; it refuses and goes on."""

import csv
import io
import json
import urllib.parse
import zipfile
from pathlib import Path

import pytest

from kb import workbooks

pytestmark = pytest.mark.chaos
FILE = {"Content-Type": "application/octet-stream"}
CALL = {"text": "路灯不亮"}


def brought(service, content: bytes, name: str) -> tuple[int, bytes]:
    query = urllib.parse.urlencode({"name": name, "why": "试", "who": "甲"})
    return service.call(f"/v1/entries/import?{query}", content, FILE, timeout=120)


def most_memory(service) -> int:
    """The most bytes of memory that the service has ever held."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def test_a_workbook_that_is_a_zip_bomb_is_refused_without_being_unfolded_into_memory(shared) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as book, book.open("xl/worksheets/sheet1.xml", "w") as part:
        for _ in range(2 * workbooks.MOST_BYTES // 1_000_000):
            part.write(b" " * 1_000_000)
    assert shared.call("/v1/assist", CALL)[0] == 200
    before = most_memory(shared)
    status, content = brought(shared, made.getvalue(), "a.xlsx")
    assert status == 422
    assert "工作簿" in json.loads(content)["detail"]
    assert most_memory(shared) - before < workbooks.MOST_BYTES / 2
    assert shared.call("/v1/assist", CALL)[0] == 200


@pytest.mark.parametrize("name", ["../../etc/cron.d/x.csv", "/etc/x.csv", "a/b.csv", "C:\\x.csv", "a.csv\n", "a.exe"])
def test_an_import_under_a_name_that_climbs_is_refused_and_leaves_no_file(shared, name: str) -> None:
    before = {p for p in shared.home.parent.rglob("*") if p.suffix == ".csv"}
    assert brought(shared, "问题,答案,依据\n几点开门呀,九点。,公告\n".encode(), name)[0] == 422
    assert {p for p in shared.home.parent.rglob("*") if p.suffix == ".csv"} == before


def test_a_formula_in_an_import_is_set_aside_and_none_leaves_in_an_export(shared) -> None:
    table = (
        "问题,答案,依据\n=cmd|'/C calc'!A0,九点。,公告\n紫色大象几点睡觉,+1+cmd|x,公告\n紫色大象几点起床,九点。,公告\n"
    )
    status, content = brought(shared, table.encode(), "a.csv")
    assert status == 200, content
    report = json.loads(content)
    assert (report["rows"], report["new"], report["set_aside"]) == (3, 1, 2)
    said = {"text": "路灯不亮", "field": "category", "verdict": "accept", "note": "=1+1"}
    assert shared.call("/v1/feedback", said)[0] == 201
    status, content = shared.call("/v1/entries/export")
    assert status == 200
    cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
    assert "紫色大象几点起床" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a.jsonl"])
def test_a_pickle_in_place_of_a_table_stores_nothing(shared, name: str) -> None:
    status, content = brought(shared, b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.", name)
    assert status in {200, 422}
    assert status == 422 or json.loads(content)["new"] == 0
    assert shared.call("/v1/assist", CALL)[0] == 200
