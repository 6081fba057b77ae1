"""The operator's commands: ask, route, assist and mask on a text or a file, prepare, serve and bench."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from serve.engine import Engine
    from serve.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="有诉:12345 热线的政策答复、诉求分类与派单", pretty_exceptions_enable=False
)
bench_app = typer.Typer(no_args_is_help=True, help="测速,检索、分类与派单测评")
app.add_typer(bench_app, name="bench")

Text = Annotated[str | None, typer.Argument(help="来电文字")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]
In = Annotated[Path | None, typer.Option("--file", help="来电文件,.csv 或 .xlsx")]
Out = Annotated[Path | None, typer.Option("--out", help="结果文件,.csv 或 .xlsx")]
Column = Annotated[str | None, typer.Option(help="文字所在的列")]
BundleOption = Annotated[Path | None, typer.Option(help="模型包文件夹")]
Encoding = Annotated[str, typer.Option(help="CSV 的编码,如 utf-8、gb18030")]


def _fail(message: object) -> typer.Exit:
    typer.echo(f"错误:{message}", err=True)
    return typer.Exit(1)


def _settings(bundle: Path | None) -> Settings:
    from serve.settings import Settings

    return Settings(bundle=bundle) if bundle else Settings()


def _engine(bundle: Path | None) -> Engine:
    from models.bundle import BundleError
    from models.catalog import CatalogError
    from serve.engine import Engine

    try:
        return Engine(_settings(bundle))
    except (BundleError, CatalogError, OSError) as error:
        raise _fail(error) from error


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1))


@app.command()
def ask(
    text: Text = None, file: In = None, out: Out = None, text_column: Column = None, bundle: BundleOption = None,
    encoding: Encoding = "utf-8", as_json: AsJson = False,
) -> None:  # fmt: skip
    """问政策:从知识库给出可读出的答复,没有把握就说没有。"""
    from serve.inputs import InputError
    from serve.views import ASK_COLUMNS, answers_json, ask_row

    if file:
        _work(file, out, text_column, encoding, ASK_COLUMNS, lambda e, t: ask_row(e.answer(t, record=False)), bundle)
        return
    engine = _engine(bundle)
    try:
        result = engine.answer(text or "")
    except InputError as error:
        raise _fail(error) from error
    if as_json:
        _print({**answers_json(result), "versions": engine.versions})
        return
    if not result.answered:
        typer.echo("没有把握的答复。最接近的条目:")
        for a in result.answers:
            typer.echo(f"  {a.entry_id} {a.question}({a.confidence:.0%})")
        return
    best = result.answers[0]
    typer.echo(
        f"{best.answer}\n依据:{best.basis}  部门:{best.department}  条目:{best.entry_id}  把握:{best.confidence:.0%}"
    )
    for warning in best.warnings:
        typer.echo(f"注意:{warning}")


@app.command()
def route(
    text: Text,
    bundle: BundleOption = None,
    as_json: AsJson = False,
    returned_by: Annotated[
        list[str] | None, typer.Option(help="退回过本单的单位,可写作 单位:理由,可重复给出;不再提出它")
    ] = None,
) -> None:
    """派单:给出主办、协办、方式、理由和该追问的一句。"""
    from serve.inputs import InputError
    from serve.views import category_json, route_json

    gone = [(unit, why) for unit, _, why in (r.replace(":", ":").partition(":") for r in returned_by or ())]
    try:
        a = _engine(bundle).assist(text or "", returned_by=gone)
    except InputError as error:
        raise _fail(error) from error
    if as_json:
        _print({"category": category_json(a.category), "route": route_json(a.route), "versions": a.versions})
        return
    for target in a.route.targets:
        role = "主办" if target.role == "lead" else "协办"
        typer.echo(f"{role} {' / '.join(target.path)}({target.probability:.0%})")
        for e in target.evidence:
            typer.echo(f"    {e.text}")
    typer.echo(f"方式:{MODES[a.route.mode]}  追问:{a.route.ask or '无'}")


MODES = {"direct": "直接派单", "parallel": "并行派单", "negotiate": "会商后派单", "emergency": "紧急转接"}


@app.command()
def assist(
    text: Text = None, file: In = None, out: Out = None, text_column: Column = None, bundle: BundleOption = None,
    encoding: Encoding = "utf-8", as_json: AsJson = False,
) -> None:  # fmt: skip
    """坐席辅助:答复、分类、类型、风险、地点、派单一次给全。"""
    from serve.inputs import InputError
    from serve.views import ASSIST_COLUMNS, assist_json, assist_row

    if file:
        _work(
            file, out, text_column, encoding, ASSIST_COLUMNS, lambda e, t: assist_row(e.assist(t, record=False)), bundle
        )  # fmt: skip
        return
    try:
        a = _engine(bundle).assist(text or "")
    except InputError as error:
        raise _fail(error) from error
    if as_json:
        _print(assist_json(a))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    names = dict(zip(ASSIST_COLUMNS, LABELS, strict=True))
    row = assist_row(a)
    row["mode"] = MODES[row["mode"]]
    for key, label in names.items():
        if row[key]:
            table.add_row(label, row[key])
    if a.note:
        table.add_row("说明", a.note)
    Console().print(table)


LABELS = (
    "诉求类型", "一级", "二级", "三级", "四级", "五级", "代码", "可信层级", "分类把握", "主办", "协办", "方式", "区县",
    "街道", "风险", "转接", "诉求数", "追问", "能否答复", "条目", "答复", "答复把握",
)  # fmt: skip


def _work(
    file: Path, out: Path | None, column: str | None, encoding: str, added: Sequence[str],
    work: Callable[[Engine, str], dict[str, str]], bundle: Path | None,
) -> None:  # fmt: skip
    """Run `work` over a file's rows with an engine, which is loaded once the file is known to be readable.

    A file is not a call: it leaves no hits and no unanswered questions behind.
    """

    def load() -> Callable[[str], dict[str, str]]:
        engine = _engine(bundle)
        return lambda text: work(engine, text)

    _over_rows(file, out, column, encoding, added, load)


def _over_rows(
    file: Path, out: Path | None, column: str | None, encoding: str, added: Sequence[str],
    load: Callable[[], Callable[[str], dict[str, str]]],
) -> None:  # fmt: skip
    """Run what `load` gives over a file's rows; rows that cannot be worked on go to a second file with the reason."""
    from rich.progress import track

    from serve.files import FileError, Row, is_damaged, read_table, text_column, write_rows
    from serve.inputs import InputError

    target = out or file.with_name(f"{file.stem}.result{file.suffix}")
    try:
        columns, rows = read_table(file, encoding)
        name = text_column(file, columns, column)
    except (FileError, LookupError, OSError) as error:
        raise _fail(error) from error
    work = load()
    started = time.perf_counter()

    def one(row: Row) -> tuple[dict[str, str], bool]:
        """Return the row with its results, or with the reason why it was set aside."""
        try:
            if row.fault:
                raise InputError(row.fault)
            if is_damaged(row.cells):
                raise InputError(f"编码:应为 {encoding},有无法识别的字节")
            return {**row.cells, **work(row.cells[name])}, True
        except InputError as error:
            return {**row.cells, "row": str(row.number), "reason": str(error)}, False

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = list(track(pool.map(one, rows), description="处理", total=len(rows)))
    done = [row for row, good in results if good]
    aside = [row for row, good in results if not good]
    pace = len(rows) / max(time.perf_counter() - started, 1e-9)
    clashing = [c for c in columns if c in added]
    try:
        write_rows(target, [*(c for c in columns if c not in clashing), *added], done)
        rejected = target.with_name(f"{target.stem}.rejected{target.suffix}")
        if aside:
            write_rows(rejected, [*columns, "row", "reason"], aside)
    except (FileError, OSError) as error:
        raise _fail(error) from error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    typer.echo(f"{target}:{len(done)} 行" + (f";{len(aside)} 行有问题,见 {rejected}" if aside else ""))
    typer.echo(f"每秒 {pace:.1f} 行,内存最多 {peak:.0f} MB")


