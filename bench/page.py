"""The report of the benchmarks as one page that loads nothing: first what decides, then how to read it, every table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.charts import bar, lines
from bench.sections import NOT_RUN, TOPICS, Figure, Question, Section, overview
from bench.where import BUSY, Where

READING = {
    "与最好的基线之比": "同一张表的第一项指标,有诉除以最好的一个基线;大于 1 是有诉好。",
    "ncp、kaohsiung、taidi": "公开数据集的名字;本机有它们的文件才测。",
    "横条": "都从 0 画起。比例满格为 1,毫秒满格为同处最大的一个。",
    "折": "5 折:数据分成 5 份,轮流用 4 份训练、在剩下一份上测,没有一行既学又考。"
    "按条目分折:问同一条目的问题总在同一份。",
    "留出作者": "样例与问题各有写的人。留出作者:那位作者写的一条也没学过。只学一半作者:作者分两半,学一半,测另一半。",
    "R@1、R@5、MRR@10": "对的排在第一、排进前五的比例;前十里对的那条的名次倒数的平均。首条命中就是 R@1。",
    "答复率、答对率、误答率": "有条目能答的问题里答了的;答了的里面答对的;没有条目能答却答了的(越小越好)。",
    "宏平均 F1": "各类的 F1 一样重地平均,小类也算数。",
    "校准误差": "模型说的把握与实际判对的比例平均差多少(越小越好)。",
    "p50、p95、p99": "50%、95%、99% 的次数不超过这么久。",
}
"""How to read the page: what a word on it means."""

ABOVE = "每个问题一两个数字;× 是有诉与最好的基线或同类程序之比,大于 1 是有诉好。点标题看整张表。"
STYLE = Path(__file__).with_suffix(".css")


def page(sections: Sequence[Section], where: Where) -> str:
    """Return the page; what a section says is put into it as text, never as markup."""
    numbers = {id(s): f"s{i}" for i, s in enumerate(sections, start=1)}
    body = [_head(sections, where), '<h2 id="overview">总览</h2><p class="soft">' + ABOVE + '</p><div class="cards">']
    body += [_card(question, sections, numbers) for question in overview(sections)]
    body.append("</div>" + _reading())
    for topic in dict.fromkeys([*TOPICS, *(s.topic for s in sections)]):
        under = [s for s in sections if s.topic == topic]
        if under:
            body.append(f'<h2 id="{_anchor(topic)}">{escape(topic or "其他")}</h2>')
        body += [_section(s, numbers[id(s)]) for s in under]
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"/>'
        f"<title>有诉测评</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body><main>{''.join(body)}</main></body></html>\n"
    )


def _head(sections: Sequence[Section], where: Where) -> str:
    facts = (
        f"机器:{where.machine},{where.cores} 核,Python {where.python}", f"开始:{where.when:%Y-%m-%d %H:%M %Z}",
        f"开始时负载:{where.load:.1f}", f"提交:{where.commit}", f"模型包:{where.bundle}",
    )  # fmt: skip
    loads = {"开始时": where.load, **{s.title: s.load for s in sections}}
    high = [f"{name} {load:.1f}" for name, load in loads.items() if load > BUSY]
    busy = (
        f'<p class="busy">机器当时在忙:负载高于 {BUSY}({escape("、".join(high))})。毫秒、秒和每秒几通会偏差,'
        "只能看彼此之比,不能当成这台机器的快慢;准确率一类不受影响。</p>"
        if high
        else ""
    )
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return (
        f'<h1>有诉测评</h1><ul class="facts soft">{listed}</ul>{busy}'
        '<p class="soft">每个数字都由这一次运行的命令测得,或取自所用模型包的清单;没有运行的写明原因,不给数字。'
        "由 <code>make bench</code> 写成。</p>"
    )


def _card(question: Question, sections: Sequence[Section], numbers: dict[int, str]) -> str:
    there = any(s.topic == question.topic for s in sections)
    title = f'<a href="#{_anchor(question.topic)}">{question.topic}</a>' if there else question.topic
    figures = "".join(_figure(f, numbers[id(s)]) for f, s in question.figures)
    missing = "".join(f'<p class="no">{NOT_RUN}:{escape(line)}</p>' for line in question.not_run)
    return f'<section class="card"><h3>{title}</h3>{figures}{missing}</section>'


def _figure(figure: Figure, number: str) -> str:
    full = max(figure.ours, figure.other or 0) if figure.unit else 1.0
    behind = ",不如" if figure.rival and figure.other is not None and figure.ours < figure.other else ""
    told, asides = figure.ratio, [figure.aside]
    if told and not figure.rival:  # a ruler beside it is no contest
        told, asides = "", [f"{figure.beside}的 {told.removesuffix('×')} 倍", figure.aside]
    ratio = f'<span class="ratio{" no" if behind else ""}">{told}{behind}</span>' if told else ""
    sides = _side("有诉", figure, figure.ours, full, "ours")
    if figure.other is not None:
        sides += _side(figure.beside, figure, figure.other, full, "")
    aside = f'<p class="soft">{escape(";".join(filter(None, asides)))}</p>' if any(asides) else ""
    what = f'<p class="what">{ratio}<a href="#{number}">{escape(figure.what)}</a></p>'
    return f'<div class="figure">{what}{sides}{aside}</div>'


def _side(name: str, figure: Figure, value: float, full: float, kind: str) -> str:
    said = f'<span class="num">{escape(figure.said(value))}</span>'
    drawn = "" if figure.unit and figure.other is None else bar(value, full, kind)  # no bar without a measure
    return f'<div class="side {kind}"><span>{escape(name)}</span>{drawn}{said}</div>'


def _reading() -> str:
    listed = "".join(f"<dt>{escape(word)}</dt><dd>{escape(meaning)}</dd>" for word, meaning in READING.items())
    return f'<h2 id="reading">怎么读</h2><dl>{listed}</dl>'


def _section(s: Section, number: str) -> str:
    title = f'<section class="table" id="{number}"><h3>{escape(s.title)}</h3>'
    note = f'<p class="soft">{escape(s.note)}</p>' if s.note else ""
    if s.why_not:
        return f'{title}<p class="no">{NOT_RUN}:{escape(s.why_not)}</p>{note}</section>'
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in s.head)
    rows = "".join(_row(s, i, row) for i, row in enumerate(s.rows))
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"{title}{lines(s.chart) if s.chart else ''}{table}{note}</section>"


def _row(s: Section, number: int, row: tuple[str, ...]) -> str:
    kind = "ours" if number == s.ours else "not" if NOT_RUN in row else ""
    cells = [f'<th scope="row">{escape(row[0])}</th>'] if row else []
    for at, cell in enumerate(row[1:], start=1):
        value = s.bars[at][number] if at in s.bars else None
        drawn = None if value is None else bar(value, s.full, kind)
        cells.append(f'<td class="drawn">{escape(cell)}{drawn}</td>' if drawn else f"<td>{escape(cell)}</td>")
    opening = f'<tr class="{kind}">' if kind else "<tr>"
    return f"{opening}{''.join(cells)}</tr>"


def _anchor(topic: str) -> str:
    return f"t{[*TOPICS, topic].index(topic) + 1}"
