"""The bundle: a damaged or mismatched one is refused with its file or version named."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from models.bundle import BundleError, check_files, load_bundle
from models.catalog import load_catalog
from models.locations import bundle_dir, catalog_dir


def test_the_shipped_bundle_fits_the_shipped_catalogue() -> None:
    bundle = load_bundle(bundle_dir(), load_catalog(catalog_dir()))
    assert bundle.manifest["examples"]["what"].startswith("written examples")
    assert bundle.manifest["metrics"]["category"]["held_out_author"]["rows"] > 0


def test_a_changed_file_is_refused_by_name(bundle_copy: Path) -> None:
    with (bundle_copy / "category" / "vocabulary.txt").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(BundleError, match=r"vocabulary\.txt"):
        check_files(bundle_copy)


def test_a_missing_file_is_refused_by_name(bundle_copy: Path) -> None:
    (bundle_copy / "encoder" / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"encoder\.onnx"):
        check_files(bundle_copy)


def test_a_broken_manifest_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(BundleError, match="JSON"):
        check_files(bundle_copy)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="清单缺失"):
        check_files(tmp_path)


def test_another_catalogue_version_is_refused(bundle_copy: Path) -> None:
    other = replace(load_catalog(catalog_dir()), version="1999.1")
    with pytest.raises(BundleError, match=r"1999\.1"):
        load_bundle(bundle_copy, other)


def test_no_file_of_the_bundle_is_a_pickle() -> None:
    manifest = json.loads((bundle_dir() / "manifest.json").read_text(encoding="utf-8"))
    assert {Path(name).suffix for name in manifest["files"]} <= {".json", ".safetensors", ".txt", ".onnx"}
