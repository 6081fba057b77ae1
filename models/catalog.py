"""The catalogue as frozen records: classification, dispatch directory, duties, rules, risks, places, seasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from models.catalog_check import check_tables
from models.catalog_tables import Fault, read_tables, split


class CatalogError(ValueError):
    """The catalogue has faults; `faults` lists them all."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"目录有 {len(faults)} 处错误,首处:{faults[0]}")
        self.faults = faults


@dataclass(frozen=True)
class Node:
    """A node of the classification."""

    code: str
    parent: str
    level: int
    name: str
    description: str
    keywords: tuple[str, ...]
    urgent: bool
    months: tuple[int, ...]
    mode: str
    handover: tuple[str, ...]
    handover_when: str


@dataclass(frozen=True)
class Unit:
    """A node of the dispatch catalogue (派单目录)."""

    code: str
    parent: str
    level: int
    name: str
    kind: str
    district: str
    street: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Function:
    """A function (职能) that duties name and that a place turns into a unit."""

    function: str
    resolve: str
    unit: str
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Duty:
    """A leaf has a lead or co-handler (职责目录)."""

    leaf: str
    role: str
    rank: int
    function: str
    clause: str


@dataclass(frozen=True)
class Branch:
    """An outcome of a rule."""

    rule: str
    branch: str
    cues: tuple[str, ...]
    not_cues: tuple[str, ...]
    lead: tuple[str, ...]
    co: tuple[str, ...]
    leaf: str
    answer: str


@dataclass(frozen=True)
class Rule:
    """An ambiguity rule."""

    rule: str
    topic: str
    scope: tuple[str, ...]
    question: str
    statement: str
    factor: str
    basis: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True)
class Risk:
    """A risk and what to do about it."""

    risk: str
    name: str
    severity: int
    ask_first: str
    handover: tuple[str, ...]
    advice: str
    do_not: str
    after: str


@dataclass(frozen=True)
class Place:
    """A place of the list."""

    name: str
    kind: str
    district: str
    street: str
    shared: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Season:
    """A season of trouble that can be prepared for (未诉先办)."""

    season: str
    months: tuple[int, ...]
    topic: str
    codes: tuple[str, ...]
    why: str
    watch: str
    action: str


@dataclass(frozen=True)
class Catalog:
    """All lists of a city, checked; build it with `load_catalog`."""

    version: str
    city: str
    level_names: tuple[str, ...]
    hash: str
    """sha256 over the names and contents of the files."""
    nodes: Mapping[str, Node]
    units: Mapping[str, Unit]
    functions: Mapping[str, Function]
    jurisdictions: Mapping[tuple[str, str], str]
    duties: Mapping[str, tuple[Duty, ...]]
    rules: tuple[Rule, ...]
    risks: Mapping[str, Risk]
    triggers: tuple[tuple[str, str, str], ...]
    places: tuple[Place, ...]
    seasons: tuple[Season, ...]

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """Codes of the deepest level, ascending."""
        return tuple(sorted(c for c, n in self.nodes.items() if n.level == len(self.level_names)))

    @cached_property
    def districts(self) -> tuple[str, ...]:
        """Names of the districts."""
        return tuple(p.name for p in self.places if p.kind == "district")

    def path(self, code: str) -> tuple[Node, ...]:
        """Return the nodes from level 1 to `code`; raises KeyError for an unknown code."""
        node = self.nodes[code]
        return (*self.path(node.parent), node) if node.parent else (node,)

    def children(self, code: str = "") -> tuple[Node, ...]:
        """Return the nodes right below `code`, by code; the first level for an empty code."""
        return self._children.get(code, ())

    @cached_property
    def _children(self) -> dict[str, tuple[Node, ...]]:
        below: dict[str, list[Node]] = {}
        for code in sorted(self.nodes):
            below.setdefault(self.nodes[code].parent, []).append(self.nodes[code])
        return {parent: tuple(nodes) for parent, nodes in below.items()}

    def unit_path(self, code: str) -> tuple[str, ...]:
        """Return the names of the unit's levels, the broadest first."""
        unit = self.units[code]
        return (*self.unit_path(unit.parent), unit.name) if unit.parent else (unit.name,)

    @cached_property
    def _street_units(self) -> dict[tuple[str, str], Unit]:
        return {(u.district, u.street): u for u in self.units.values() if u.kind == "street"}

    def function_unit(self, function: str, district: str | None, street: str | None) -> Unit | None:
        """Return the unit that performs `function` at a place; None when the place does not decide it."""
        entry = self.functions[function]
        if entry.resolve == "unit":
            return self.units[entry.unit]
        if entry.resolve == "district" and district:
            code = self.jurisdictions.get((function, district))
            return self.units[code] if code else None
        if entry.resolve == "street" and district and street:
            return self._street_units.get((district, street))
        return None


