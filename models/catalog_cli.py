"""`yousu catalog`: check a catalogue folder and show one category with its duties."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="目录:检查五级分类、派单目录、职责目录与各类规则")


@app.command("check")
def check(folder: Path, as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False) -> None:
    """检查目录文件夹,逐条列出错误(文件、行、列、应为、实为);有错误则退出码为 1。"""
    from models.catalog import load_catalog
    from models.catalog_check import check_catalog

    faults = check_catalog(folder)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in faults], ensure_ascii=False, indent=1))
    for fault in () if as_json else faults:
        typer.echo(str(fault))
    if faults:
        typer.echo(f"共 {len(faults)} 处错误", err=True)
        raise typer.Exit(1)
    if not as_json:
        c = load_catalog(folder)
        counts = [sum(n.level == i + 1 for n in c.nodes.values()) for i in range(len(c.level_names))]
        typer.echo(
            f"没有错误。{c.city} {c.version}:分类 {' / '.join(map(str, counts))},单位 {len(c.units)},"
            f"规则 {len(c.rules)},风险 {len(c.risks)},地点 {len(c.places)}"
        )


@app.command("show")
def show(code: str, catalog: Annotated[Path | None, typer.Option(help="目录文件夹")] = None) -> None:
    """显示一个分类:路径、说明、主办与协办。"""
    from models.catalog import load_catalog
    from models.locations import catalog_dir

    c = load_catalog(catalog or catalog_dir())
    if code not in c.nodes:
        typer.echo(f"没有代码 {code}", err=True)
        raise typer.Exit(1)
    typer.echo(" / ".join(n.name for n in c.path(code)))
    typer.echo(c.nodes[code].description)
    for duty in c.duties.get(code, ()):
        typer.echo(f"{'主办' if duty.role == 'lead' else '协办'} {duty.function} {duty.clause}")
