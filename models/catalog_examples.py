"""Lead and co-handlers of written examples: filled in from duties, rules and place, and checked so none goes stale."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from models.catalog import Catalog
from models.catalog_tables import Fault
from models.places import PlaceFinder
from models.router import Router
from models.text import normalise

COLUMNS = ("lead", "co")


def handlers(catalog: Catalog, router: Router, finder: PlaceFinder, row: dict[str, str]) -> tuple[str, str]:
    """Return the (lead, co) cells of a row with `text`, `code` and perhaps `district`; empty without a code.

    Units are joined by `;`, leads in the order of the duty list. Where the place does not decide the unit, the
    function stands.
    """
    if not row["code"]:
        return "", ""
    text = normalise(row["text"])
    place = finder.locate(text)
    if row.get("district") and not place.district:
        place = replace(place, district=row["district"], candidates=())
    plan = router.route([(row["code"], 1.0)], text, place)
    return ";".join(t.unit for t in plan.leads), ";".join(t.unit for t in plan.co)


def check_examples(path: Path, catalog: Catalog) -> list[Fault]:
    """Return the rows whose lead or co-handlers are not what the catalogue gives now."""
    faults = []
    for line, row, wanted in _read(path, catalog):
        for column, value in zip(COLUMNS, wanted, strict=True):
            if row.get(column) != value:
                found = "缺少此列" if row.get(column) is None else row[column]
                faults.append(Fault(path.name, line, column, value or "空", found or "空"))
    return faults


def fill_examples(path: Path, catalog: Catalog) -> int:
    """Write lead and co-handlers of every row; return how many rows changed. The other columns stay as they are."""
    rows, changed = [], 0
    for _, row, wanted in _read(path, catalog):
        filled = {**row, **dict(zip(COLUMNS, wanted, strict=True))}
        changed += filled != row
        rows.append(filled)
    if changed:
        temporary = path.with_name(f".{path.name}.tmp")
        with temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        os.replace(temporary, path)
    return changed


def _read(path: Path, catalog: Catalog) -> Iterator[tuple[int, dict[str, str], tuple[str, str]]]:
    """Yield (line, row, wanted cells); raises ValueError for a code outside the catalogue."""
    router, finder = Router(catalog), PlaceFinder(catalog.places)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for column in ("text", "code"):
            if column not in (reader.fieldnames or ()):
                raise ValueError(f"{path}: 缺少列 {column}")
        for row in reader:
            if row["code"] and row["code"] not in catalog.duties:
                raise ValueError(f"{path} 第{reader.line_num}行 code: 应为目录里的末级代码,实为 {row['code']}")
            yield reader.line_num, row, handlers(catalog, router, finder, row)
