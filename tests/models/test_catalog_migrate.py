"""Moving a catalogue to new units, functions and leaves: shown first, written whole, nothing forgotten."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.bundle import check_files, write_manifest
from models.catalog import load_catalog
from models.catalog_migrate import MigrationError, apply, plan, read_mapping
from models.locations import catalog_dir
from yousu import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(catalog_dir(), tmp_path / "catalog"))


def mapping(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "对照.csv"
    path.write_text("kind,old,new,name\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def bundle(tmp_path: Path, history: dict) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "history.json").write_text(json.dumps(history, ensure_ascii=False), encoding="utf-8")
    write_manifest(folder, {"catalog": {"version": "x"}})
    return folder


def test_a_renamed_unit_keeps_its_work_and_its_history(folder: Path, tmp_path: Path) -> None:
    before = load_catalog(folder)
    unit = before.functions["市城乡建设局"].unit
    name = before.units[unit].name
    old = bundle(tmp_path, {"accepted": {"0101010101": {name: 3.0, "别处": 1.0}}, "returned": {}})
    moves = read_mapping(mapping(tmp_path, f"unit,{unit},{unit},市住房和城乡建设局"))
    found = plan(folder, moves, bundle=old)
    apply(folder, found, bundle=old)
    after = load_catalog(folder)
    assert after.units[unit].name == "市住房和城乡建设局"
    kept = json.loads((old / "history.json").read_text(encoding="utf-8"))
    assert kept["accepted"]["0101010101"] == {"市住房和城乡建设局": 3.0, "别处": 1.0}
    check_files(old)
    assert {c.file for c in found.changes} == {"units.csv", "history.json"}


def test_merged_units_add_up_and_nothing_points_to_the_old_one(folder: Path, tmp_path: Path) -> None:
    before = load_catalog(folder)
    used = sorted({f.unit for f in before.functions.values() if f.unit})
    parents = {u.parent for u in before.units.values()}
    first, second = [u for u in used if u not in parents][:2]
    names = before.units[first].name, before.units[second].name
    old = bundle(tmp_path, {"accepted": {"x": {names[0]: 2.0, names[1]: 5.0}}, "returned": {"x": {names[0]: 1.0}}})
    apply(folder, plan(folder, read_mapping(mapping(tmp_path, f"unit,{first},{second},")), bundle=old), bundle=old)
    after = load_catalog(folder)
    assert first not in after.units
    assert not [f for f in after.functions.values() if f.unit == first]
    kept = json.loads((old / "history.json").read_text(encoding="utf-8"))
    assert kept == {"accepted": {"x": {names[1]: 7.0}}, "returned": {"x": {names[1]: 1.0}}}


def test_a_merged_leaf_takes_duties_rules_examples_and_entries_along(folder: Path, tmp_path: Path) -> None:
    before = load_catalog(folder)
    scoped = next(r for r in before.rules if len(r.scope) > 1 and set(r.scope) <= set(before.leaves))
    gone, kept = scoped.scope[0], scoped.scope[1]
    parent = before.nodes[gone].parent
    if len(before.children(parent)) < 2:
        pytest.skip("the leaf is the only one of its parent")
    examples = tmp_path / "examples.csv"
    examples.write_text(f"text,code,lead\n路灯不亮,{gone},甲\n水管漏水,{kept},甲\n", encoding="utf-8")
    found = plan(folder, read_mapping(mapping(tmp_path, f"leaf,{gone},{kept},")), outside=[examples])
    untouched = examples.read_text(encoding="utf-8")
    assert gone in untouched, "a plan writes nothing"
    apply(folder, found)
    after = load_catalog(folder)
    assert gone not in after.leaves
    assert gone not in next(r for r in after.rules if r.rule == scoped.rule).scope
    with examples.open(encoding="utf-8", newline="") as file:
        assert [r["code"] for r in csv.DictReader(file)] == [kept, kept]


def test_what_would_not_be_a_catalogue_is_refused_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    files = {p: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(MigrationError, match="没有这个"):
        plan(folder, read_mapping(mapping(tmp_path, "unit,没有这个,112,")))
    leaf = load_catalog(folder).leaves[0]
    moves = read_mapping(mapping(tmp_path, f"leaf,{leaf},{leaf[:2]},"))
    with pytest.raises(MigrationError, match=r"duties\.csv"):
        plan(folder, moves)
    assert {p: p.read_bytes() for p in folder.iterdir()} == files


@pytest.mark.parametrize(("row", "expected"), [("单位,1,2,", "kind"), ("unit,,2,", "old"), ("unit,1,,", "new")])
def test_a_bad_mapping_names_row_and_column(tmp_path: Path, row: str, expected: str) -> None:
    with pytest.raises(MigrationError, match=f"第2行 {expected}"):
        read_mapping(mapping(tmp_path, row))


def test_the_command_shows_first_and_writes_only_with_yes(folder: Path, tmp_path: Path) -> None:
    unit = load_catalog(folder).functions["市城乡建设局"].unit
    table = mapping(tmp_path, f"unit,{unit},{unit},市住房和城乡建设局")
    shown = CliRunner().invoke(app, ["catalog", "migrate", str(folder), str(table)])
    assert shown.exit_code == 0
    assert "→ 市住房和城乡建设局" in shown.output
    assert "尚未写入" in shown.output
    assert load_catalog(folder).units[unit].name != "市住房和城乡建设局"
    assert CliRunner().invoke(app, ["catalog", "migrate", str(folder), str(table), "--yes"]).exit_code == 0
    assert load_catalog(folder).units[unit].name == "市住房和城乡建设局"
    again = CliRunner().invoke(app, ["catalog", "migrate", str(folder), str(table)])
    assert "没有要改的" in again.output
