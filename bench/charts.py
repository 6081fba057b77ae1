"""Draws what the page of the benchmarks shows, as inline SVG: bars that start at 0, and lines over sizes."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from bench.sections import Chart, Panel

WIDTH, HEIGHT = 330, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 26, 46, 44
"""Of a panel and of the margins around what is drawn in it."""
STEPS = 5
"""At most so many steps on the upright axis."""


def bar(value: float, full: float, kind: str = "") -> str:
    """Return a bar of the share `value` / `full` of its width; `kind` is a class for the style."""
    width = 100 * min(max(value / full, 0), 1) if full else 0
    return (
        f'<svg class="bar {kind}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="all" width="100" height="10"/><rect width="{width:.1f}" height="10"/></svg>'
    )


def lines(chart: Chart) -> str:
    """Return the panels of a chart side by side, with a point for each size measured, and what was not run."""
    sizes = "、".join(f"{size:,}" for size in chart.sizes)
    told = f"横轴是{chart.of}数,按对数;测了 {sizes}"
    if chart.not_run:
        told += f";未运行、图上没有:{'、'.join(f'{size:,}' for size in chart.not_run)}"
    drawn = "".join(_panel(panel, chart) for panel in chart.panels) if chart.sizes else ""
    return f'<figure><div class="panels">{drawn}</div><figcaption>{escape(told)}</figcaption></figure>'


def marks(highest: float) -> list[float]:
    """Return round values from 0 to one that is not below `highest`, at most `STEPS` steps."""
    if highest <= 0:
        return [0.0, 1.0]
    power = 10.0 ** floor(log10(highest / STEPS))
    step = next(k * power for k in (1, 2, 5, 10) if highest <= STEPS * k * power * (1 + 1e-9))
    return [step * i for i in range(ceil(highest / step - 1e-9) + 1)]


def _panel(panel: Panel, chart: Chart) -> str:
    upright = marks(max(max(values) for values in panel.lines.values()))
    low, high = log10(min(chart.sizes)), log10(max(chart.sizes))

    def x(size: float) -> float:
        share = (log10(size) - low) / (high - low) if high > low else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / upright[-1] * (HEIGHT - TOP - BOTTOM)

    title = escape(f"{panel.title}({panel.unit})")
    parts = [f'<text class="name" x="4" y="15">{title}</text>']
    for value in upright:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(f'<text class="y" x="{LEFT - 6}" y="{y(value) + 4:.1f}">{_short(value)}</text>')
    for size in chart.sizes:
        parts.append(f'<text class="x" x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 16}">{size:,}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text class="x" x="{middle}" y="{HEIGHT - 8}">{escape(chart.of)}数(对数)</text>')
    for number, (name, values) in enumerate(panel.lines.items()):
        points = [(x(size), y(value)) for size, value in zip(chart.sizes, values, strict=True)]
        path = "".join(
            f'<line x1="{a:.1f}" y1="{b:.1f}" x2="{c:.1f}" y2="{d:.1f}"/>' for (a, b), (c, d) in pairwise(points)
        )
        dots = "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5"><title>{size:,} {escape(chart.of)}:{escape(name)} '
            f"{_short(value)} {escape(panel.unit)}</title></circle>"
            for (a, b), size, value in zip(points, chart.sizes, values, strict=True)
        )
        parts.append(f'<g class="line n{number}">{path}{dots}</g>')
        if len(panel.lines) > 1:
            parts.append(_key(name, number))
    said = escape(f"{panel.title}({panel.unit})随{chart.of}数的变化,数值见下表")
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{said}">{"".join(parts)}</svg>'


def _key(name: str, number: int) -> str:
    """Return what says which line is which, at the top on the right."""
    at = WIDTH - RIGHT - 160 + 84 * number
    return (
        f'<g class="line n{number}"><line x1="{at}" x2="{at + 22}" y1="30" y2="30"/>'
        f'<text x="{at + 27}" y="34">{escape(name)}</text></g>'
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{round(value, 2):g}"
