"""Charts and tables for the notebooks: plain SVG and HTML of a few kB, without script, network or fonts of our own.

They show in Jupyter, on the pages of `make docs` and wherever else a notebook is rendered; each also says in words what
it shows, for a terminal and for whoever does not see it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike

WIDTH = 720
FONTS = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC','WenQuanYi Micro Hei',sans-serif"
INK, FAINT, GRID = "#1d2733", "#5b6975", "#dfe5ec"
COLOURS = ("#1b6ca8", "#d9863b", "#7b8794", "#6a9f58", "#a64d79", "#bcc5cd")
"""Told apart by the colour-blind, and in grey."""
PALE = "#a9c8e0"
ROW = 26
_FIGURE = re.compile(r"[-+]?[\d.,]+%?")


@dataclass(frozen=True)
class Chart:
    """A picture, and what it shows in words."""

    svg: str
    says: str

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return self.says


@dataclass(frozen=True)
class Table:
    """Rows under headings, as HTML and in words."""

    html: str
    says: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.says


@dataclass(frozen=True)
class Bar:
    """A share in [0, 1]; `low` and `high` bound its interval, a weak one is drawn pale, `note` follows the figure."""

    name: str
    share: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    weak: bool = False


@dataclass(frozen=True)
class Line:
    """Points joined from left to right; `low` and `high`, of the same length, are drawn as a band."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


def table(rows: Sequence[Mapping[str, object]]) -> Table:
    """Return the rows under the headings of the first, numbers to the right; texts are shown whole."""
    if not rows:
        return Table("<p>无</p>", "无")
    lines = [list(rows[0]), *([str(v) for v in r.values()] for r in rows)]
    columns = zip(*lines[1:], strict=True)
    sides = ["right" if all(_FIGURE.fullmatch(c) for c in column) else "left" for column in columns]
    made = "".join(f"<tr>{_cells(line, sides, 'td' if i else 'th')}</tr>" for i, line in enumerate(lines))
    return Table(
        f'<div style="overflow-x:auto"><table style="border-collapse:collapse;border:0">{made}</table></div>',
        "\n".join(" | ".join(line) for line in lines),
    )


def bars(title: str, rows: Sequence[Bar]) -> Chart:
    """Return one bar a row over an axis from 0 to 100 %."""
    left, right, top = (_margin(r.name for r in rows), 24 + _wide((_told(r) for r in rows), 12), 40)
    height = top + ROW * len(rows) + 34
    across = WIDTH - left - right

    def x(share: float) -> float:
        return left + share * across

    parts = [_text(16, 22, title, size=15, bold=True)]
    for k in range(5):
        parts += [_rule(x(k / 4), top, x(k / 4), height - 30, GRID)]
        parts += [_text(x(k / 4), height - 14, f"{25 * k}%", size=12, at="middle", colour=FAINT)]
    for i, r in enumerate(rows):
        y = top + ROW * i + ROW / 2
        parts += [
            _text(left - 10, y + 4.5, _short(r.name), at="end"),
            _box(left, y - 8, max(r.share * across, 1), 16, PALE if r.weak else COLOURS[0]),
        ]
        if r.low is not None and r.high is not None:
            parts += [_rule(x(r.low), y, x(r.high), y, INK, 1.5)]
            parts += [_rule(x(v), y - 4, x(v), y + 4, INK, 1.5) for v in (r.low, r.high)]
        parts += [_text(WIDTH - right + 14, y + 4.5, _told(r), size=12, colour=FAINT)]
    return _chart(title, height, parts, [f"{r.name} {_told(r)}{_between(r)}" for r in rows])


def stacked(title: str, rows: Sequence[tuple[str, Sequence[int]]], names: Sequence[str]) -> Chart:
    """Return one bar a row, made of as many counts as there are `names`; the longest row fills the width."""
    left, top = _margin(name for name, _ in rows), 66
    height, most = (top + ROW * len(rows) + 14, max((sum(counts) for _, counts in rows), default=1) or 1)
    across = WIDTH - left - 60
    parts = [_text(16, 22, title, size=15, bold=True), *_legend(names, 40)]
    for i, (name, counts) in enumerate(rows):
        y, at = top + ROW * i + ROW / 2, float(left)
        parts += [_text(left - 10, y + 4.5, _short(name), at="end")]
        for n, colour in zip(counts, COLOURS, strict=False):
            if n:
                parts += [_box(at, y - 9, n / most * across, 18, colour)]
                at += n / most * across
        parts += [_text(at + 8, y + 4.5, str(sum(counts)), size=12, colour=FAINT)]
    said = [
        f"{name} " + "、".join(f"{part} {n}" for part, n in zip(names, counts, strict=True) if n)
        for name, counts in rows
    ]
    return _chart(title, height, parts, said)


