"""The `catalog` command: check a city's catalogue and look up one code; it changes nothing."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.locations import catalog_dir

if TYPE_CHECKING:
    from models.catalog import Catalog, CatalogError, Duty, Node

app = typer.Typer(name="catalog", help="目录(分类、派单、职责、规则、地名)的检查与查询。", no_args_is_help=True)

_MODES = {"direct": "直接派单", "parallel": "并行派单", "negotiate": "协商会办", "emergency": "紧急转接"}
_ROLES = {"lead": "主办", "co": "协办"}


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="目录所在文件夹;不填则用现用的目录")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON,供程序读取")] = False,
) -> None:
    """检查目录,逐条列出错误(文件、行、列、应为、实为);有错误时退出码为 1。"""
    from models.catalog import CatalogError, load_catalog

    folder = folder or catalog_dir()
    try:
        catalog = load_catalog(folder)
    except CatalogError as error:
        if as_json:
            faults = [asdict(f) for f in error.faults]
            typer.echo(json.dumps({"ok": False, "faults": faults}, ensure_ascii=False))
        else:
            _print_faults(folder, error)
        raise typer.Exit(1) from None
    counts = _counts(catalog)
    if as_json:
        summary = {"ok": True, "version": catalog.version, "sha256": catalog.hash, "counts": counts, "faults": []}
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    typer.echo(f"目录无误:{catalog.city} {catalog.version}({catalog.hash[:12]})")
    typer.echo("  ".join(f"{name} {count}" for name, count in counts.items()))


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="分类代码,如 0101010101")],
    folder: Annotated[Path | None, typer.Option("--dir", help="目录所在文件夹;不填则用现用的目录")] = None,
) -> None:
    """显示一个代码:路径、说明、职责归到的单位、涉及它的规则。"""
    from models.catalog import CatalogError, load_catalog

    folder = folder or catalog_dir()
    try:
        catalog = load_catalog(folder)
    except CatalogError as error:
        _print_faults(folder, error)
        raise typer.Exit(1) from None
    if code not in catalog.nodes:
        typer.echo(f"目录里没有代码 {code}", err=True)
        raise typer.Exit(1)
    path = catalog.path(code)
    typer.echo(f"{code}  " + " / ".join(node.name for node in path))
    _print_node(path[-1])
    for duty in catalog.duties.get(code, ()):
        typer.echo(_duty(catalog, duty))
    for below in catalog.children(code):
        typer.echo(f"  {below.code}  {below.name}")
    ancestors = {node.code for node in path}
    for rule in catalog.rules:
        if ancestors & set(rule.scope):
            typer.echo(f"规则 {rule.rule} {rule.topic}:{rule.question}")


def _counts(catalog: Catalog) -> dict[str, int]:
    levels = {
        name: sum(n.level == level for n in catalog.nodes.values()) for level, name in enumerate(catalog.level_names, 1)
    }
    return levels | {
        "单位": len(catalog.units),
        "职能": len(catalog.functions),
        "职责": sum(len(d) for d in catalog.duties.values()),
        "规则": len(catalog.rules),
        "风险": len(catalog.risks),
        "地名": len(catalog.places),
        "季节": len(catalog.seasons),
    }


def _print_faults(folder: Path, error: CatalogError) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"{folder}:{len(error.faults)} 处错误")
    for heading in ("文件", "行", "列", "应为", "实为"):
        table.add_column(heading, overflow="fold")
    for f in error.faults:
        cells = (f.file, str(f.row) if f.row else "", f.column, f.expected, f.found)
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def _print_node(node: Node) -> None:
    if node.description:
        typer.echo(f"说明:{node.description}")
    if node.keywords:
        typer.echo(f"关键词:{'、'.join(node.keywords)}")
    if node.handover:
        typer.echo(f"紧急转接:{'、'.join(node.handover)}({node.handover_when})")
    if node.months:
        typer.echo(f"多发月份:{'、'.join(str(m) for m in node.months)}")


def _duty(catalog: Catalog, duty: Duty) -> str:
    mode = _MODES[catalog.nodes[duty.leaf].mode]
    role = f"{_ROLES[duty.role]}{duty.rank}" + (f"({mode})" if duty.role == "lead" else "")
    resolve = catalog.functions[duty.function].resolve
    unit = catalog.function_unit(duty.function, None, None)
    by_place = {"district": "按区县归到单位", "street": "按街道乡镇归到单位", "party": "目录以外的责任主体"}
    target = " / ".join(catalog.unit_path(unit.code)) if unit else by_place.get(resolve, "")
    return f"{role} {duty.function} → {target}" + (f"\n    {duty.clause}" if duty.clause else "")
