"""Lead and co-handlers of examples follow the catalogue, and a copy that no longer does is found."""

import csv
from pathlib import Path

from typer.testing import CliRunner

from models.catalog import load_catalog
from models.catalog_examples import check_examples
from models.locations import catalog_dir
from tests.conftest import ROOT
from training.tickets import read_examples
from yousu import app

EXAMPLES = ROOT / "data/tickets/examples.csv"


def test_filling_and_checking_agree_and_a_stale_copy_is_named(tmp_path: Path) -> None:
    path = tmp_path / "examples.csv"
    path.write_text(
        "text,code,request_type,district,author,split\n"
        "城西区路边大排档占道经营没人管,0301010101,投诉,,A,train\n"
        "大排档占道,0301010101,投诉,城东区,A,train\n"
        "谢谢你们,,表扬,,A,train\n",
        encoding="utf-8",
    )
    assert CliRunner().invoke(app, ["catalog", "examples", str(path)]).exit_code == 1
    filled = CliRunner().invoke(app, ["catalog", "examples", str(path), "--fill"])
    assert "改写了 3 行" in filled.output
    assert CliRunner().invoke(app, ["catalog", "examples", str(path)]).exit_code == 0
    rows = read_examples(path, load_catalog(catalog_dir()).leaves)
    assert rows[0].lead != rows[1].lead, "the district decides the unit"
    assert rows[0].lead[0].startswith("城西区")
    assert rows[2].lead == ()
    stale = path.read_text(encoding="utf-8").replace(rows[0].lead[0], "别的单位", 1)
    path.write_text(stale, encoding="utf-8")
    found = check_examples(path, load_catalog(catalog_dir()))
    assert [(f.row, f.column, f.expected) for f in found] == [(2, "lead", ";".join(rows[0].lead))]


def test_the_shipped_examples_are_what_the_catalogue_gives_now() -> None:
    with EXAMPLES.open(encoding="utf-8-sig", newline="") as file:
        columns = csv.DictReader(file).fieldnames or ()
    if "lead" in columns:
        assert check_examples(EXAMPLES, load_catalog(catalog_dir())) == []
    else:
        assert "co" not in columns, "both columns or none"
