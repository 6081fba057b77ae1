"""The catalogue: the shipped one is clean, and every fault is told with file, row and column."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.catalog import Catalog, CatalogError, load_catalog
from models.catalog_check import check_catalog
from models.catalog_tables import COLUMNS, Fault

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "catalog"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(SHIPPED)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))


def read(folder: Path, file: str) -> list[list[str]]:
    with (folder / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def write(folder: Path, file: str, rows: list[list[str]]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def set_cell(folder: Path, file: str, column: str, value: str, where: Callable[[dict[str, str]], bool]) -> int:
    """Change `column` of the first row that `where` accepts; return its line number."""
    header, *rows = read(folder, file)
    for line, cells in enumerate(rows, 2):
        if where(dict(zip(header, cells, strict=True))):
            cells[header.index(column)] = value
            write(folder, file, [header, *rows])
            return line
    raise AssertionError(f"{file}: no row to change")


def append(folder: Path, file: str, **values: str) -> int:
    """Add a row with `values`; return its line number."""
    header, *rows = read(folder, file)
    write(folder, file, [header, *rows, [values.get(c, "") for c in header]])
    return len(rows) + 2


def places_of(faults: list[Fault]) -> set[tuple[str, int, str]]:
    return {(f.file, f.row, f.column) for f in faults}


# -- the shipped catalogue ---------------------------------------------------------------------------------


def test_the_shipped_catalogue_has_no_fault() -> None:
    assert [str(f) for f in check_catalog(SHIPPED)] == []


def test_the_shipped_classification_has_five_levels_of_known_size(catalog: Catalog) -> None:
    sizes = Counter(node.level for node in catalog.nodes.values())
    assert sizes == {1: 17, 2: 76, 3: 117, 4: 221, 5: 761}
    assert list(catalog.leaves) == sorted(c for c, n in catalog.nodes.items() if n.level == 5)


def test_every_leaf_says_who_leads_and_the_lead_stands_first(catalog: Catalog) -> None:
    for leaf in catalog.leaves:
        assert catalog.duties[leaf][0].role == "lead", leaf


def test_every_district_function_names_a_unit_in_every_district(catalog: Catalog) -> None:
    for function in catalog.functions.values():
        if function.resolve == "district":
            for district in catalog.districts:
                unit = catalog.function_unit(function.function, district, None)
                assert unit is not None, (function.function, district)
                assert unit.district == district


def test_a_street_function_needs_the_street_and_its_district(catalog: Catalog) -> None:
    function = next(f.function for f in catalog.functions.values() if f.resolve == "street")
    units = [u for u in catalog.units.values() if u.kind == "street"]
    names = Counter(u.street for u in units)
    assert max(names.values()) > 1, "homonymous streets keep this test honest"
    for unit in units:
        assert catalog.function_unit(function, unit.district, unit.street) == unit
        assert catalog.function_unit(function, None, unit.street) is None
        assert catalog.function_unit(function, unit.district, None) is None


def test_a_path_runs_from_the_first_level_to_the_leaf(catalog: Catalog) -> None:
    for leaf in catalog.leaves:
        path = catalog.path(leaf)
        assert [n.level for n in path] == [1, 2, 3, 4, 5]
        for above, below in pairwise(path):
            assert below in catalog.children(above.code)


def test_every_emergency_leaf_names_a_line(catalog: Catalog) -> None:
    emergencies = [n for n in catalog.nodes.values() if n.mode == "emergency"]
    assert emergencies
    assert all(n.handover for n in emergencies)


def test_a_functions_alias_never_hides_another_function(catalog: Catalog) -> None:
    said = Counter(n for f in catalog.functions.values() for n in {f.function, *f.aliases})
    assert [name for name, count in said.items() if count > 1] == []


def test_the_hash_changes_with_any_file(copy: Path, catalog: Catalog) -> None:
    assert load_catalog(copy).hash == catalog.hash
    set_cell(copy, "seasons.csv", "topic", "换个说法", lambda r: True)
    assert load_catalog(copy).hash != catalog.hash


# -- every fault is told with file, row and column ---------------------------------------------------------


def first(**wanted: str) -> Callable[[dict[str, str]], bool]:
    return lambda r: all(r[k] == v for k, v in wanted.items())


CELL_FAULTS = {
    "a parent that does not exist": ("classification.csv", "parent", "99999999", first(level="5")),
    "a level jump": ("classification.csv", "parent", "01", first(level="4")),
    "a parent above the first level": ("classification.csv", "parent", "02", first(level="1")),
    "a level outside the list": ("classification.csv", "level", "9", first(level="5")),
    "a level that is a superscript": ("classification.csv", "level", "²", first(level="2")),
    "an empty name": ("classification.csv", "name", "", first(level="3")),
    "white space around a name": ("classification.csv", "name", " 供热 ", first(level="2")),
    "a formula in a name": ("classification.csv", "name", "=1+1", first(level="5")),
    "a formula by an at sign": ("classification.csv", "description", "@SUM(A1)", first(level="5")),
    "an unknown mode": ("classification.csv", "mode", "maybe", first(level="5")),
    "a leaf without a mode": ("classification.csv", "mode", "", first(level="5")),
    "an emergency without a line": ("classification.csv", "handover", "", first(mode="emergency")),
    "an unknown line": ("classification.csv", "handover", "999", first(mode="emergency")),
    "an urgency that is neither yes nor no": ("classification.csv", "urgent", "perhaps", first(level="5")),
    "a thirteenth month": ("classification.csv", "months", "12;13", first(level="5")),
    "a month in words": ("classification.csv", "months", "三月", first(level="5")),
    "a unit under no unit": ("units.csv", "parent", "9", first(level="2")),
    "a unit without a name": ("units.csv", "name", "", first(level="3")),
    "a unit in no district": ("units.csv", "district", "无此区", first(kind="street")),
    "an unknown kind of unit": ("units.csv", "kind", "club", first(level="3")),
    "a way to resolve that is unknown": ("functions.csv", "resolve", "guess", first(resolve="party")),
    "a function of an unknown unit": ("functions.csv", "unit", "99999", first(resolve="unit")),
    "a jurisdiction of an unknown unit": ("jurisdictions.csv", "unit", "99999", lambda r: True),
    "a jurisdiction of an unknown function": ("jurisdictions.csv", "function", "无此职能", lambda r: True),
    "a jurisdiction in an unknown district": ("jurisdictions.csv", "district", "无此区", lambda r: True),
    "a duty of an unknown leaf": ("duties.csv", "leaf", "9999999999", lambda r: True),
    "a duty of an unknown function": ("duties.csv", "function", "无此职能", lambda r: True),
    "an unknown role": ("duties.csv", "role", "boss", first(role="co")),
    "a rank of zero": ("duties.csv", "rank", "0", lambda r: True),
    "an unknown kind of place": ("places.csv", "kind", "planet", first(kind="road")),
    "a place in an unknown district": ("places.csv", "district", "无此区", first(kind="road", shared="no")),
    "a community in an unknown street": ("places.csv", "street", "无此街道", first(kind="community")),
    "a shared mark that is neither yes nor no": ("places.csv", "shared", "some", first(kind="road", shared="no")),
    "a place without a name": ("places.csv", "name", "", first(kind="road", shared="no")),
    "a homonym that is not marked": ("places.csv", "shared", "no", first(shared="yes")),
    "a season of an unknown code": ("seasons.csv", "codes", "9999", lambda r: True),
    "a season in no month": ("seasons.csv", "months", "0", lambda r: True),
    "a severity of nine": ("risks.csv", "severity", "9", lambda r: True),
    "a risk with an unknown line": ("risks.csv", "handover", "999", lambda r: True),
    "a trigger of an unknown risk": ("risk_triggers.csv", "risk", "none", lambda r: True),
    "an unknown kind of trigger": ("risk_triggers.csv", "kind", "hunch", lambda r: True),
    "a broken regular expression": ("risk_triggers.csv", "pattern", "(?:着火", lambda r: True),
}


@pytest.mark.parametrize("name", CELL_FAULTS)
def test_a_bad_cell_is_told_with_its_place(copy: Path, name: str) -> None:
    file, column, value, where = CELL_FAULTS[name]
    line = set_cell(copy, file, column, value, where)
    faults = check_catalog(copy)
    told = {"places.csv": {column, "district"}}.get(file, {column})
    assert places_of(faults) & {(file, line, c) for c in told}, [str(f) for f in faults]
    assert all(f.expected and f.found for f in faults)
    with pytest.raises(CatalogError) as error:
        load_catalog(copy)
    assert error.value.faults == faults


BRANCH = {"rule": "none", "branch": "a"}
RULE = {"rule": "TEST1", "topic": "试", "question": "在哪里?", "statement": "看地点"}
BAD_ROWS = {
    "a rule over an unknown code": ("rules.csv", RULE | {"scope": "9999"}, "scope"),
    "a rule without a question": ("rules.csv", RULE | {"question": ""}, "question"),
    "a rule without a branch": ("rules.csv", RULE, "rule"),
    "a branch of an unknown rule": ("rule_branches.csv", BRANCH, "rule"),
    "a branch to an unknown function": ("rule_branches.csv", BRANCH | {"lead": "无此职能"}, "lead"),
    "a branch with an unknown helper": ("rule_branches.csv", BRANCH | {"co": "无此职能"}, "co"),
    "a branch to an unknown leaf": ("rule_branches.csv", BRANCH | {"leaf": "99"}, "leaf"),
    "a function nobody performs": ("functions.csv", {"function": "新职能", "resolve": "district"}, "function"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_told_with_its_place(copy: Path, name: str) -> None:
    file, values, column = BAD_ROWS[name]
    line = append(copy, file, **values)
    assert (file, line, column) in places_of(check_catalog(copy))


@pytest.mark.parametrize(
    ("file", "column"),
    [
        ("classification.csv", "code"),
        ("units.csv", "code"),
        ("functions.csv", "function"),
        ("jurisdictions.csv", "function+district"),
        ("duties.csv", "leaf+role+function"),
        ("risks.csv", "risk"),
        ("seasons.csv", "season"),
    ],
)
def test_a_row_given_twice_is_told(copy: Path, file: str, column: str) -> None:
    rows = read(copy, file)
    write(copy, file, [*rows, rows[1]])
    fault = next(f for f in check_catalog(copy) if (f.row, f.column) == (len(rows) + 1, column))
    assert "第2行" in fault.found


def test_a_leaf_that_nobody_leads_is_told(copy: Path, catalog: Catalog) -> None:
    leaf = catalog.leaves[100]
    header, *rows = read(copy, "duties.csv")
    write(copy, "duties.csv", [header, *[r for r in rows if r[:2] != [leaf, "lead"]]])
    line = next(i for i, r in enumerate(read(copy, "classification.csv"), 1) if r[0] == leaf)
    assert places_of(check_catalog(copy)) == {("classification.csv", line, "code")}


def test_a_branch_of_the_tree_that_ends_early_is_told(copy: Path) -> None:
    line = append(copy, "classification.csv", code="0199", parent="01", level="2", name="空", urgent="no")
    assert ("classification.csv", line, "code") in places_of(check_catalog(copy))


def test_two_siblings_of_one_name_are_told(copy: Path) -> None:
    rows = read(copy, "classification.csv")
    leaves = [r for r in rows if len(r[0]) == 10]
    line = set_cell(copy, "classification.csv", "name", leaves[0][3], first(code=leaves[1][0]))
    assert ("classification.csv", line, "name") in places_of(check_catalog(copy))


def test_a_name_above_the_leaves_that_stands_under_two_parents_is_told(copy: Path) -> None:
    nodes = [r for r in read(copy, "classification.csv") if len(r[0]) == 8]
    other = next(r for r in nodes if r[1] != nodes[0][1])
    line = set_cell(copy, "classification.csv", "name", nodes[0][3], first(code=other[0]))
    assert ("classification.csv", line, "name") in places_of(check_catalog(copy))


def test_an_alias_of_two_functions_is_told(copy: Path) -> None:
    taken = read(copy, "functions.csv")[1][0]
    line = set_cell(copy, "functions.csv", "aliases", taken, lambda r: r["function"] != taken)
    assert ("functions.csv", line, "aliases") in places_of(check_catalog(copy))


def test_a_district_left_out_of_a_jurisdiction_is_told(copy: Path) -> None:
    header, gone, *rows = read(copy, "jurisdictions.csv")
    write(copy, "jurisdictions.csv", [header, *rows])
    functions = [r[0] for r in read(copy, "functions.csv")]
    fault = next(iter(check_catalog(copy)))
    assert (fault.file, fault.row, fault.column) == ("functions.csv", functions.index(gone[0]) + 1, "function")
    assert gone[1] in fault.expected


@pytest.mark.parametrize("file", ["catalog.toml", *COLUMNS])
def test_a_missing_file_is_told(copy: Path, file: str) -> None:
    (copy / file).unlink()
    assert places_of(check_catalog(copy)) == {(file, 0, "文件")}


@pytest.mark.parametrize("file", COLUMNS)
def test_a_missing_column_is_told(copy: Path, file: str) -> None:
    write(copy, file, [row[:-1] for row in read(copy, file)])
    assert (file, 1, "source") in places_of(check_catalog(copy))


def test_bytes_that_are_not_utf8_are_told_with_their_offset(copy: Path) -> None:
    path = copy / "places.csv"
    content = path.read_bytes()
    offset = content.index(b"\n") + 1
    path.write_bytes(content[:offset] + b"\xff" + content[offset:])
    (fault,) = check_catalog(copy)
    assert (fault.file, fault.row, fault.column) == ("places.csv", 2, "编码")
    assert str(offset) in fault.found


def test_a_row_with_a_cell_too_many_is_told(copy: Path) -> None:
    rows = read(copy, "places.csv")
    rows[4].append("多出的一格")
    write(copy, "places.csv", rows)
    assert ("places.csv", 5, "列数") in places_of(check_catalog(copy))


def test_an_endless_quoted_cell_is_told(copy: Path) -> None:
    with (copy / "places.csv").open("a", encoding="utf-8") as stream:
        stream.write('"' + "长" * 200_000)
    assert "places.csv" in {f.file for f in check_catalog(copy)}


def test_settings_that_are_not_toml_are_told(copy: Path) -> None:
    (copy / "catalog.toml").write_text("version = ", encoding="utf-8")
    assert {f.file for f in check_catalog(copy)} == {"catalog.toml"}


def test_faults_in_several_files_are_told_together(copy: Path) -> None:
    one = set_cell(copy, "units.csv", "name", "", first(level="3"))
    two = set_cell(copy, "seasons.csv", "codes", "9999", lambda r: True)
    assert {("units.csv", one, "name"), ("seasons.csv", two, "codes")} <= places_of(check_catalog(copy))


def test_a_taxonomy_of_three_levels_with_words_for_codes_loads(copy: Path) -> None:
    header = read(copy, "classification.csv")[0]
    tree = [("道路", "", 1), ("路面", "道路", 2), ("坑洼", "路面", 3), ("塌陷", "路面", 3)]
    rows = [
        [
            {"code": code, "parent": parent, "level": str(level), "name": code, "urgent": "no"}.get(
                column, "direct" if column == "mode" and level == 3 else ""
            )
            for column in header
        ]
        for code, parent, level in tree
    ]
    write(copy, "classification.csv", [header, *rows])
    duties = read(copy, "duties.csv")
    write(copy, "duties.csv", [duties[0], *[[leaf, *duties[1][1:]] for leaf in ("坑洼", "塌陷")]])
    for file in ("rules.csv", "rule_branches.csv", "seasons.csv"):
        write(copy, file, read(copy, file)[:1])
    settings_text = 'version = "1"\ncity = "另一城"\nlevel_names = ["大类", "中类", "小类"]\n'
    (copy / "catalog.toml").write_text(settings_text, encoding="utf-8")
    other = load_catalog(copy)
    assert set(other.leaves) == {"坑洼", "塌陷"}
    assert [n.name for n in other.path("坑洼")] == ["道路", "路面", "坑洼"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), value=st.text(max_size=20) | st.sampled_from(["²", "٣", "-1", "(((", ";;", "\x00", '"', "\r"]))
def test_a_random_cell_never_crashes_the_check(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: str
) -> None:
    folder = Path(shutil.copytree(SHIPPED, tmp_path_factory.mktemp("random") / "catalog"))
    file = data.draw(st.sampled_from(sorted(COLUMNS)))
    rows = read(folder, file)
    line = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.integers(0, len(rows[line]) - 1))
    rows[line][column] = value
    try:
        write(folder, file, rows)
    except UnicodeEncodeError:
        return
    faults = check_catalog(folder)
    if faults:
        with pytest.raises(CatalogError):
            load_catalog(folder)
    else:
        load_catalog(folder)
    shutil.rmtree(folder)
