"""Runs the benchmarks that can be run here and puts what they measured into one table and one page, bench/report.html.

Every figure comes from a command of `yousu bench` run now, or from the manifest of the bundle in use; what cannot be
run (a data set that is not there, a peer that is not installed) is told as not run, with the reason.
"""

from __future__ import annotations

import argparse
import html
import os
import platform
import sys
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.commands import ROOT, keep_figures, write
from bench.parts import PARTS, SIZES, TOO_LONG, growth, head_growth, trainings
from bench.sections import NOT_RUN, Section

SHARED = ROOT.parent / "shared" / "data"


def machine() -> str:
    """Return what the figures were measured on."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{platform.machine()},{cores} 核,Python {platform.python_version()};开始时负载 {load:.1f}"


def page(sections: list[Section], where: str) -> str:
    """Return the report as one HTML page that loads nothing."""
    parts = []
    for s in sections:
        body = f"<p class=no>{NOT_RUN}:{html.escape(s.why_not)}</p>"
        if not s.why_not:
            head = "".join(f"<th>{html.escape(h)}</th>" for h in s.head)
            lines = ("".join(f"<td>{html.escape(c)}</td>" for c in row) for row in s.rows)
            body = f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
        note = f"<p class=note>{html.escape(s.note)}</p>" if s.note else ""
        parts.append(f"<section><h2>{html.escape(s.title)}</h2>{body}{note}</section>")
    style = (
        "body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #ccc;text-align:left}"
        ".note{color:#555}.no{color:#8a4b00}"
    )
    return (
        f"<!doctype html><html lang=zh-CN><meta charset=utf-8><title>有诉测评</title><style>{style}</style>"
        f"<h1>有诉测评</h1><p class=note>{html.escape(where)}</p>{''.join(parts)}</html>\n"
    )


def show(sections: list[Section]) -> None:
    """Print the report."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for s in sections:
        if s.why_not:
            console.print(f"{s.title}:{NOT_RUN}({s.why_not})", markup=False)
            continue
        table = Table(*s.head, title=s.title, caption=s.note, title_justify="left", caption_justify="left")
        for row in s.rows:
            table.add_row(*row)
        console.print(table)


def main() -> None:
    """Run the parts that the command line names, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"parts to run: {', '.join(PARTS)}; all by default")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with the public sets")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "report.html")
    parser.add_argument("--figures", type=Path, help="JSON file to keep the figures in, such as docs/measured.json")
    parser.add_argument(
        "--long", action="store_true", help="also what takes long: a million entries, 5,000 leaves, 100,000 tickets"
    )
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.parts) - set(PARTS)):
        parser.error(f"unknown part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    where, cores = machine(), len(os.sched_getaffinity(0))
    english = (
        f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} before"
    )
    parts = dict(PARTS)
    if chosen.long:
        parts["growth"] = partial(growth, sizes=(*SIZES, *TOO_LONG), too_long=())
        parts["head-growth"] = partial(head_growth, options=("--long",))
        parts["training"] = partial(trainings, options=("--long",))
    sections = [s for name in chosen.parts or parts for s in parts[name](chosen.shared)]
    show(sections)
    write(chosen.out, page(sections, where))
    print(chosen.out)
    if chosen.figures:
        keep_figures(chosen.figures, english)


if __name__ == "__main__":
    main()
