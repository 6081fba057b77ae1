"""Which bundle a version names: its own folder, an unambiguous beginning, never one that is still being packed."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.shelf import versions
from training.errors import TrainError
from training.registry import folder_of


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    for name in ("20261124-1", "20261124-10", "20261125-1", "incoming", ".old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(f'{{"version": "{name}"}}', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("version", "name"), [("20261124-1", "20261124-1"), ("20261124-10", "20261124-10"), ("20261125", "20261125-1")]
)
def test_a_version_names_its_folder_also_by_an_unambiguous_beginning(bundles: Path, version: str, name: str) -> None:
    assert folder_of(bundles, version, bundles / "shipped").name == name


@pytest.mark.parametrize("version", ["incoming", "inc", ".old", "20261124", "../bundles", "*", ""])
def test_what_is_being_packed_or_names_several_is_refused(bundles: Path, version: str) -> None:
    with pytest.raises(TrainError, match="现有:20261124-1、20261124-10、20261125-1"):
        folder_of(bundles, version, bundles / "shipped")


def test_what_is_being_packed_is_not_listed(bundles: Path) -> None:
    assert [m["version"] for m in versions(bundles)] == ["20261124-1", "20261124-10", "20261125-1"]
