"""A month's rates by the city's formulas, from its own totals or from stored tickets, beside the month before."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from kb.sheets import FileError, read_table
from models.text import storable
from serve import audit
from serve.insight.cases import Case
from serve.insight.tables import MonthRow
from serve.records import Records, now

MONTH = "[12][0-9]{3}-(0[1-9]|1[0-2])"
"""How a month is written, such as 2026-11; years that no calendar of a computer holds are left out."""

RATES = {"closed_rate": "办结率", "response_rate": "响应率", "solved_rate": "解决率", "satisfied_rate": "满意率"}
COMPARED = ("response_rate", "solved_rate", "satisfied_rate")
"""The rates of which a month is said to have so many up and so many down (升、降)."""
_MONTH = re.compile(r"(\d{4})[-年/.](\d{1,2})月?")
_NUMBERS = "零一二三四五六七八九"


@dataclass(frozen=True)
class Totals:
    """A month as counted; None = not known. The four rates are what the source states, in percent."""

    month: str
    received: int
    closed: int
    followed: int | None = None
    contacted: int | None = None
    solved: int | None = None
    satisfied: int | None = None
    partly: int | None = None
    dissatisfied: int | None = None
    closed_rate: float | None = None
    response_rate: float | None = None
    solved_rate: float | None = None
    satisfied_rate: float | None = None
    source: str = ""


@dataclass(frozen=True)
class Rate:
    """A rate in percent: `value` follows from the counts when there are any, else it is what the source states.

    `note` says where a stated rate does not follow from the counts, or that it cannot be checked.
    """

    name: str
    title: str
    value: float | None
    formula: str
    stated: float | None
    note: str


@dataclass(frozen=True)
class Formula:
    """How a city counts satisfaction; see the settings `satisfaction_of` and `satisfaction_partly`."""

    of: str = "followed"
    partly: float = 0.6


def rates(totals: Totals, formula: Formula = Formula()) -> dict[str, Rate]:
    """Return the four rates of a month by name."""
    t = totals
    weighted = None if t.satisfied is None else t.satisfied + formula.partly * (t.partly or 0)
    decided = None if t.satisfied is None else t.satisfied + (t.partly or 0) + (t.dissatisfied or 0)
    below = decided if formula.of == "decided" else t.followed
    under = "满意 + 基本满意 + 不满意" if formula.of == "decided" else "回访有效件"
    counted = {
        "closed_rate": (t.closed, t.received, "办结件 ÷ 受理件"),
        "response_rate": (t.contacted, t.followed, "已联系件 ÷ 回访有效件"),
        "solved_rate": (t.solved, t.followed, "已解决件 ÷ 回访有效件"),
        "satisfied_rate": (weighted, below, f"(满意 + {formula.partly:g} × 基本满意)÷ {under}"),
    }
    return {name: _rate(name, *counted[name], stated=getattr(t, name)) for name in RATES}


def _rate(name: str, part: float | None, whole: float | None, words: str, *, stated: float | None) -> Rate:
    if part is None or not whole:
        note = "" if stated is None else "来源只给了比率,没有件数,无从核对"
        return Rate(name, RATES[name], stated, words, stated, note)
    value = 100 * part / whole
    note = ""
    if stated is not None and not follows(value, stated):
        note = f"来源所给 {stated:g}% 与其件数不符:{part:g} ÷ {whole:g} = {value:.2f}%"
    return Rate(name, RATES[name], value, words, stated, note)


def follows(value: float, stated: float) -> bool:
    """Whether a stated percentage is `value` rounded or cut at as many decimals as it was stated with."""
    decimals = len(repr(stated).partition(".")[2]) if stated != int(stated) else 0
    scale: int = 10**decimals
    cut = int(value * scale + 1e-9) / scale
    return any(abs(stated - x) < 1e-9 for x in (cut, round(value, decimals)))


def compare(now: Mapping[str, Rate], before: Mapping[str, Rate]) -> tuple[str, dict[str, float | None]]:
    """Return the verdict on the compared rates, such as 两升一降, and the change of every rate in points.

    Rates are compared as they are printed, with two decimals.
    """
    change: dict[str, float | None] = {}
    for name in RATES:
        a, b = now[name].value, before[name].value
        change[name] = None if a is None or b is None else round(round(a, 2) - round(b, 2), 2)
    moves = [change[name] for name in COMPARED]
    known = [m for m in moves if m is not None]
    if not known:
        return "无从比较", change
    counts = ((sum(m > 0 for m in known), "升"), (sum(m < 0 for m in known), "降"), (sum(m == 0 for m in known), "平"))
    words = "".join(f"{'两' if n == 2 else _NUMBERS[n]}{what}" for n, what in counts if n)
    return words, change


def month_before(month: str) -> str:
    """Return the month before `YYYY-MM`."""
    return f"{datetime.date.fromisoformat(month + '-01') - datetime.timedelta(days=1):%Y-%m}"


def from_cases(month: str, cases: Sequence[Case]) -> Totals:
    """Return the totals of the tickets accepted in a month."""
    asked = [c for c in cases if c.contacted is not None or c.solved is not None or c.satisfaction]
    return Totals(
        month,
        len(cases),
        sum(c.closed_at is not None for c in cases),
        followed=len(asked),
        contacted=sum(bool(c.contacted) for c in asked),
        solved=sum(bool(c.solved) for c in asked),
        satisfied=sum(c.satisfaction == "满意" for c in asked),
        partly=sum(c.satisfaction == "基本满意" for c in asked),
        dissatisfied=sum(c.satisfaction == "不满意" for c in asked),
        source="本系统存入的工单",
    )


def store_months(records: Records, months: Sequence[Totals], *, who: str) -> None:
    """Store a city's own totals; a month that is there is replaced, and the audit trail says so."""
    with records.write() as session:
        for t in months:
            session.execute(delete(MonthRow).where(MonthRow.month == t.month))
            session.add(MonthRow(**asdict(t), who=who, stored_at=now()))
        session.flush()
        detail: dict[str, object] = {"months": [t.month for t in months]}
        audit.append(session, who=who, what="months.write", object=f"{len(months)} 个月", detail=detail)