@app.command("mask")
def mask_text(
    text: Text = None, file: In = None, out: Out = None, text_column: Column = None, encoding: Encoding = "utf-8"
) -> None:
    """脱敏:姓名、电话、证件、卡号、车牌、邮箱、微信、房号换成标记;文件加一列 masked。"""
    from models.masking import mask
    from serve.inputs import InputError, accept

    if file:
        _over_rows(file, out, text_column, encoding, ("masked",), lambda: lambda t: {"masked": mask(accept(t))})
        return
    try:
        typer.echo(mask(accept(text or "")))
    except InputError as error:
        raise _fail(error) from error


@app.command()
def prepare() -> None:
    """准备:检查目录与模型包,建库、建索引;可重复执行,不联网。"""
    engine = _engine(None)
    typer.echo(f"就绪:模型包 {engine.bundle.version},目录 {engine.catalog.version},知识库 {engine.kb_version}")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="监听地址,默认只限本机")] = None,
    port: Annotated[int | None, typer.Option(help="端口")] = None,
    bundle: BundleOption = None,
) -> None:
    """启动服务与坐席页面。"""
    from serve.running import START_FAULTS, run

    try:
        run(host=host, port=port, bundle=bundle, on_start=lambda where: typer.echo(f"有诉已启动:{where}"))
    except START_FAULTS as error:
        raise _fail(error) from error


