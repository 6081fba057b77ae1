"""The benchmarks of the report, one function a part: which command is run, and the table that is made of it.

A new benchmark is a function here and a name in `PARTS`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.beside import peers
from bench.commands import ROOT, bench
from bench.sections import (
    ANSWERS,
    CLASSES,
    NOT_RUN,
    SCALE,
    SPEED,
    Chart,
    Figure,
    NotRunError,
    Panel,
    Section,
    attempt,
    compared,
    shown,
)
from bench.sets import LABELLED, RETRIEVAL, collections, labelled_tables

SIZES, TOO_LONG = (1_000, 10_000, 100_000), (1_000_000,)
"""Numbers of entries that are measured, and those measured only with --long (a million takes long)."""
ENTRIES_GROWTH = "增长:条目"
ROWS = {"held_out_author": "留出作者", "author_batches_left_out": "只学一半作者"}
"""What the rows are called on which the training of the bundle measured."""


def retrieval(shared: Path) -> list[Section]:
    """Retrieval on public sets, beside the usual baselines."""
    return [
        attempt(f"检索:{c.name}", lambda c=c: compared(f"检索:{c.name}", c.measured(), RETRIEVAL, c.name), ANSWERS)
        for c in collections(shared)
    ]


def labelled(shared: Path) -> list[Section]:
    """What labelled rows teach, cross-validated."""
    return [
        attempt(t.title, lambda t=t: compared(f"{t.title}(5 折)", t.measured(), LABELLED, t.name), t.topic)
        for t in labelled_tables(shared)
    ]


def answers(_: Path) -> list[Section]:
    """Our own questions, folds by entry and authors left out."""

    def run() -> Section:
        found = bench("answers")
        names = ("retrieval_r1", "answered", "right_among_answered", "off_topic_answered")
        rows = [("按条目分折", *(shown(found[n]) for n in names))]
        rows += [(f"作者 {a} 全部留出", *(shown(f[n]) for n in names)) for a, f in found["authors"].items()]
        note = f"{found['questions']} 个书写的问题,其中 {found['off_topic_questions']} 个没有条目能答"
        note += f";校准误差 {found['ece']:.3f}"
        made = Section("答复:自己的问题", ("", "首条命中", "答复率", "答对率", "误答率"), rows, note=note)
        made.bars = {
            at: tuple(f[name] for f in (found, *found["authors"].values())) for at, name in enumerate(names, start=1)
        }
        made.figures = tuple(
            Figure(f"自己的问题,{said}", found[name], aside=_spread([f[name] for f in found["authors"].values()]))
            for name, said in (("right_among_answered", "答对率"), ("off_topic_answered", "误答率(越小越好)"))
            if found[name] is not None
        )
        return made

    return [attempt("答复:自己的问题", run, ANSWERS)]


def _spread(shares: Sequence[float | None]) -> str:
    """Return between what the shares of authors left out lie; nothing where there is none."""
    there = [x for x in shares if x is not None]
    return f"作者全部留出时 {min(there):.3f} 至 {max(there):.3f}" if there else ""


def speed(_: Path) -> list[Section]:
    """Latency, throughput, start-up and memory of a service started for it."""

    def run() -> Section:
        names = {
            "single call p50 (HTTP, ms)": "一通来电 p50(毫秒)", "single call p99 (HTTP, ms)": "一通来电 p99(毫秒)",
            "encoder alone p50 (ms)": "只编码 p50(毫秒)", "ratio to the encoder": "与只编码之比",
            "calls per second, 8 clients": "8 个客户端,每秒", "start-up (s)": "启动(秒)",
            "resident memory (MB)": "常驻内存(MB)",
        }  # fmt: skip
        load = os.getloadavg()[0]
        found = bench("serve")
        timed = [k for k in names if k.endswith("ms)")]
        call, late, encoder = (float(found[k]) for k in timed)
        made = Section(
            "速度", ("", "值"), [(names.get(k, k), v) for k, v in found.items()], note=f"测前负载 {load:.1f}"
        )
        made.bars = {1: tuple(float(found[k]) if k in timed else None for k in found)}
        made.full, made.load = max(call, late, encoder), load
        made.figures = (
            Figure("一通来电 p50", call, "毫秒", "只编码", encoder, rival=False, aside=f"p99 {late:.1f} 毫秒"),
            Figure("8 个客户端,每秒", float(found["calls per second, 8 clients"]), "通"),
        )
        return made

    return [attempt("速度", run, SPEED)]


def heads(_: Path) -> list[Section]:
    """The heads without the encoder, the size of the bundle, and what is made of calls as long as real ones."""
    calls = ROOT / "tests" / "data" / "long_calls.csv"

    def run() -> Section:
        found = bench("heads", "--calls", str(calls), needs=(calls,))
        together, read = found["milliseconds"]["together"], found["calls"]
        counts = {f"长来电第{i}级正确": x for i, x in enumerate(read["levels"], start=1)}
        counts["长来电诉求类型正确"] = read["request_type"]
        rows = [
            ("不含编码 p50 / p95(毫秒)", f"{together['p50']:.2f} / {together['p95']:.2f}"),
            ("模型包(MB)", f"{found['megabytes']['together']:.1f}"),
            *((name, f"{x['right']} / {x['of']}") for name, x in counts.items()),
            *(
                (f"长来电{name}", f"{x['parted']} / {x['of']}")
                for name, x in (("几件事拆开", read["parted"]["several"]), ("一件事误拆", read["parted"]["single"]))
            ),
        ]  # fmt: skip
        made = Section("各模型与长来电", ("", "值"), rows, note="长来电是仿写的,只用来测量")
        shares = [x["right"] / x["of"] for x in counts.values()]
        shares += [x["parted"] / x["of"] for x in (read["parted"]["several"], read["parted"]["single"])]
        made.bars = {1: (*[None] * (len(rows) - len(shares)), *shares)}
        return made

    return [attempt("各模型与长来电", run, CLASSES)]


def manifest(_: Path) -> list[Section]:
    """What the training of the bundle in use measured on rows its model had not seen, with calibration."""
    from models.locations import bundle_dir

    def run() -> Section:
        file = bundle_dir() / "manifest.json"
        if not file.is_file():
            raise NotRunError(f"没有 {file.name}")
        made = json.loads(file.read_text(encoding="utf-8"))
        category = made["metrics"]["category"]
        told = {
            f"{name} 第{i}级": (x, category[key]["rows"])
            for key, name in ROWS.items()
            if key in category
            for i, x in enumerate(category[key]["levels"], start=1)
        }
        if kind := made["metrics"].get("request_type"):
            told["诉求类型"] = (kind, kind["rows"])
        rows = [(name, f"{x['accuracy']:.3f}", f"{x['ece']:.3f}", str(n)) for name, (x, n) in told.items()]
        note = f"模型包 {made['version']};训练时测得,不是现在重测的"
        section = Section("校准:模型包清单", ("", "准确率", "校准误差", "条数"), rows, note=note)
        section.bars = {1: tuple(x["accuracy"] for x, _ in told.values())}
        fresh, halves = (category.get(key, {}).get("levels") for key in ROWS)
        if fresh:
            aside = f"{ROWS['author_batches_left_out']}时 {halves[-1]['accuracy']:.3f}" if halves else ""
            section.figures = (Figure(f"自己的目录,第{len(fresh)}级,留出作者", fresh[-1]["accuracy"], aside=aside),)
        return section

    return [attempt("校准:模型包清单", run, CLASSES)]


def growth(_: Path, sizes: Sequence[int] = SIZES, too_long: Sequence[int] = TOO_LONG) -> list[Section]:
    """How the index over entries grows; sizes that take too long are told as not run."""

    def run() -> Section:
        options = [word for size in sizes for word in ("--entries", str(size))]
        found = bench("index", *options, "--queries", "200")["sizes"]
        rows = [
            (
                f"{m['entries']:,}", f"{m['build_s']:.1f}", str(m["memory_mb"]),
                *(f"{m[k]['p50']:.1f} / {m[k]['p95']:.1f}" for k in ("search_ms", "encoder_ms", "upsert_ms")),
                str(m["load"]),
            )
            for m in found
        ]  # fmt: skip
        rows += [(f"{size:,}", NOT_RUN, *[""] * 5) for size in too_long]
        head = ("条目", "建索引(秒)", "内存(MB)", "检索 p50 / p95(毫秒)", "旁边的编码(毫秒)", "改一条(毫秒)", "负载")
        note = "文字与向量为随机生成,每条 4 问 1 段" + (";未运行的太久,加 --long 才跑" if too_long else "")
        search = {p: tuple(m["search_ms"][p] for m in found) for p in ("p50", "p95")}
        panels = (
            Panel("检索", "毫秒", search),
            Panel("建索引", "秒", {"建索引": tuple(m["build_s"] for m in found)}),
            Panel("内存", "MB", {"内存": tuple(m["memory_mb"] for m in found)}),
        )
        made = Section(ENTRIES_GROWTH, head, rows, note=note, load=max(m["load"] for m in found))
        made.chart = Chart("条目", tuple(m["entries"] for m in found), panels, tuple(too_long))
        made.figures = (_grown("{:,} 个条目,检索 p50", "毫秒", made.chart, search["p50"], found[-1]["memory_mb"]),)
        return made

    return [attempt(ENTRIES_GROWTH, run, SCALE)]


def _grown(what: str, unit: str, chart: Chart, values: Sequence[float], megabytes: float) -> Figure:
    """Return the figure of the largest size measured beside that of the smallest."""
    small, large = chart.sizes[0], chart.sizes[-1]
    beside, other = (f"{small:,} 时", values[0]) if small != large else ("", None)
    return Figure(what.format(large), values[-1], unit, beside, other, rival=False, aside=f"内存 {megabytes:,} MB")


def head_growth(_: Path, options: Sequence[str] = ()) -> list[Section]:
    """What the category head costs as leaves and tickets grow; `options` are those of `yousu bench growth`."""
    head = ("末级", "工单", "训练(秒)", "其中 CPU(秒)", "内存峰值(MB)", "一次 p50 / p95(毫秒)", "磁盘(MB)", "负载")
    note = "工单由书写样例合成,向量随机成簇,不说明准确率;“一次”是已有向量时判断一件,不含编码"
    curves = {"leaves": "增长:分类末级", "tickets": "增长:工单"}
    try:
        found = bench("growth", *options)
    except NotRunError as reason:
        return [Section(title, why_not=str(reason), topic=SCALE) for title in curves.values()]
    sections = []
    for curve, title in curves.items():
        rows: list[tuple[str, ...]] = [
            (
                f"{m['leaves']:,}", f"{m['tickets']:,}", f"{m['fit_s']:.1f}", f"{m['fit_cpu_s']:.1f}",
                str(m["peak_mb"]), f"{m['call_ms']['p50']:.2f} / {m['call_ms']['p95']:.2f}", f"{m['size_mb']:.1f}",
                str(m["load"]),
            )
            for m in found[curve]
        ]  # fmt: skip
        left = found["not_run"].get(curve, [])
        rows += [
            (*((f"{size:,}", "") if curve == "leaves" else ("", f"{size:,}")), NOT_RUN, *[""] * 5) for size in left
        ]
        made = Section(title, head, rows, note=note + (";未运行的太久,加 --long 才跑" if left else ""), topic=SCALE)
        made.chart, made.load = _costs(found[curve], curve, left), max((m["load"] for m in found[curve]), default=0)
        sections.append(made)
    return sections


def _costs(measured: Sequence[dict[str, Any]], curve: str, left: Sequence[int]) -> Chart:
    """Return the chart of what the category head costs."""
    panels = (
        Panel(
            "训练", "秒", {"合计": tuple(m["fit_s"] for m in measured), "CPU": tuple(m["fit_cpu_s"] for m in measured)}
        ),
        Panel("判断一件", "毫秒", {p: tuple(m["call_ms"][p] for m in measured) for p in ("p50", "p95")}),
        Panel("内存峰值", "MB", {"内存峰值": tuple(m["peak_mb"] for m in measured)}),
    )
    return Chart("末级" if curve == "leaves" else "工单", tuple(m[curve] for m in measured), panels, tuple(left))


def trainings(_: Path, options: Sequence[str] = ()) -> list[Section]:
    """What a whole training costs by the number of tickets; `options` are those of `yousu bench training`."""

    from training.limits import MANY_TRAININGS

    def run() -> Section:
        found = bench("training", *options)["sizes"]
        rows = [
            (
                f"{m['tickets']:,}", f"{m['wall_s']:.0f}", f"{m['cpu_s']:.0f}", f"{m['peak_mb']:,}",
                *(f"{m['cpu_seconds'].get(step, 0):.0f}" for step in ("embed", "fit")), f"{m['estimated']:,}",
                str(m["load"]),
            )
            for m in found
        ]  # fmt: skip
        head = ("工单", "合计(秒)", "CPU(秒)", "内存峰值(MB)", "其中编码 CPU", "训练 CPU", "向量由用词估计的", "负载")
        made = Section("增长:整次训练", head, rows, note="由读表到写出模型包;工单由书写样例合成,不说明准确率")
        wall = tuple(m["wall_s"] for m in found)
        panels = (
            Panel("整次训练", "秒", {"合计": wall, "CPU": tuple(m["cpu_s"] for m in found)}),
            Panel("内存峰值", "MB", {"内存峰值": tuple(m["peak_mb"] for m in found)}),
        )
        left = () if "--long" in options else MANY_TRAININGS
        made.chart, made.load = (
            Chart("工单", tuple(m["tickets"] for m in found), panels, left),
            max(m["load"] for m in found),
        )
        made.figures = (_grown("用 {:,} 件工单训练一次", "秒", made.chart, wall, found[-1]["peak_mb"]),)
        return made

    return [attempt("增长:整次训练", run, SCALE)]


PARTS: dict[str, Callable[[Path], list[Section]]] = {
    "retrieval": retrieval, "labelled": labelled, "answers": answers, "speed": speed, "heads": heads,
    "manifest": manifest, "growth": growth, "head-growth": head_growth, "training": trainings,
    "peers": peers,
}  # fmt: skip
