"""The benchmarks of the report, one function a part: which command is run, and the table that is made of it.

A new benchmark is a function here and a name in `PARTS`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.beside import peers
from bench.commands import ROOT, bench
from bench.sections import NOT_RUN, NotRunError, Section, attempt, compared, shown
from bench.sets import LABELLED, RETRIEVAL, collections, labelled_tables

SIZES, TOO_LONG = (1_000, 10_000, 100_000), (1_000_000,)
"""Numbers of entries that are measured, and those measured only with --long (a million takes long)."""
ENTRIES_GROWTH = "增长:条目"


def retrieval(shared: Path) -> list[Section]:
    """Retrieval on public sets, beside the usual baselines."""
    return [
        attempt(f"检索:{c.name}", lambda c=c: compared(f"检索:{c.name}", c.measured(), RETRIEVAL))
        for c in collections(shared)
    ]


def labelled(shared: Path) -> list[Section]:
    """What labelled rows teach, cross-validated."""
    return [
        attempt(t.title, lambda t=t: compared(f"{t.title}(5 折)", t.measured(), LABELLED))
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
        return Section("答复:自己的问题", ("", "首条命中", "答复率", "答对率", "误答率"), rows, note=note)

    return [attempt("答复:自己的问题", run)]


def speed(_: Path) -> list[Section]:
    """Latency, throughput, start-up and memory of a service started for it."""

    def run() -> Section:
        names = {
            "single call p50 (HTTP, ms)": "一通来电 p50(毫秒)", "single call p99 (HTTP, ms)": "一通来电 p99(毫秒)",
            "encoder alone p50 (ms)": "只编码 p50(毫秒)", "ratio to the encoder": "与只编码之比",
            "calls per second, 8 clients": "8 个客户端,每秒", "start-up (s)": "启动(秒)",
            "resident memory (MB)": "常驻内存(MB)",
        }  # fmt: skip
        found = bench("serve")
        return Section("速度", ("", "值"), [(names.get(k, k), v) for k, v in found.items()])

    return [attempt("速度", run)]


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
        return Section("各模型与长来电", ("", "值"), rows, note="长来电是仿写的,只用来测量")

    return [attempt("各模型与长来电", run)]


def manifest(_: Path) -> list[Section]:
    """What the training of the bundle in use measured on rows its model had not seen, with calibration."""
    from models.locations import bundle_dir

    def run() -> Section:
        file = bundle_dir() / "manifest.json"
        if not file.is_file():
            raise NotRunError(f"没有 {file.name}")
        made = json.loads(file.read_text(encoding="utf-8"))
        rows = []
        for name, measured in made["metrics"]["category"].items():
            if isinstance(measured, dict) and "levels" in measured:
                rows += [
                    (f"{name} 第{i}级", f"{x['accuracy']:.3f}", f"{x['ece']:.3f}", str(measured.get("rows", "")))
                    for i, x in enumerate(measured["levels"], start=1)
                ]
        if kind := made["metrics"].get("request_type"):
            rows.append(("诉求类型", f"{kind['accuracy']:.3f}", f"{kind['ece']:.3f}", str(kind["rows"])))
        note = f"模型包 {made['version']};训练时测得,不是现在重测的"
        return Section("校准:模型包清单", ("", "准确率", "校准误差", "条数"), rows, note=note)

    return [attempt("校准:模型包清单", run)]


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
        return Section(ENTRIES_GROWTH, head, rows, note=note)

    return [attempt(ENTRIES_GROWTH, run)]


def head_growth(_: Path, options: Sequence[str] = ()) -> list[Section]:
    """What the category head costs as leaves and tickets grow; `options` are those of `yousu bench growth`."""
    head = ("末级", "工单", "训练(秒)", "其中 CPU(秒)", "内存峰值(MB)", "一次 p50 / p95(毫秒)", "磁盘(MB)", "负载")
    note = "工单由书写样例合成,向量随机成簇,不说明准确率;“一次”是已有向量时判断一件,不含编码"
    curves = {"leaves": "增长:分类末级", "tickets": "增长:工单"}
    try:
        found = bench("growth", *options)
    except NotRunError as reason:
        return [Section(title, why_not=str(reason)) for title in curves.values()]
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
        left = [f"{size:,}" for size in found["not_run"].get(curve, [])]
        rows += [(*((size, "") if curve == "leaves" else ("", size)), NOT_RUN, *[""] * 5) for size in left]
        sections.append(Section(title, head, rows, note=note + (";未运行的太久,加 --long 才跑" if left else "")))
    return sections


def trainings(_: Path, options: Sequence[str] = ()) -> list[Section]:
    """What a whole training costs by the number of tickets; `options` are those of `yousu bench training`."""

    def run() -> Section:
        rows = [
            (
                f"{m['tickets']:,}", f"{m['wall_s']:.0f}", f"{m['cpu_s']:.0f}", f"{m['peak_mb']:,}",
                *(f"{m['cpu_seconds'].get(step, 0):.0f}" for step in ("embed", "fit")), f"{m['estimated']:,}",
                str(m["load"]),
            )
            for m in bench("training", *options)["sizes"]
        ]  # fmt: skip
        head = ("工单", "合计(秒)", "CPU(秒)", "内存峰值(MB)", "其中编码 CPU", "训练 CPU", "向量由用词估计的", "负载")
        return Section("增长:整次训练", head, rows, note="由读表到写出模型包;工单由书写样例合成,不说明准确率")

    return [attempt("增长:整次训练", run)]


PARTS: dict[str, Callable[[Path], list[Section]]] = {
    "retrieval": retrieval, "labelled": labelled, "answers": answers, "speed": speed, "heads": heads,
    "manifest": manifest, "growth": growth, "head-growth": head_growth, "training": trainings,
    "peers": peers,
}  # fmt: skip
