"""Champion against challenger on the same tickets: where they would go, what is answered, what danger is missed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from kb.entry import read_entries
from models.catalog import Catalog, load_catalog
from models.locations import catalog_dir, data_dir
from tests.conftest import ROOT
from training.registry import gate
from training.replay import Ground, compare, same_answers

SHIPPED = ROOT / "models" / "bundle"


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(catalog_dir())


@pytest.fixture(scope="module")
def tickets(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written examples as a replay file, each with the unit that its leaf's duties name."""
    from models.places import PlaceFinder
    from models.router import Router

    router, places = Router(catalog), PlaceFinder(catalog.places)
    file = tmp_path_factory.mktemp("replay") / "replay.csv"
    with (data_dir() / "tickets" / "examples.csv").open(encoding="utf-8", newline="") as source:
        rows = [r for r in csv.DictReader(source) if r["code"] in set(catalog.leaves)][::300]
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("key", "text", "leaf", "names", "unit", "final_unit"))
        for i, r in enumerate(rows):
            names = " / ".join(n.name for n in catalog.path(r["code"]))
            leads = router.route([(r["code"], 1.0)], r["text"], places.locate(r["text"])).leads
            unit = leads[0].unit if leads else ""
            writer.writerow((f"T{i}", r["text"], r["code"], names, unit, unit))
    return file


def test_a_bundle_does_not_differ_from_itself(catalog: Catalog, tickets: Path, shared_home: Path) -> None:
    c = compare(SHIPPED, SHIPPED, tickets, shared_home / "training" / "embeddings", ground=Ground(catalog))
    assert c.difference == (0, 0, 0)
    assert c.dispatch is not None
    assert c.dispatch[0] > 0.5
    assert c.dispatch[0] == c.dispatch[1]
    assert c.same_answers
    assert gate(c) == []


def test_answers_are_counted_only_where_the_answering_part_differs(
    catalog: Catalog, tickets: Path, shared_home: Path, bundle_copy: Path
) -> None:
    from models.bundle import write_manifest

    file = bundle_copy / "answering.json"
    calibration = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**calibration, "threshold": 1.1}), encoding="utf-8")
    manifest = json.loads((bundle_copy / "manifest.json").read_text(encoding="utf-8"))
    write_manifest(bundle_copy, {k: v for k, v in manifest.items() if k not in {"files", "version"}})
    assert not same_answers(SHIPPED, bundle_copy)
    entries = [e for e in read_entries(data_dir() / "kb" / "entries.csv") if e.status == "published"][::5]
    asked = tickets.with_name("asked.csv")
    with asked.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(("key", "text", "leaf", "names", "unit", "final_unit"))
        leaf = catalog.leaves[0]
        names = " / ".join(n.name for n in catalog.path(leaf))
        for i, entry in enumerate(entries[::12]):
            writer.writerow((f"Q{i}", entry.question, leaf, names, "", ""))
    cache = shared_home / "training" / "embeddings"
    c = compare(SHIPPED, bundle_copy, asked, cache, ground=Ground(catalog, entries))
    assert c.answered is not None
    assert c.answered[0] > 0.5
    assert c.answered[1] == 0
    assert c.answer_difference is not None
    assert c.answer_difference[2] < 0
    assert c.dispatch is None


def test_a_bundle_whose_risk_net_lets_danger_pass_is_refused(
    catalog: Catalog, tickets: Path, shared_home: Path, bundle_copy: Path
) -> None:
    """Its manifest still holds the old record: the gate measures where the parts differ."""
    from models.bundle import write_manifest

    file = bundle_copy / "risk" / "margins.json"
    margins = json.loads(file.read_text(encoding="utf-8"))
    deaf = {**margins, "margins": dict.fromkeys(margins["margins"], 99.0), "against_rule": 99.0}
    file.write_text(json.dumps(deaf), encoding="utf-8")
    manifest = json.loads((bundle_copy / "manifest.json").read_text(encoding="utf-8"))
    write_manifest(bundle_copy, {k: v for k, v in manifest.items() if k not in {"files", "version"}})
    calls = bundle_copy.with_name("risk_check.csv")
    whole = (data_dir() / "tickets" / "risk_check.csv").read_text(encoding="utf-8").splitlines()
    calls.write_text("\n".join([whole[0], *whole[1::8]]), encoding="utf-8")
    cache = shared_home / "training" / "embeddings"
    c = compare(SHIPPED, bundle_copy, tickets, cache, ground=Ground(catalog, (), calls))
    before, after = c.risk_recall
    assert before is not None
    assert after is not None
    assert after < before
    assert any("风险识别率" in reason for reason in gate(c))
    assert any("风险识别率" in reason for reason in gate(replace(c, comparable=False), new_taxonomy=True))
    unmeasured = compare(SHIPPED, bundle_copy, tickets, cache, ground=Ground(catalog))
    assert any("说不清" in reason for reason in gate(unmeasured))
