"""A new city: its folder is made whole or not at all; the walk of docs/new-city.zh.md ends with a promoted bundle."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kb.entry import COLUMNS as ENTRY_COLUMNS
from models.catalog_check import check_catalog
from models.catalog_tables import COLUMNS, PROVENANCE
from models.locations import current_version
from tests.conftest import ROOT
from training.mapping import load_mapping

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell(tmp_path: Path) -> Run:
    """A command line in an empty folder, with no setting but those it is given."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("YOUSU_")} | {"PYTHONPATH": str(ROOT)}

    def run(line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "yousu", *shlex.split(line)[1:]]
        return subprocess.run(
            words, cwd=tmp_path, env={**environment, **variables}, capture_output=True, text=True, timeout=900
        )

    return run


def walk() -> list[str]:
    """The commands that the document tells a newcomer to type."""
    text = (ROOT / "docs" / "new-city.zh.md").read_text(encoding="utf-8")
    block = re.search(r"## 走一遍.*?```sh\n(.*?)```", text, re.S)
    assert block
    return block[1].splitlines()


def test_the_walk_of_the_document_leads_to_a_promoted_bundle(shell: Run, tmp_path: Path) -> None:
    variables: dict[str, str] = {}
    said = ""
    for line in walk():
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").partition("=")
            variables[name] = value.replace("$PWD", str(tmp_path))
            continue
        if " 版本 " in line:
            version = re.search(r"^  ([0-9a-f]{12}) ", said, re.M)
            assert version, said
            line = line.replace(" 版本 ", f" {version[1][:6]} ")
        done = shell(line, **variables)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        said = done.stdout
    bundles = tmp_path / "样板" / "home" / "bundles"
    assert current_version(bundles)
    assert "室温不达标" in said
    assert "市热力公司" in said


def test_an_empty_city_has_every_file_with_its_columns_and_says_what_is_missing(shell: Run, tmp_path: Path) -> None:
    assert shell("yousu init 新城 --city 新城市").returncode == 0
    data = tmp_path / "新城" / "data"
    for name, columns in COLUMNS.items():
        with (data / "catalog" / name).open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [[*columns, *PROVENANCE]], name
    assert (data / "kb" / "entries.csv").read_text(encoding="utf-8") == ",".join(ENTRY_COLUMNS) + "\n"
    assert [(f.file, f.expected) for f in check_catalog(data / "catalog")] == [("classification.csv", "至少一个分类")]
    done = shell("yousu catalog check 新城/data/catalog")
    assert (done.returncode, "只有列名" in done.stdout) == (1, True)


def test_the_explanations_name_every_file_and_column() -> None:
    text = (ROOT / "data" / "sample" / "README.md").read_text(encoding="utf-8")
    for name, columns in COLUMNS.items():
        (line,) = [part for part in text.splitlines() if part.startswith(f"| `{name}` ")]
        assert [c for c in columns if f"`{c}`" not in line] == [], name


def test_the_made_up_city_has_no_fault_and_its_mapping_examples_can_be_read() -> None:
    sample = ROOT / "data" / "sample"
    assert check_catalog(sample / "catalog") == []
    targets = {file.stem: load_mapping(file).target for file in sorted((sample / "mapping").glob("*.toml"))}
    assert targets == {"code": "category", "levels": "category", "unit": "unit"}


@pytest.mark.parametrize(("city", "there"), [("新城市", True), (" ", False)])
def test_a_folder_with_something_in_it_or_a_city_without_a_name_is_refused(
    shell: Run, tmp_path: Path, city: str, there: bool
) -> None:
    if there:
        (tmp_path / "新城").mkdir()
        (tmp_path / "新城" / "要紧.txt").write_text("别动", encoding="utf-8")
    before = sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*"))
    done = shell(f"yousu init 新城 --city '{city}'")
    assert (done.returncode, "应为" in done.stderr) == (1, True)
    assert sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*")) == before
