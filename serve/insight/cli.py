"""Commands of insight: a city's own monthly totals, what became of tickets, and the monthly report as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serve.insight.desk import Insight
    from serve.records import Records

app = typer.Typer(no_args_is_help=True, help="看板的数据与月报")
Encoding = Annotated[str, typer.Option(help="CSV 的编码,如 utf-8、gb18030")]


def _records() -> Records:
    from serve.records import Records
    from serve.settings import Settings

    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    return Records(settings.database_url)


def _who() -> str:
    import getpass

    return f"cli:{getpass.getuser()}"


def _fail(error: object) -> typer.Exit:
    typer.echo(f"错误:{error}", err=True)
    return typer.Exit(1)


def _insight() -> Insight:
    from models.bundle import BundleError
    from models.catalog import CatalogError
    from serve.engine import Engine
    from serve.insight.desk import Insight
    from serve.settings import Settings

    try:
        engine = Engine(Settings())
    except (BundleError, CatalogError, OSError) as error:
        raise _fail(error) from error
    return Insight(engine.records, lambda: engine)


@app.command()
def months(
    file: Annotated[Path, typer.Argument(help="月度合计表,.csv 或 .xlsx:月份、受理、办结,及回访各数或各率")],
    encoding: Encoding = "utf-8",
) -> None:
    """导入本市平台统计的月度合计;月报先用它,没有的月份用已存入的工单。"""
    from kb.sheets import FileError
    from serve.insight.monthly import read_months, store_months

    try:
        found = read_months(file, encoding)
    except (FileError, OSError, LookupError) as error:
        raise _fail(error) from error
    store_months(_records(), found, who=_who())
    typer.echo(f"已存入 {len(found)} 个月:{'、'.join(t.month for t in found)}")


@app.command()
def outcomes(
    file: Annotated[Path, typer.Argument(help="工单结果表,.csv 或 .xlsx,列名见 docs/api.md")],
    encoding: Encoding = "utf-8",
) -> None:
    """导入工单的结果:首派单位、退回原因、办结、回访;不合格的行另存一个文件并写明原因。"""
    from kb.sheets import FileError, read_table, write_rows
    from serve import audit
    from serve.inputs import InputError
    from serve.insight import outcomes as rules

    try:
        headings, rows = read_table(file, encoding)
        if "ticket_id" not in headings:
            raise FileError(f"{file}: 缺少 ticket_id(工单编号),现有列:{'、'.join(headings)}")
    except (FileError, OSError, LookupError) as error:
        raise _fail(error) from error
    good, aside = [], []
    for row in rows:
        try:
            if row.fault:
                raise InputError(row.fault)
            good.append(rules.accept(row.cells))
        except InputError as error:
            aside.append({**dict.fromkeys(headings, ""), **row.cells, "row": str(row.number), "rejected": str(error)})
    records = _records()
    if good:
        with records.write() as session:
            rules.store(session, good)
            audit.append(session, who=_who(), what="outcomes.write", object=f"{len(good)} 件")
    typer.echo(f"已存入 {len(good)} 件,不合格 {len(aside)} 行")
    if aside:
        out = file.with_name(f"{file.stem}.rejected{file.suffix if file.suffix.lower() == '.xlsx' else '.csv'}")
        write_rows(out, [*headings, "row", "rejected"], aside)
        typer.echo(f"不合格的行在 {out}")


@app.command()
def report(
    month: Annotated[str, typer.Argument(help="月份,如 2026-11")],
    out: Annotated[Path | None, typer.Option(help="文件,.html 或 .docx;默认 report-月份.html")] = None,
) -> None:
    """写月报:HTML 一页,可打印;文件名以 .docx 结尾则为 Word 文档。"""
    import re

    from serve.insight.monthly import MONTH

    if not re.fullmatch(MONTH, month):
        raise _fail(f"月份:应为 2026-11 这样,实为 {month}")
    path = out or Path(f"report-{month}.html")
    if path.suffix.lower() not in (".html", ".htm", ".docx"):
        raise _fail(f"--out:应以 .html 或 .docx 结尾,实为 {path.name}")
    try:
        made = _insight().report(month)
    except KeyError:
        raise _fail(f"没有 {month} 的工单,也没有导入这个月的合计") from None
    from serve.insight.report import report_html
    from serve.insight.word import report_docx

    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(report_docx(made) if path.suffix.lower() == ".docx" else report_html(made).encode())
    temporary.replace(path)
    typer.echo(f"已写 {path}")


def bench_watch(
    alpha: Annotated[list[float] | None, typer.Option(help="误报概率 α,可给多个;不给时为 0.01 与设置里的")] = None,
    places: Annotated[int, typer.Option(min=100, help="多少个虚构的地点")] = 20_000,
    seed: Annotated[int, typer.Option(help="随机数种子")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
) -> None:
    """未诉先办的误报:在什么都没有发生的虚构地点上,有多少处的本周超过界限。"""
    import json

    from serve.insight.seasons import RECENT_WEEKS
    from serve.insight.watch_bench import BURSTY, EVEN, false_alarms
    from serve.settings import Settings

    wanted = alpha or sorted({0.01, Settings().watch_alpha}, reverse=True)
    if not all(0 < a < 0.5 for a in wanted):
        raise _fail("--alpha 应在 0 与 0.5 之间")
    rows = [
        {"alpha": a, "even": false_alarms(a, EVEN, places=places, seed=seed),
         "bursty": false_alarms(a, BURSTY, places=places, seed=seed)}
        for a in wanted
    ]  # fmt: skip
    if as_json:
        typer.echo(json.dumps({"places": places, "seed": seed, "rows": rows}))
        return
    typer.echo(f"{places} 个地点,历史 {RECENT_WEEKS} 周,本周与此前一样平常:")
    for row in rows:
        typer.echo(f"α = {row['alpha']:g}:超过界限的,平稳的地点 {row['even']:.2%},极不平稳的 {row['bursty']:.2%}")
