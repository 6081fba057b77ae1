"""What the monthly report says: its sentences, rates with their formulas, notes and tables; and its HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from serve.insight.monthly import COMPARED, RATES, Rate, Totals

_STYLE = """
body { font: 11pt/1.6 "Noto Serif CJK SC", SimSun, "WenQuanYi Micro Hei", serif; color: #15202b; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; background: #fff; }
h1 { font-size: 18pt; text-align: center; } h2 { font-size: 13pt; margin-top: 1.6em; }
table { border-collapse: collapse; width: 100%; margin: .6em 0; }
th, td { border: 1px solid #8593a3; padding: 3px 8px; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #7a4300; } .soft { color: #4a5866; font-size: 10pt; }
@media print { body { margin: 0; max-width: none; } }
"""


@dataclass(frozen=True)
class Table:
    """A table of the report; a cell that is a number is set to the right with its thousands parted."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Report:
    """The report before it has a form: HTML (`report_html`) and Word (`serve.insight.word`) say the same."""

    title: str
    month: str
    summary: str
    notes: Sequence[str]
    """What does not follow from the counts, or cannot be checked."""
    tables: Sequence[Table]
    """The rates first."""
    source: str


def write_up(
    city: str, now: Totals, found: Mapping[str, Rate], before: Totals | None, earlier: Mapping[str, Rate] | None,
    verdict: str, change: Mapping[str, float | None], *, year: Totals | None = None, tables: Sequence[Table] = (),
) -> Report:  # fmt: skip
    """Return the report of a month; `tables` follow the rates, such as categories and topics."""
    y, m = now.month.split("-")
    said = [f"本月受理 {now.received:,} 件,办结 {now.closed:,} 件,办结率 {_percent(found['closed_rate'])}。"]
    told = [f"{RATES[name]} {_percent(found[name])}" for name in COMPARED if found[name].value is not None]
    if told:
        said.append(";".join(told) + "。")
    if before is not None:
        said.append(f"受理量较上月{_moved(now.received, before.received)}。")
        if verdict != "无从比较":
            said.append(f"响应率、解决率、满意率较上月呈“{verdict}”。")
    if year is not None:
        said.append(f"受理量较去年同月{_moved(now.received, year.received)}。")
    notes = [f"{RATES[n]}:{r.note}。" for n, r in found.items() if r.note]
    notes += [f"上月{RATES[n]}:{r.note}。" for n, r in (earlier or {}).items() if r.note]
    sources = "、".join(dict.fromkeys(t.source for t in (now, before, year) if t is not None and t.source))
    return Report(
        f"{city}12345热线{int(y)}年{int(m)}月诉求办理月报",
        now.month,
        "".join(said),
        notes,
        [_counts(now, before), _rates(found, earlier, change), *tables],
        f"数据来源:{sources or '未注明'}。比率按两位小数比较。",
    )


def report_html(report: Report) -> str:
    """Return the report as one page that prints; its style stands inside."""
    parts = [f"<h1>{escape(report.title)}</h1>", f"<p>{escape(report.summary)}</p>"]
    for i, table in enumerate(report.tables):
        parts.append(f"<h2>{escape(table.title)}</h2>" + _table(table))
        if i == RATES_AT:
            parts += [f'<p class="note">{escape(note)}</p>' for note in report.notes]
    parts.append(f'<p class="soft">{escape(report.source)}</p>')
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(report.month)} 月报</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


RATES_AT = 1
"""Which table holds the rates; the notes follow it."""


def shown(value: Any) -> str:
    """Return a cell as it is read."""
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _percent(rate: Rate) -> str:
    return "未知" if rate.value is None else f"{rate.value:.2f}%"


def _moved(now: int, before: int) -> str:
    if not before:
        return "无从比较"
    change = 100 * (now / before - 1)
    return "持平" if abs(change) < 0.005 else f"{'增加' if change > 0 else '减少'} {abs(change):.2f}%"


def _counts(now: Totals, before: Totals | None) -> Table:
    rows = []
    for title, name in (("受理", "received"), ("办结", "closed")):
        this, last = getattr(now, name), getattr(before, name, None)
        rows.append([title, this, "—" if last is None else last, "—" if last is None else _moved(this, last)])
    return Table("件数", ["", "本月", "上月", "较上月"], rows)


def _rates(found: Mapping[str, Rate], earlier: Mapping[str, Rate] | None, change: Mapping[str, float | None]) -> Table:
    rows = []
    for name, rate in found.items():
        moved = change.get(name)
        words = "—" if moved is None else "持平" if moved == 0 else f"{'升' if moved > 0 else '降'} {abs(moved):.2f}"
        rows.append([rate.title, _percent(rate), _percent(earlier[name]) if earlier else "—", words, rate.formula])
    return Table("比率", ["指标", "本月", "上月", "变化(百分点)", "公式"], rows)


def _table(table: Table) -> str:
    def cell(tag: str, value: Any) -> str:
        return f"<{tag}{' class=n' if isinstance(value, int | float) else ''}>{escape(shown(value))}</{tag}>"

    head = "".join(cell("th", h) for h in table.headings)
    body = "".join(f"<tr>{''.join(cell('td', v) for v in row)}</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body or '<tr><td>本月没有</td></tr>'}</tbody></table>"
