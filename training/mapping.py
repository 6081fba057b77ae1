"""The mapping file: which column of a city's table is which of our fields; what comes after dispatch is barred."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from training.errors import TrainError

AFTER_DISPATCH = re.compile(
    r"回复|答复|办理(意见|结果|情况|人)|处理(意见|结果|情况)|满意|回访|退(单|回)|办结|反馈|评价|审核|改派|延期|"
    r"repl(y|ied)|satisf|return|closed|opinion",
    re.IGNORECASE,
)
"""Names of columns that are filled in only after the ticket was dispatched."""
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("final_unit", r"(最终|实际).*(单位|部门)|final_?unit"),
    ("after", AFTER_DISPATCH.pattern),
    ("code", r"(分类|类别|事项)(编码|代码)|^code$"),
    ("levels", r"[一二三四五]级|level\s*[1-5]|(诉求|问题|事项)?分类|类别|category"),
    ("title", r"标题|主题|title"),
    ("text", r"内容|诉求|描述|详情|留言|text|content|question"),
    ("unit", r"(承办|主办|派单|派往|责任|处理|办理|转办).*(单位|部门)|dept|unit"),
    ("id", r"工单(编)?号|流水号|^编号$|^(msg_?)?id$"),
    ("time", r"时间|日期|time|date"),
    ("caller", r"(来电|联系|主叫)?(号码|电话|手机)|来电人|user|caller|phone"),
)
_ONE = ("code", "unit", "final_unit", "time", "id", "caller")


@dataclass(frozen=True)
class Mapping:
    """Columns of a table by our fields; an empty name means that the table lacks the field.

    `text` columns are joined; `levels` go from broad to fine; `final_unit` is where a returned or transferred
    ticket ended and what teaches; `after_dispatch` columns are read for nothing but measuring.
    """

    text: tuple[str, ...]
    levels: tuple[str, ...] = ()
    code: str = ""
    unit: str = ""
    final_unit: str = ""
    time: str = ""
    id: str = ""
    caller: str = ""
    after_dispatch: tuple[str, ...] = ()
    target: str = "category"
    """`category` (levels or code) or `unit` (the unit, final unit first)."""
    taxonomy: str = "auto"
    """`catalog`, `labels`, or `auto`: the catalogue when most labels are in it."""
    dates: tuple[str, ...] = ()
    """strptime formats tried before the usual ones."""
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    """our field -> their value -> our value; `levels` covers every level."""
    source: dict[str, str] = field(default_factory=dict)
    """`encoding`, `sheet`, `table`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Columns that give the label."""
        if self.target == "unit":
            return (self.unit,)
        return (self.code,) if self.code else self.levels

    def check(self, columns: Sequence[str], where: str) -> None:
        """Raise TrainError for a column that is missing, for no label, or for a feature known only after dispatch."""
        named = [*self.text, *self.levels, *(getattr(self, k) for k in _ONE), *self.after_dispatch]
        missing = [c for c in dict.fromkeys(named) if c and c not in columns]
        if missing:
            raise TrainError(f"{where}: 没有列 {'、'.join(missing)},现有列:{'、'.join(columns)}")
        if not self.text:
            raise TrainError(f"{where}: 映射里没有 text(诉求文字)")
        if not all(self.labels) or not self.labels:
            raise TrainError(f'{where}: 映射里没有标签:请给出 levels 或 code,或 target = "unit" 并给出 unit')
        late = [c for c in self.text if c in self.after_dispatch or AFTER_DISPATCH.search(c)]
        if late:
            raise TrainError(
                f"{where}: 列 {'、'.join(late)} 要派单之后才有,来电时并不知道,不能作为训练文字;请从 text 里去掉"
            )
        labelling = set(self.labels) | {self.unit, self.final_unit}
        leaking = [c for c in self.text if c in labelling]
        if leaking:
            raise TrainError(f"{where}: 列 {'、'.join(leaking)} 是标签,不能同时作为训练文字")

    def save(self, file: Path, comments: Sequence[str] = ()) -> None:
        """Write a TOML file that a person can correct."""
        lines = [f"# {c}" for c in comments]
        lines += ["", "[columns]"]
        for name in ("text", "levels", "after_dispatch"):
            lines.append(f"{name} = {json.dumps(list(getattr(self, name)), ensure_ascii=False)}")
        lines += [f"{name} = {_quoted(getattr(self, name))}" for name in _ONE]
        lines += ["", "[training]", f"target = {_quoted(self.target)}  # category 或 unit"]
        lines += [f"taxonomy = {_quoted(self.taxonomy)}  # auto、catalog 或 labels"]
        lines += ["", "[dates]", f"formats = {json.dumps(list(self.dates), ensure_ascii=False)}"]
        lines += ["", "[source]", *(f"{k} = {_quoted(v)}" for k, v in self.source.items())]
        for name, pairs in self.values.items():
            lines += ["", f"[values.{name}]", *(f"{_quoted(k)} = {_quoted(v)}" for k, v in pairs.items())]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load_mapping(file: Path) -> Mapping:
    """Read a mapping file; raises TrainError naming the file and what is wrong in it."""
    try:
        r: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise TrainError(f"{file}: 应为可读的 TOML 映射文件({error})") from error
    columns, training = r.get("columns", {}), r.get("training", {})
    unknown = sorted(set(columns) - {"text", "levels", "after_dispatch", *_ONE})
    if unknown:
        raise TrainError(f"{file}: [columns] 里有不认识的字段 {'、'.join(unknown)}")
    target, taxonomy = training.get("target", "category"), training.get("taxonomy", "auto")
    if target not in {"category", "unit"} or taxonomy not in {"auto", "catalog", "labels"}:
        raise TrainError(f"{file}: target 应为 category 或 unit,taxonomy 应为 auto、catalog 或 labels")
    return Mapping(
        text=_names(columns.get("text", ())),
        levels=_names(columns.get("levels", ())),
        after_dispatch=_names(columns.get("after_dispatch", ())),
        code=str(columns.get("code", "")),
        unit=str(columns.get("unit", "")),
        final_unit=str(columns.get("final_unit", "")),
        time=str(columns.get("time", "")),
        id=str(columns.get("id", "")),
        caller=str(columns.get("caller", "")),
        target=target,
        taxonomy=taxonomy,
        dates=_names(r.get("dates", {}).get("formats", ())),
        values=r.get("values", {}),
        source={k: str(v) for k, v in r.get("source", {}).items()},
    )


def propose(columns: Sequence[str]) -> Mapping:
    """Propose a mapping from column names; a name that says nothing stays unmapped."""
    roles: dict[str, list[str]] = {}
    for column in columns:
        role = next((r for r, pattern in _PATTERNS if re.search(pattern, column, re.IGNORECASE)), "")
        roles.setdefault(role, []).append(column)
    text = (*roles.get("title", [])[:1], *roles.get("text", [])[:1])
    levels = sorted(roles.get("levels", []), key=_level_rank)
    one = {k: (roles.get(k) or [""])[0] for k in _ONE}
    return replace(
        Mapping(text=text, levels=tuple(levels), after_dispatch=tuple(roles.get("after", ()))),
        target="category" if levels or one["code"] else "unit",
        code=one["code"],
        unit=one["unit"],
        final_unit=one["final_unit"],
        time=one["time"],
        id=one["id"],
        caller=one["caller"],
    )


def _level_rank(name: str) -> int:
    found = re.search(r"[一二三四五]级|[1-5]", name)
    return "一二三四五12345".index(found.group()[0]) % 5 if found else 9


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
