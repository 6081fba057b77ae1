"""`yousu kb` the way a person at the desk uses it, over a home of its own with the shipped entries."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from typer.testing import CliRunner

from kb.store import EntryStore
from kb.unanswered import UnansweredQueue
from models.embedder import load_embedder
from models.locations import bundle_dir
from serve.engine import Engine
from tests.conftest import take_vectors
from yousu import app


@pytest.fixture(scope="module")
def desk_home(
    engine: Engine, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Path]:
    """A home of its own that remembers the vectors of the shipped entries, as a desk does from its second day on."""
    folder = tmp_path_factory.mktemp("desk")
    take_vectors(request.config, folder)
    before = os.environ.get("YOUSU_HOME")
    os.environ["YOUSU_HOME"] = str(folder)
    yield folder
    if before is None:
        del os.environ["YOUSU_HOME"]
    else:
        os.environ["YOUSU_HOME"] = before


@pytest.fixture
def kb(desk_home: Path):
    def run(*arguments: object, fails: bool = False) -> str:
        result = CliRunner().invoke(app, ["kb", *map(str, arguments)])
        assert (result.exit_code != 0) == fails, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result.output

    return run


def test_a_workbook_is_tried_then_imported_reviewed_and_published(kb, tmp_path: Path) -> None:
    book = Workbook()
    for cells in (
        ["问题", "别名", "口径", "依据", "部门", "分类"],
        ["图书馆几点开门", "图书馆啥时候开", "早上九点开门。", "馆方公告", "市教育局", "0101"],
        ["西宁市供暖从几号到几号?", "", "十月十五。", "公告", "", "0101"],
        ["借书证怎么办", "", "=1+1", "", "没有的局", "9999"],
    ):
        book.active.append(cells)
    book.save(tmp_path / "e.xlsx")
    dry = json.loads(kb("import", tmp_path / "e.xlsx", "--map", "口径=answer", "--who", "甲", "--dry-run", "--json"))
    assert {(f["row"], f["column"]) for f in dry["faults"]} == {
        (3, "question"), (4, "answer"), (4, "basis"), (4, "department"), (4, "category"),
    }  # fmt: skip
    assert any("K001" in f["found"] for f in dry["faults"])
    assert json.loads(kb("list", "--author", "甲", "--json"))["total"] == 0
    assert "新增 2" in kb("import", tmp_path / "e.xlsx", "--map", "口径=answer", "--who", "甲", "--accept-near")
    listed = json.loads(kb("list", "--author", "甲", "--text", "图书馆", "--json"))["items"]
    number, revision = listed[0]["entry"]["id"], listed[0]["revision"]
    assert "待审核" in kb("submit", number, "--who", "甲", "--why", "请审", "--expected", revision)
    assert "须由他人审核" in kb("publish", number, "--who", "甲", "--why", "发布", fails=True)
    assert "已被他人改过" in kb("publish", number, "--who", "乙", "--why", "属实", "--expected", revision, fails=True)
    assert "已发布" in kb("publish", number, "--who", "乙", "--why", "属实")
    assert "reviewer: 乙" in kb("show", number)
    first, *_, last = (v["revision"] for v in json.loads(kb("history", number, "--json")))
    assert "status" in kb("diff", number, first, last)
    assert "草稿" in kb("restore", number, first, "--who", "丙", "--why", "重来")
    assert "已停用" in kb("retire", number, "--who", "丙", "--why", "废止")


def test_what_cannot_be_done_is_told_without_a_traceback(kb, tmp_path: Path) -> None:
    assert "没有条目 X9" in kb("show", "X9", fails=True)
    assert "文件不存在" in kb("import", tmp_path / "no.csv", "--who", "甲", fails=True)
    assert "输出应为" in kb("export", tmp_path / "e.doc", fails=True)
    (tmp_path / "e.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "--map" in kb("import", tmp_path / "e.csv", "--who", "甲", fails=True)
    assert "--map" in kb("hit-test", tmp_path / "e.csv", fails=True)


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl"])
def test_export_import_export_gives_the_same_bytes(kb, tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    kb("export", first)
    assert "新增 0,修改 0" in kb("import", first, "--who", "甲")
    kb("export", second)
    assert first.read_bytes() == second.read_bytes()


def test_the_check_lists_what_is_over_by_kind(kb) -> None:
    found = json.loads(kb("check", "--on", "2030-01-01", "--json"))
    assert found["totals"]["expired"] >= 1
    assert {f["kind"] for f in found["findings"]} <= set(found["totals"])
    assert "从未命中" in kb("check")


def test_the_hit_test_tells_ranks_scores_and_totals(kb, tmp_path: Path) -> None:
    book = Workbook()
    for cells in (["问题", "期望条目"], ["啥时候停暖气", "K001"], ["啥时候停暖气", "K023"], ["火星移民怎么报名", ""]):
        book.active.append(cells)
    book.save(tmp_path / "q.xlsx")
    told = json.loads(kb("hit-test", tmp_path / "q.xlsx", "--json"))
    assert told["questions"][0]["rank"] == 1
    assert (told["totals"]["questions"], told["totals"]["with_expected"]) == (3, 2)
    assert told["totals"]["hit@1"] == 0.5
    header, first, second, third = load_workbook(tmp_path / "q.result.xlsx").active.iter_rows(values_only=True)
    assert (first[header.index("found")], first[header.index("top1")]) == ("true", "K001")
    assert second[header.index("found")] == "false"
    assert all(float(first[header.index(f"top{i}_score")]) <= 1 for i in range(1, 6))
    assert not third[header.index("found")]


def test_the_hit_test_says_why_an_entry_cannot_be_found(kb, tmp_path: Path) -> None:
    book = Workbook()
    for cells in (["问题", "期望条目"], ["2026年居民医保交多少", "K033"], ["新能源车购置税减多少", "K893"]):
        book.active.append(cells)
    book.save(tmp_path / "q.xlsx")
    told = kb("hit-test", tmp_path / "q.xlsx", "--on", "2025-06-01")
    assert "K033 不在前五(未发布或没有此条目)" in told
    assert "K893 不在前五(有效期为 2026-01-01 至 2027-12-31)" in told


def test_a_revision_that_an_entry_lacks_is_refused_with_those_it_has(kb) -> None:
    revision = json.loads(kb("history", "K001", "--json"))[0]["revision"]
    assert f"条目 K001 没有修订 999999,现有 {revision}" in kb("diff", "K001", revision, 999999, fails=True)


def test_unanswered_questions_are_listed_assigned_and_closed(kb, desk_home: Path) -> None:
    kb("list")
    store = EntryStore(f"sqlite:///{desk_home / 'yousu.db'}")
    embedder = load_embedder(bundle_dir() / "encoder")
    asked = ["育儿补贴怎么领", "怎么领育儿补贴"]
    UnansweredQueue(store.engine, embedder.name).add(asked, embedder.encode(asked, kind="query"))
    store.close()
    (cluster,) = json.loads(kb("unanswered", "--json"))
    assert (cluster["asked"], cluster["sample"]) == (2, "怎么领育儿补贴")
    assert "--who" in kb("unanswered", "--assign", cluster["id"], "--to", "小李", fails=True)
    assert "小李" in kb("unanswered", "--assign", cluster["id"], "--to", "小李", "--who", "组长")
    assert "没有条目" in kb("unanswered", "--close", cluster["id"], "--entry", "X9", "--who", "小李", fails=True)
    assert "共 0 组" in kb("unanswered", "--close", cluster["id"], "--entry", "K091", "--who", "小李")