@bench_app.command("serve")
def bench_serve(as_json: AsJson = False, seconds: Annotated[float, typer.Option(help="每项秒数")] = 5.0) -> None:
    """单次时延、并发吞吐、启动时间与常驻内存,一张表。"""
    from serve.bench import measure

    figures = measure(seconds)
    if as_json:
        _print(figures)
        return
    for key, value in figures.items():
        typer.echo(f"{key:<34}{value}")


@bench_app.command("heads")
def bench_heads(
    calls: Annotated[
        Path | None, typer.Option(help="带标注的来电 CSV(text、code、request_type,可有 requests):另测分类与拆分")
    ] = None,
    bundle: BundleOption = None,
    as_json: AsJson = False,
) -> None:
    """各模型不含编码的时延、模型包各部分大小;给出带标注的来电时,另测各级、诉求类型与拆分的正确数。"""
    from serve.heads_bench import CallsError, accuracy, read_calls, sizes, timings

    try:
        rows = read_calls(calls) if calls else []
    except (CallsError, OSError) as error:
        raise _fail(error) from error
    engine = _engine(bundle)
    figures: dict[str, Any] = {"milliseconds": timings(engine), "megabytes": sizes(engine.settings.bundle_now)}
    if rows:
        figures["calls"] = accuracy(engine, rows)
    if as_json:
        _print(figures)
        return
    names = {"category": "分类", "request_type": "诉求类型", "risk": "风险(规则与模型)", "together": "合计"}
    typer.echo(f"不含编码,一次一通,末级 {len(engine.bundle.category.classes_)} 类:")
    for name, row in figures["milliseconds"].items():
        typer.echo(f"  {names[name]}:p50 {row['p50']:.2f} 毫秒,p95 {row['p95']:.2f} 毫秒")
    typer.echo(
        "模型包:" + ",".join(f"{'合计' if k == 'together' else k} {v} MB" for k, v in figures["megabytes"].items())
    )
    if rows:
        read = figures["calls"]
        levels = ",".join(f"第{i}级 {x['right']}/{x['of']}" for i, x in enumerate(read["levels"], start=1))
        kind, parted = read["request_type"], read["parted"]
        typer.echo(f"{calls}:{levels};诉求类型 {kind['right']}/{kind['of']}")
        if parted["single"]["of"] + parted["several"]["of"]:
            several, single = parted["several"], parted["single"]
            typer.echo(
                f"几件事的拆开 {several['parted']}/{several['of']},一件事的误拆 {single['parted']}/{single['of']}"
            )


@bench_app.command("updates")
def bench_updates(
    as_json: AsJson = False, changes: Annotated[int, typer.Option(min=5, help="发布并停用多少条")] = 40
) -> None:
    """更新可见时延:条目发布到查得到、停用到查不到,另起的真实服务上测,毫秒。"""
    from serve.updates_bench import measure

    try:
        figures = measure(changes)
    except (RuntimeError, OSError) as error:
        raise _fail(error) from error
    if as_json:
        _print(figures)
        return
    names = {
        "published_found": "在服务上发布到查得到", "retired_gone": "在服务上停用到查不到",
        "elsewhere_found": "由别的进程发布到查得到(服务定时查看)",
    }  # fmt: skip
    for key, row in figures.items():
        typer.echo(f"{names[key]}:p50 {row['p50']} 毫秒,p95 {row['p95']} 毫秒({row['n']} 次)")


@bench_app.command("load")
def bench_load(
    seconds: Annotated[float, typer.Option(help="每项秒数")] = 8.0,
    entries: Annotated[
        int, typer.Option(min=0, help="条目数:随附条目之外以拼凑的补足,另存于 home 下的 load-条目数;0 = 现有的条目")
    ] = 0,
) -> None:
    """压测:平稳、饱和、4 倍过载,旁列空接口与单独编码;写明条目、末级类目、核数与负载。"""
    from serve.load import measure

    try:
        rows = measure(seconds, entries)
    except (ValueError, RuntimeError, OSError) as error:
        raise _fail(error) from error
    for what, figure in rows:
        typer.echo(f"{what}\t{figure}")