def load_catalog(folder: Path) -> Catalog:
    """Return the catalogue of `folder`; raises CatalogError with every fault, so nothing loads half."""
    tables, settings, digest, faults = read_tables(folder)
    if not faults:
        faults = check_tables(tables, settings)
    if faults:
        raise CatalogError(faults)
    rows = {name: [cells for _, cells in table.rows] for name, table in tables.items()}
    months = lambda cell: tuple(int(m) for m in split(cell))  # noqa: E731
    duties: dict[str, list[Duty]] = {}
    for r in rows["duties.csv"]:
        duties.setdefault(r["leaf"], []).append(Duty(r["leaf"], r["role"], int(r["rank"]), r["function"], r["clause"]))
    names = {a: f["function"] for f in rows["functions.csv"] for a in (f["function"], *split(f["aliases"]))}
    branches: dict[str, list[Branch]] = {}
    for r in rows["rule_branches.csv"]:
        lead, co = (tuple(names[f] for f in split(r[k])) for k in ("lead", "co"))
        branches.setdefault(r["rule"], []).append(
            Branch(r["rule"], r["branch"], split(r["cues"]), split(r["not_cues"]), lead, co, r["leaf"], r["answer"])
        )
    return Catalog(
        version=str(settings["version"]),
        city=str(settings["city"]),
        level_names=tuple(settings["level_names"]),  # type: ignore[arg-type]
        hash=digest,
        nodes={
            r["code"]: Node(
                r["code"], r["parent"], int(r["level"]), r["name"], r["description"], split(r["keywords"]),
                r["urgent"] == "yes", months(r["months"]), r["mode"] or "direct", split(r["handover"]),
                r["handover_when"],
            )
            for r in rows["classification.csv"]
        },
        units={
            r["code"]: Unit(
                r["code"], r["parent"], int(r["level"]), r["name"], r["kind"], r["district"], r["street"],
                split(r["aliases"]),
            )
            for r in rows["units.csv"]
        },
        functions={
            r["function"]: Function(r["function"], r["resolve"], r["unit"], split(r["aliases"]))
            for r in rows["functions.csv"]
        },
        jurisdictions={(r["function"], r["district"]): r["unit"] for r in rows["jurisdictions.csv"]},
        duties={k: tuple(sorted(v, key=lambda d: (d.role != "lead", d.rank))) for k, v in duties.items()},
        rules=tuple(
            Rule(
                r["rule"], r["topic"], split(r["scope"]), r["question"], r["statement"], r["factor"], r["basis"],
                tuple(branches.get(r["rule"], ())),
            )
            for r in rows["rules.csv"]
        ),
        risks={
            r["risk"]: Risk(
                r["risk"], r["name"], int(r["severity"]), r["ask_first"], split(r["handover"]), r["advice"],
                r["do_not"], r["after"],
            )
            for r in rows["risks.csv"]
        },
        triggers=tuple((r["risk"], r["kind"], r["pattern"]) for r in rows["risk_triggers.csv"]),
        places=tuple(
            Place(r["name"], r["kind"], r["district"], r["street"], r["shared"] == "yes", split(r["aliases"]))
            for r in rows["places.csv"]
        ),
        seasons=tuple(
            Season(
                r["season"], months(r["months"]), r["topic"], split(r["codes"]), r["why"], r["watch"], r["action"]
            )
            for r in rows["seasons.csv"]
        ),
    )  # fmt: skip
