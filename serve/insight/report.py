"""The monthly report as one HTML page that prints and that Word opens; every figure with its formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from serve.insight.monthly import COMPARED, RATES, Rate, Totals

_STYLE = """
body { font: 11pt/1.6 "Noto Serif CJK SC", SimSun, "WenQuanYi Micro Hei", serif; color: #15202b; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 18pt; text-align: center; } h2 { font-size: 13pt; margin-top: 1.6em; }
table { border-collapse: collapse; width: 100%; margin: .6em 0; }
th, td { border: 1px solid #8593a3; padding: 3px 8px; text-align: left; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.note { color: #7a4300; } .soft { color: #4a5866; font-size: 10pt; }
@media print { body { margin: 0; max-width: none; } }
"""


def report_html(
    city: str, now: Totals, found: Mapping[str, Rate], before: Totals | None, earlier: Mapping[str, Rate] | None,
    verdict: str, change: Mapping[str, float | None], *, year: Totals | None = None,
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[Any]]]] = (),
) -> str:  # fmt: skip
    """Return the page; `tables` are (title, headings, rows) that follow the rates, such as categories and topics."""
    y, m = now.month.split("-")
    parts = [f"<h1>{escape(city)}12345热线{int(y)}年{int(m)}月诉求办理月报</h1>"]
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
    parts.append(f"<p>{escape(''.join(said))}</p>")
    parts.append("<h2>指标</h2>" + _rates(found, earlier, change))
    notes = [f"{RATES[n]}:{r.note}" for n, r in found.items() if r.note]
    notes += [f"上月{RATES[n]}:{r.note}" for n, r in (earlier or {}).items() if r.note]
    parts += [f'<p class="note">{escape(note)}</p>' for note in notes]
    for title, headings, rows in tables:
        parts.append(f"<h2>{escape(title)}</h2>" + _table(headings, rows))
    sources = "、".join(dict.fromkeys(t.source for t in (now, before, year) if t is not None and t.source))
    parts.append(f'<p class="soft">数据来源:{escape(sources or "未注明")}。比率按两位小数比较。</p>')
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(now.month)} 月报</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _percent(rate: Rate) -> str:
    return "未知" if rate.value is None else f"{rate.value:.2f}%"


def _moved(now: int, before: int) -> str:
    if not before:
        return "无从比较"
    change = 100 * (now / before - 1)
    return "持平" if abs(change) < 0.005 else f"{'增加' if change > 0 else '减少'} {abs(change):.2f}%"


def _rates(found: Mapping[str, Rate], earlier: Mapping[str, Rate] | None, change: Mapping[str, float | None]) -> str:
    rows = []
    for name, rate in found.items():
        moved = change.get(name)
        words = "—" if moved is None else "持平" if moved == 0 else f"{'升' if moved > 0 else '降'} {abs(moved):.2f}"
        rows.append([rate.title, _percent(rate), _percent(earlier[name]) if earlier else "—", words, rate.formula])
    return _table(["指标", "本月", "上月", "变化(百分点)", "公式"], rows)


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    def cell(tag: str, value: Any) -> str:
        number = isinstance(value, int | float)
        text = f"{value:,}" if number else str(value)
        return f"<{tag}{' class=n' if number else ''}>{escape(text)}</{tag}>"

    head = "".join(cell("th", h) for h in headings)
    body = "".join(f"<tr>{''.join(cell('td', v) for v in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body or '<tr><td>本月没有</td></tr>'}</tbody></table>"
