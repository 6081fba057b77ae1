"""`yousu catalog check` and `show`: what they say of the shipped catalogue, of a fault, of a leaf."""

import csv
import json
import shutil
from pathlib import Path

from typer.testing import CliRunner

from models.catalog import load_catalog
from models.catalog_cli import app

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "catalog"


def test_the_command_says_that_the_shipped_catalogue_is_right() -> None:
    result = CliRunner().invoke(app, ["check", str(SHIPPED)])
    assert result.exit_code == 0
    assert "761" in result.output


def test_the_command_lists_faults_and_fails(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(SHIPPED, tmp_path / "catalog"))
    with (copy / "duties.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    rows[1][rows[0].index("function")] = "无此职能"
    with (copy / "duties.csv").open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(rows)
    result = CliRunner().invoke(app, ["check", str(copy), "--json"])
    assert result.exit_code == 1
    faults = json.loads(result.stdout)
    assert {"file": "duties.csv", "row": 2, "column": "function"}.items() <= faults[0].items()
    table = CliRunner().invoke(app, ["check", str(copy)])
    assert table.exit_code == 1
    assert "无此职能" in table.output


def test_the_command_shows_a_leaf_with_its_path_and_duties() -> None:
    catalog = load_catalog(SHIPPED)
    leaf = next(c for c in catalog.leaves if catalog.nodes[c].mode == "emergency")
    result = CliRunner().invoke(app, ["show", leaf, "--catalog", str(SHIPPED)])
    assert result.exit_code == 0
    assert " / ".join(n.name for n in catalog.path(leaf)) in result.output
    for duty in catalog.duties[leaf]:
        assert ("主办" if duty.role == "lead" else "协办") in result.output
        assert duty.function in result.output


def test_the_command_knows_an_unknown_code() -> None:
    result = CliRunner().invoke(app, ["show", "9999999999", "--catalog", str(SHIPPED)])
    assert result.exit_code == 1
