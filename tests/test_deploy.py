"""What is shipped beside the program: the bill of materials names all of it, the wheelhouse lists what it holds."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from deploy.sbom import bill, normal
from deploy.wheelhouse import CONSTRAINTS, listed
from tests.conftest import ROOT


def dependencies() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {normal(re.split(r"[\[<>=~!;\s]", d, maxsplit=1)[0]) for d in project["dependencies"]}


def test_the_bill_of_materials_is_valid_cyclonedx_and_names_every_dependency_and_the_encoder(tmp_path: Path) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    out = tmp_path / "sbom.json"
    subprocess.run([sys.executable, "deploy/sbom.py", str(out)], cwd=ROOT, check=True, capture_output=True)
    text = out.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    made = json.loads(text)
    names = {c["name"] for c in made["components"] if c["type"] == "library"}
    assert dependencies() <= names
    assert "starlette" in names, "what dependencies need is part of the bill"
    assert not {"pytest", "torch", "ruff"} & names
    (model,) = [c for c in made["components"] if c["type"] == "machine-learning-model"]
    encoder = (ROOT / "models" / "bundle" / "encoder" / "encoder.onnx").read_bytes()
    assert model["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(encoder).hexdigest()}]
    assert str(ROOT) not in text


def test_the_same_installation_gives_the_same_bill() -> None:
    assert bill() == bill()


def test_the_list_of_a_wheelhouse_pins_every_wheel_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "b_two-2.0-py3-none-any.whl").write_bytes(b"two")
    (tmp_path / "A.one-1.5-cp311-cp311-linux_x86_64.whl").write_bytes(b"one")
    digest = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("one", "two")}
    assert listed(tmp_path) == (f"a-one==1.5 --hash=sha256:{digest['one']}\nb-two==2.0 --hash=sha256:{digest['two']}\n")


def test_a_wheelhouse_with_a_project_in_two_versions_is_refused(tmp_path: Path) -> None:
    for version in ("1.0", "1.1"):
        (tmp_path / f"one-{version}-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(ValueError, match="one is there twice"):
        listed(tmp_path)


def test_the_pinned_versions_cover_every_dependency() -> None:
    pinned = {line.split("==")[0] for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if "==" in line}
    assert dependencies() <= pinned
