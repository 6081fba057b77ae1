"""Runs the benchmarks that can be run here and puts what they measured into tables and one page, bench/report.html.

Every figure comes from a command of `yousu bench` run now, or from the manifest of the bundle in use; what cannot be
run (a data set that is not there, a peer that is not installed) is told as not run, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.commands import ROOT, keep_figures, write
from bench.page import page
from bench.parts import PARTS, SIZES, TOO_LONG, growth, head_growth, trainings
from bench.sections import NOT_RUN, Section, overview
from bench.where import here

SHARED = ROOT.parent / "shared" / "data"


def show(sections: list[Section]) -> None:
    """Print the report."""
    from rich.console import Console
    from rich.table import Column, Table

    console = Console()
    for s in sections:
        if s.why_not:
            console.print(f"{s.title}:{NOT_RUN}({s.why_not})", markup=False)
            continue
        table = Table(*s.head, title=s.title, caption=s.note, title_justify="left", caption_justify="left")
        for row in s.rows:
            table.add_row(*row)
        console.print(table)
    questions = overview(sections)
    heads = [Column(head, overflow="fold") for head in ("问题", "测的是什么", "有诉", "比照", "之比")]
    table = Table(*heads, title="总览", title_justify="left")
    for question in questions:
        for f, _ in question.figures:
            beside = "" if f.other is None else f"{f.beside} {f.said(f.other)}"
            table.add_row(question.topic, f.what, f.said(f.ours), beside, f.ratio)
    console.print(table)
    for question in questions:
        for line in question.not_run:
            console.print(f"{question.topic},{NOT_RUN}:{line}", markup=False)


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
    where = here()
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
        keep_figures(chosen.figures, str(where))


if __name__ == "__main__":
    main()
