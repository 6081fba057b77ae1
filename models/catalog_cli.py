"""`yousu catalog`: check a catalogue, show a category, carry all over to new units, fill in who leads an example."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="目录:检查五级分类、派单目录、职责目录与各类规则")

Folder = Annotated[Path, typer.Argument(help="目录文件夹")]


@app.command("check")
def check(folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False) -> None:
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
def show(
    code: Annotated[str, typer.Argument(help="分类代码")],
    catalog: Annotated[Path | None, typer.Option(help="目录文件夹")] = None,
) -> None:
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


@app.command("migrate")
def migrate(
    folder: Folder,
    mapping: Annotated[Path, typer.Argument(help="对照表 CSV,列 kind(unit、function、leaf)、old、new、name")],
    files: Annotated[list[Path] | None, typer.Option("--file", help="一并改写的样例或条目 CSV,可重复给出")] = None,
    bundle: Annotated[Path | None, typer.Option(help="一并迁移其派单历史的模型包")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="写入;不给则只显示会改什么")] = False,
) -> None:
    """机构或分类调整:按对照表迁移目录、样例、条目与派单历史,先显示会改什么,加 --yes 才写入。"""
    from models.catalog_migrate import MigrationError, apply, plan, read_mapping

    try:
        found = plan(folder, read_mapping(mapping), outside=files or (), bundle=bundle)
    except (MigrationError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for change in found.changes:
        typer.echo(str(change))
    typer.echo(";".join(f"{file} {n} 处" for file, n in found.counts().items()) or "没有要改的")
    if not yes:
        typer.echo("以上尚未写入;确认后加 --yes")
        return
    apply(folder, found, bundle=bundle)
    typer.echo("已写入;分类有变动时请重新训练模型包")


@app.command("examples")
def examples(
    file: Annotated[Path, typer.Argument(help="样例 CSV")],
    fill: Annotated[bool, typer.Option("--fill/--check", help="写入主办与协办,还是只核对")] = False,
    catalog: Annotated[Path | None, typer.Option(help="目录文件夹")] = None,
) -> None:
    """样例的主办(lead)、协办(co)两列:按职责、规则与地点填写,或核对是否与目录一致;不一致则退出码为 1。"""
    from models.catalog import load_catalog
    from models.catalog_examples import check_examples, fill_examples
    from models.locations import catalog_dir

    c = load_catalog(catalog or catalog_dir())
    try:
        if fill:
            typer.echo(f"{file}: 改写了 {fill_examples(file, c)} 行")
            return
        faults = check_examples(file, c)
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for fault in faults[:50]:
        typer.echo(str(fault))
    if faults:
        typer.echo(f"共 {len(faults)} 处与目录不一致;请用 yousu catalog examples {file} --fill 重新填写", err=True)
        raise typer.Exit(1)
    typer.echo("主办与协办都与目录一致")