HEADINGS = {
    "month": ("月份", "月"), "received": ("受理", "受理件"), "closed": ("办结", "办结件"), "followed": ("回访有效件",),
    "contacted": ("已联系件",), "solved": ("已解决件",), "satisfied": ("满意",), "partly": ("基本满意",),
    "dissatisfied": ("不满意",), "closed_rate": ("办结率",), "response_rate": ("响应率",),
    "solved_rate": ("解决率",), "satisfied_rate": ("满意率",), "source": ("来源",),
}  # fmt: skip
"""Headings of a table of months that are understood beside the column names."""


def read_months(path: Path, encoding: str = "utf-8") -> list[Totals]:
    """Return the months of a CSV or Excel table; raises FileError naming file, row, column, expected and found."""
    headings, rows = read_table(path, encoding)
    known = {name: column for column, names in HEADINGS.items() for name in (column, *names)}
    columns = {known[h.strip()]: h for h in headings if h.strip() in known}
    for needed in ("month", "received", "closed"):
        if needed not in columns:
            raise FileError(f"{path}: 缺少 {needed}({HEADINGS[needed][0]}),现有列:{'、'.join(headings)}")
    found: dict[str, Totals] = {}
    for row in rows:
        where = f"{path} 第{row.number}行"
        if row.fault:
            raise FileError(f"{where}: {row.fault}")
        cells = {c: row.cells[h].strip() for c, h in columns.items()}
        match = _MONTH.match(cells["month"])
        if not match or not 1 <= int(match[2]) <= 12:
            raise FileError(f"{where} month: 应为 2023-11 这样的月份,实为 {cells['month'][:20] or '空'}")
        month = f"{match[1]}-{int(match[2]):02}"
        if month in found:
            raise FileError(f"{where} month: 应不重复,实为又一个 {month}")
        found[month] = _totals(where, month, cells)
    return sorted(found.values(), key=lambda t: t.month)


def _totals(where: str, month: str, cells: Mapping[str, str]) -> Totals:
    values: dict[str, Any] = {"month": month, "source": storable(cells.get("source", ""))[:200]}
    for field in fields(Totals):
        text = cells.get(field.name, "")
        if field.name in values or (not text and field.name not in ("received", "closed")):
            continue
        rate = field.name.endswith("_rate")
        try:
            number = float(text.replace(",", "").rstrip("%"))
            if number < 0 or (rate and number > 100) or (not rate and number != int(number)):
                raise ValueError
        except ValueError:
            expected = "0 至 100 的百分数" if rate else "非负整数"
            raise FileError(f"{where} {field.name}: 应为 {expected},实为 {text[:20] or '空'}") from None
        values[field.name] = number if rate else int(number)
    totals = Totals(**values)
    for part, whole in (
        ("closed", "received"), ("contacted", "followed"), ("solved", "followed"), ("satisfied", "followed"),
    ):  # fmt: skip
        a, b = getattr(totals, part), getattr(totals, whole)
        if a is not None and b is not None and a > b:
            raise FileError(f"{where} {part}: 应不大于 {whole} 的 {b},实为 {a}")
    return totals
