"""A new city's folder: an empty catalogue with its explanations, mapping examples, settings and an encoder to start."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

SAMPLE = "sample"
"""Folder in the shipped data with a small made-up city; its first lines are the columns of an empty one."""
_SHARED = ("README.md", "mapping")
"""What lies beside `data/` in a city's folder."""


class CityError(ValueError):
    """A folder that cannot be made; nothing was changed."""


def make_city(folder: Path, city: str, *, shipped: Path, bundle: Path, sample: bool = False) -> Path:
    """Make `folder` a city's folder and return it; with `sample` the tables hold a small made-up city to overwrite.

    `shipped` is the data folder of the program, `bundle` the bundle whose encoder is taken. Everything is written
    beside `folder` first and renamed. Raises CityError when `folder` is there with something in it.
    """
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CityError(f"{folder}: 应为不存在或空的文件夹,实为已有内容;请换一个")
    if not city.strip():
        raise CityError("--city: 应为城市名,实为空")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        _fill(temporary, folder, city.strip(), shipped / SAMPLE, bundle, sample)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def _fill(temporary: Path, folder: Path, city: str, pattern: Path, bundle: Path, sample: bool) -> None:
    temporary.mkdir(parents=True)
    for source in sorted(p for p in pattern.rglob("*") if p.is_file()):
        inside = source.relative_to(pattern)
        if inside.name == "tickets.csv" and not sample:
            continue
        target = temporary / (inside if inside.parts[0] in _SHARED or len(inside.parts) == 1 else "data" / inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        whole = sample or source.suffix != ".csv"
        text = source.read_text(encoding="utf-8")
        target.write_text(text if whole else text.splitlines()[0] + "\n", encoding="utf-8")
    settings = temporary / "data" / "catalog" / "catalog.toml"
    own = _catalog(city)
    if sample:
        lines = settings.read_text(encoding="utf-8").splitlines()
        own = "\n".join(f"city = {_quoted(city)}" if line.startswith("city =") else line for line in lines) + "\n"
    settings.write_text(own, encoding="utf-8")
    (temporary / "yousu.toml").write_text(
        f"# {city}的设置;其余名称见 docs/settings.md。命令由环境变量 YOUSU_CONFIG 找到这个文件。\n"
        f"data = {_quoted(folder / 'data')}\nhome = {_quoted(folder / 'home')}\n",
        encoding="utf-8",
    )
    shutil.copytree(bundle / "encoder", temporary / "bundle" / "encoder")


def _catalog(city: str) -> str:
    return (
        "# 本市目录的名称与版本;内容一改,version 也要改:模型包按它与目录配对。\n"
        f'version = "draft-1"\ncity = {_quoted(city)}\nprovenance = "draft"\n'
        'level_names = ["一级", "二级", "三级", "四级", "五级"]  # 几级都可以\n'
    )


def _quoted(value: object) -> str:
    return json.dumps(str(value), ensure_ascii=False)


def init(
    folder: Annotated[Path, typer.Argument(help="要建的文件夹:不存在,或是空的")],
    city: Annotated[str, typer.Option(help="城市名")],
    sample: Annotated[bool, typer.Option("--sample", help="填一个虚构的小城市作样板,可以马上训练,再逐行替换")] = False,
) -> None:
    """新城市:建一个文件夹,内有空白目录(带列名与说明)、条目与样例的表头、映射例子、设置和编码器。"""
    from models.locations import shipped_bundle_dir, shipped_data_dir

    try:
        made = make_city(folder, city, shipped=shipped_data_dir(), bundle=shipped_bundle_dir(), sample=sample)
    except (CityError, OSError) as error:
        typer.echo(f"错误:{error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"已建好 {made};各文件怎样填见 {made / 'README.md'}")
    typer.echo(f"接着:export YOUSU_CONFIG={made / 'yousu.toml'}")
    typer.echo(f"     yousu catalog check {made / 'data' / 'catalog'}")
