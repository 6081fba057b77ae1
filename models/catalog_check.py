"""Checking a catalogue: every fault with file, row, column, what was expected and what was found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from models.catalog_tables import MODES, RESOLUTIONS, TRIGGER_KINDS, Fault, Table, read_tables, split
from models.places import KINDS

UNIT_KINDS = (
    "channel", "department", "enterprise", "vertical", "line", "county", "county_department", "street", "park",
    "office",
)  # fmt: skip


def check_catalog(folder: Path) -> list[Fault]:
    """Return every fault of the catalogue in `folder`; an empty list when it can be loaded."""
    tables, settings, _, faults = read_tables(folder)
    return faults or check_tables(tables, settings)


def check_tables(tables: Mapping[str, Table], settings: Mapping[str, object]) -> list[Fault]:
    """Return the faults of content of tables whose form is right."""
    check = _Check(tables, settings)
    for step in (
        check.cells, check.classification, check.units, check.functions, check.duties, check.rules, check.risks,
        check.places, check.seasons,
    ):  # fmt: skip
        step()
    return sorted(check.faults, key=lambda f: (f.file, f.row))


class _Check:
    def __init__(self, tables: Mapping[str, Table], settings: Mapping[str, object]) -> None:
        self.tables = tables
        self.faults: list[Fault] = []
        levels = settings.get("level_names")
        self.depth = len(levels) if isinstance(levels, list) else 0
        if not self.depth:
            self.fault("catalog.toml", 0, "level_names", "各级名称的列表", repr(levels))
        rows = {name: [c for _, c in t.rows] for name, t in tables.items()}
        self.node_level = {r["code"]: r["level"] for r in rows["classification.csv"]}
        self.leaves = {c for c, level in self.node_level.items() if level == str(self.depth)}
        self.unit_level = {r["code"]: r["level"] for r in rows["units.csv"]}
        self.function_names = {r["function"] for r in rows["functions.csv"]}
        self.aliases = {a for r in rows["functions.csv"] for a in split(r["aliases"])}
        self.districts = {r["name"] for r in rows["places.csv"] if r["kind"] == "district"}
        self.lines = {a for r in rows["units.csv"] if r["kind"] == "line" for a in (r["name"], *split(r["aliases"]))}
        self.unit_names = {r["name"] for r in rows["units.csv"]}
        self.rule_names = {r["rule"] for r in rows["rules.csv"]}
        self.risk_names = {r["risk"] for r in rows["risks.csv"]}

    def fault(self, file: str, row: int, column: str, expected: str, found: str) -> None:
        self.faults.append(Fault(file, row, column, expected, found or "空"))

    def one_of(self, file: str, row: int, column: str, found: str, allowed: object) -> None:
        if found not in allowed:  # type: ignore[operator]
            expected = "、".join(allowed) if isinstance(allowed, tuple) else "目录中已有的值"
            self.fault(file, row, column, expected, found)

    def unique(self, file: str, *columns: str) -> None:
        seen: dict[tuple[str, ...], int] = {}
        for row, cells in self.tables[file].rows:
            key = tuple(cells[c] for c in columns)
            if key in seen:
                self.fault(file, row, "+".join(columns), "不重复", f"{'+'.join(key)}(与第{seen[key]}行重复)")
            seen.setdefault(key, row)

    def cells(self) -> None:
        """Stray white space and cells a spreadsheet would run as a formula."""
        for file, table in self.tables.items():
            for row, cells in table.rows:
                for column, value in cells.items():
                    if value != value.strip():
                        self.fault(file, row, column, "首尾无空白", repr(value))
                    if value[:1] in "=+-@" and value and column != "pattern":
                        self.fault(file, row, column, "不以 = + - @ 开头", value[:20])

    def classification(self) -> None:
        file = "classification.csv"
        self.unique(file, "code")
        if not self.tables[file].rows:
            self.fault(file, 0, "行", "至少一个分类", "只有列名")
        siblings: dict[tuple[str, str], int] = {}
        parents_of_name: dict[tuple[str, str], set[str]] = defaultdict(set)
        children = {r["parent"] for _, r in self.tables[file].rows}
        for row, r in self.tables[file].rows:
            level = int(r["level"]) if r["level"].isdecimal() else 0
            if not 1 <= level <= self.depth:
                self.fault(file, row, "level", f"1-{self.depth}", r["level"])
            if not r["name"]:
                self.fault(file, row, "name", "有名称", "")
            if level > 1 and self.node_level.get(r["parent"]) != str(level - 1):
                self.fault(file, row, "parent", f"第{level - 1}级的代码", r["parent"])
            if level == 1 and r["parent"]:
                self.fault(file, row, "parent", "空", r["parent"])
            if 0 < level < self.depth and r["code"] not in children:
                self.fault(file, row, "code", "有下级", f"{r['code']} 没有下级")
            if (r["parent"], r["name"]) in siblings:
                self.fault(file, row, "name", "同级不重名", r["name"])
            siblings[(r["parent"], r["name"])] = row
            if level == self.depth - 1:
                parents_of_name[(r["level"], r["name"])].add(r["parent"])
                if len(parents_of_name[(r["level"], r["name"])]) > 1:
                    self.fault(file, row, "name", f"第{level}级名称全目录唯一", r["name"])
            self.one_of(file, row, "urgent", r["urgent"], ("yes", "no"))
            self.months(file, row, r["months"])
            if r["code"] in self.leaves:
                self.one_of(file, row, "mode", r["mode"], MODES)
                if r["mode"] == "emergency" and not split(r["handover"]):
                    self.fault(file, row, "handover", "紧急转接须有专线", "")
            for line in split(r["handover"]):
                if line not in self.lines and line not in self.unit_names:
                    self.fault(file, row, "handover", "units.csv 里的紧急专线或单位", line)

    def months(self, file: str, row: int, cell: str) -> None:
        for month in split(cell):
            if not (month.isdecimal() and 1 <= int(month) <= 12):
                self.fault(file, row, "months", "1-12", month)

    def units(self) -> None:
        file = "units.csv"
        self.unique(file, "code")
        for row, r in self.tables[file].rows:
            self.one_of(file, row, "kind", r["kind"], UNIT_KINDS)
            if not r["name"]:
                self.fault(file, row, "name", "有名称", "")
            level = int(r["level"]) if r["level"].isdecimal() else 0
            if not 1 <= level <= 3:
                self.fault(file, row, "level", "1-3", r["level"])
            elif level > 1 and self.unit_level.get(r["parent"]) != str(level - 1):
                self.fault(file, row, "parent", f"第{level - 1}级的单位代码", r["parent"])
            if r["district"] and r["district"] not in self.districts:
                self.fault(file, row, "district", "places.csv 里的区县", r["district"])

    def functions(self) -> None:
        file = "functions.csv"
        self.unique(file, "function")
        owner = {name: name for name in self.function_names}
        for row, r in self.tables[file].rows:
            for alias in split(r["aliases"]):
                if owner.setdefault(alias, r["function"]) != r["function"]:
                    self.fault(file, row, "aliases", "只指一个职能", f"{alias} 已指 {owner[alias]}")
        served = {(r["function"], r["district"]) for _, r in self.tables["jurisdictions.csv"].rows}
        for row, r in self.tables[file].rows:
            self.one_of(file, row, "resolve", r["resolve"], RESOLUTIONS)
            if r["resolve"] == "unit" and r["unit"] not in self.unit_level:
                self.fault(file, row, "unit", "units.csv 里的单位代码", r["unit"])
            for district in sorted(self.districts):
                if r["resolve"] == "district" and (r["function"], district) not in served:
                    self.fault(file, row, "function", f"jurisdictions.csv 为{district}指定单位", r["function"])
        file = "jurisdictions.csv"
        self.unique(file, "function", "district")
        for row, r in self.tables[file].rows:
            self.one_of(file, row, "function", r["function"], self.function_names)
            self.one_of(file, row, "district", r["district"], self.districts)
            if r["unit"] not in self.unit_level:
                self.fault(file, row, "unit", "units.csv 里的单位代码", r["unit"])

    def duties(self) -> None:
        file = "duties.csv"
        self.unique(file, "leaf", "role", "function")
        led = set()
        for row, r in self.tables[file].rows:
            if r["leaf"] not in self.leaves:
                self.fault(file, row, "leaf", "classification.csv 里最末级的代码", r["leaf"])
            self.one_of(file, row, "role", r["role"], ("lead", "co"))
            if not (r["rank"].isdecimal() and int(r["rank"]) > 0):
                self.fault(file, row, "rank", "正整数", r["rank"])
            self.one_of(file, row, "function", r["function"], self.function_names)
            if r["role"] == "lead":
                led.add(r["leaf"])
        for row, r in self.tables["classification.csv"].rows:
            if r["code"] in self.leaves - led:
                self.fault("classification.csv", row, "code", "duties.csv 里有主办(lead)", f"{r['code']} 没有主办")

    def rules(self) -> None:
        self.unique("rules.csv", "rule")
        branched = {r["rule"] for _, r in self.tables["rule_branches.csv"].rows}
        for row, r in self.tables["rules.csv"].rows:
            for code in split(r["scope"]):
                if code not in self.node_level:
                    self.fault("rules.csv", row, "scope", "classification.csv 里的代码", code)
            if not r["question"]:
                self.fault("rules.csv", row, "question", "一句追问", "")
            if r["rule"] not in branched:
                self.fault("rules.csv", row, "rule", "rule_branches.csv 里有分支", f"{r['rule']} 没有分支")
        file = "rule_branches.csv"
        self.unique(file, "rule", "branch")
        for row, r in self.tables[file].rows:
            self.one_of(file, row, "rule", r["rule"], self.rule_names)
            for column in ("lead", "co"):
                for name in split(r[column]):
                    if name not in self.function_names | self.aliases:
                        self.fault(file, row, column, "functions.csv 里的职能", name)
            if r["leaf"] and r["leaf"] not in self.leaves:
                self.fault(file, row, "leaf", "classification.csv 里最末级的代码", r["leaf"])

    def risks(self) -> None:
        self.unique("risks.csv", "risk")
        for row, r in self.tables["risks.csv"].rows:
            if not (r["severity"].isdecimal() and 1 <= int(r["severity"]) <= 4):
                self.fault("risks.csv", row, "severity", "1-4", r["severity"])
            for line in split(r["handover"]):
                if line not in self.lines:
                    self.fault("risks.csv", row, "handover", "units.csv 里的紧急专线", line)
        for row, r in self.tables["risk_triggers.csv"].rows:
            self.one_of("risk_triggers.csv", row, "risk", r["risk"], self.risk_names | {"*"})
            self.one_of("risk_triggers.csv", row, "kind", r["kind"], TRIGGER_KINDS)
            try:
                re.compile(r["pattern"])
            except re.error as error:
                self.fault("risk_triggers.csv", row, "pattern", "正则表达式", f"{r['pattern'][:30]}({error})")

    def places(self) -> None:
        file = "places.csv"
        streets = {(r["district"], r["name"]) for _, r in self.tables[file].rows if r["kind"] == "street"}
        seen: dict[tuple[str, str], list[tuple[int, dict[str, str]]]] = defaultdict(list)
        for row, r in self.tables[file].rows:
            self.one_of(file, row, "kind", r["kind"], KINDS)
            self.one_of(file, row, "shared", r["shared"], ("yes", "no"))
            if not r["name"]:
                self.fault(file, row, "name", "有名称", "")
            if r["district"] not in self.districts:
                self.fault(file, row, "district", "本表里的区县", r["district"])
            if r["street"] and (r["district"], r["street"]) not in streets:
                self.fault(file, row, "street", f"本表里{r['district']}的街道乡镇", r["street"])
            seen[(r["kind"], r["name"])].append((row, r))
        for (_, name), rows in seen.items():
            if len({r["district"] for _, r in rows}) > 1:
                for row, r in rows:
                    if r["shared"] != "yes":
                        self.fault(file, row, "district", "只在一个区县,或 shared=yes", f"{name} 在多个区县")

    def seasons(self) -> None:
        self.unique("seasons.csv", "season")
        for row, r in self.tables["seasons.csv"].rows:
            self.months("seasons.csv", row, r["months"])
            for code in split(r["codes"]):
                if code not in self.node_level:
                    self.fault("seasons.csv", row, "codes", "classification.csv 里的代码", code)