def curves(
    title: str, lines: Sequence[Line], *, across: str, up: str, counts: bool = False, diagonal: bool = False
) -> Chart:
    """Return shares over shares, or over counts (`counts`: an axis from 0 to the largest); `diagonal` adds y = x."""
    left, right, top, bottom = 64, 24, 66, 320
    most = max(max(line.x) for line in lines) if counts else 1.0

    def point(a: float, b: float) -> tuple[float, float]:
        return left + a / most * (WIDTH - left - right), bottom - b * (bottom - top)

    parts = [_text(16, 22, title, size=15, bold=True), *_legend([line.name for line in lines], 40)]
    for k in range(5):
        x, y = point(most * k / 4, k / 4)
        told = f"{most * k / 4:,.0f}" if counts else f"{25 * k}%"
        parts += [_rule(left, y, WIDTH - right, y, GRID), _rule(x, top, x, bottom, GRID)]
        parts += [_text(left - 8, y + 4, f"{25 * k}%", size=12, at="end", colour=FAINT)]
        parts += [_text(x, bottom + 18, told, size=12, at="end" if k == 4 else "middle", colour=FAINT)]
    parts += [_text((left + WIDTH - right) / 2, bottom + 38, across, size=13, at="middle", colour=FAINT)]
    parts += [
        f'<text transform="translate(18 {(top + bottom) / 2}) rotate(-90)" font-size="13" fill="{FAINT}"'
        f' text-anchor="middle">{escape(up)}</text>'
    ]
    if diagonal:
        parts += [_rule(*point(0, 0), *point(1, 1), FAINT, 1.5, dash="5 4")]
    for line, colour in zip(lines, COLOURS, strict=False):
        if line.low:
            edge = [*zip(line.x, line.high, strict=True), *reversed(list(zip(line.x, line.low, strict=True)))]
            parts += [f'<polygon points="{_path(point(*p) for p in edge)}" fill="{colour}" opacity=".18"/>']
        places = [point(*p) for p in zip(line.x, line.y, strict=True)]
        parts += [f'<polyline points="{_path(places)}" fill="none" stroke="{colour}" stroke-width="2"/>']
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places]
    said = [
        f"{line.name} "
        + ",".join(f"({f'{a:,.0f}' if counts else f'{a:.0%}'}, {b:.0%})" for a, b in zip(line.x, line.y, strict=True))
        for line in lines
    ]
    return _chart(title, bottom + 54, parts, said)


def heat(title: str, names: Sequence[str], counts: ArrayLike, *, down: str, across: str) -> Chart:
    """Return a square of counts, a row for what was right, darker by the share of its row; the diagonal is framed."""
    table = np.asarray(counts)
    left, top, side = _margin(names) + 22, 172, 40
    width, height = left + side * len(names) + 16, top + side * len(names) + 20
    parts = [_text(16, 22, title, size=15, bold=True)]
    parts += [_text(left + side * len(names) / 2, 48, f"{across} →", size=13, at="middle", colour=FAINT)]
    parts += [_text(left - 10, top - 12, f"{down} ↓", size=13, at="end", colour=FAINT)]
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    for i, name in enumerate(names):
        y = top + side * i
        parts += [_text(left - 10, y + side / 2 + 4.5, _short(name), at="end")]
        parts += [
            f'<text transform="translate({left + side * i + side / 2 + 4:.0f} {top - 10}) rotate(-50)" font-size="13"'
            f' fill="{INK}">{escape(_short(name))}</text>'
        ]
        for j in range(len(names)):
            share, n = float(shares[i, j]), int(table[i, j])
            colour = COLOURS[0] if i == j else COLOURS[1]
            x = left + side * j
            parts += [_box(x, y, side - 2, side - 2, "#f4f6f8")]
            if n:
                parts += [_box(x, y, side - 2, side - 2, colour, opacity=0.12 + 0.88 * share)]
                parts += [
                    _text(
                        x + side / 2 - 1, y + side / 2 + 4, str(n), at="middle", colour="#fff" if share > 0.6 else INK
                    )
                ]
    wrong = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j and table[i, j]]
    wrong.sort(key=lambda ij: -table[ij])
    said = [f"{names[i]} 说成 {names[j]} {table[i, j]}" for i, j in wrong[:8]]
    return _chart(title, height, parts, said, width=max(width, 420))


def _cells(line: Sequence[str], sides: Sequence[str], tag: str) -> str:
    look = "padding:3px 14px 3px 0;border-bottom:1px solid #8885;vertical-align:top"
    whole = [";white-space:nowrap" if _em(c) <= 8 else "" for c in line]
    return "".join(
        f'<{tag} style="{look};text-align:{side}{more}">{escape(c)}</{tag}>'
        for c, side, more in zip(line, sides, whole, strict=True)
    )


def _chart(title: str, height: float, parts: Iterable[str], said: Sequence[str], *, width: float = WIDTH) -> Chart:
    words = f"{title}:{';'.join(said)}"
    return Chart(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" font-family="{FONTS}">'
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>"
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>',
        words,
    )


def _legend(names: Sequence[str], y: float) -> list[str]:
    at, parts = 16.0, []
    for name, colour in zip(names, COLOURS, strict=False):
        parts += [_box(at, y, 12, 12, colour), _text(at + 18, y + 11, name, size=13)]
        at += 18 + _em(name) * 13 + 20
    return parts


def _told(bar: Bar) -> str:
    return f"{bar.share:.0%} {bar.note}".rstrip()


def _between(bar: Bar) -> str:
    return "" if bar.low is None or bar.high is None else f"({bar.low:.0%}–{bar.high:.0%})"


def _text(
    x: float, y: float, words: str, *, size: int = 13, at: str = "start", colour: str = INK, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{at}" fill="{colour}"{weight}>'
        f"{escape(words)}</text>"
    )


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"'
        f"{dashed}/>"
    )


def _box(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1) -> str:
    faint = f' opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"{faint}/>'


def _path(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _em(words: str) -> float:
    """Width in units of the font size: what is Chinese takes one, the rest a little over half."""
    return sum(1.0 if ord(c) > 0x2000 else 0.56 for c in words)


def _short(name: str, most: float = 15) -> str:
    if _em(name) <= most:
        return name
    while _em(name) > most - 1:
        name = name[:-1]
    return name + "…"


def _wide(names: Iterable[str], size: int) -> float:
    return max((_em(n) for n in names), default=0) * size


def _margin(names: Iterable[str]) -> int:
    return round(_wide((_short(n) for n in names), 13)) + 26
