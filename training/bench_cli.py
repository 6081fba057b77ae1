"""The commands `yousu bench classify` and `yousu bench route`: what a labelled table teaches, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from models.locations import bundle_dir, home_dir
from training.cli import told

NAMES = {
    "char": "字 TF-IDF + 线性 SVM",
    "amsterdam": "词 TF-IDF + 逻辑回归(阿姆斯特丹)",
    "yousu": "有诉",
}

Data = Annotated[str, typer.Option(help="带标签的表:.csv、.xlsx、.parquet 或数据库地址")]
Text = Annotated[str, typer.Option(help="文字所在的列;不给则按常见列名")]
Label = Annotated[str, typer.Option(help="标签所在的列;不给则按常见列名")]
Folds = Annotated[int, typer.Option(help="交叉检验的折数;相同或相近的文字不跨折")]
Least = Annotated[int, typer.Option(help="只测至少有这么多行的标签")]
Base = Annotated[Path, typer.Option(help="取其编码器与词典的模型包")]
Seed = Annotated[int, typer.Option(help="随机种子")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]


def bench_classify(
    data: Data,
    text: Text = "",
    label: Label = "",
    folds: Folds = 5,
    least: Least = 2,
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """分类测评:字特征、阿姆斯特丹做法与 yousu train 学到的,交叉检验的准确率与宏平均 F1。"""
    _bench("classify", data, text, label, folds, least, base, seed, as_json)


def bench_route(
    data: Data,
    text: Text = "",
    label: Label = "",
    folds: Folds = 5,
    least: Least = 5,
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """派单测评:由问题判断承办单位,三种做法交叉检验的准确率与宏平均 F1。"""
    _bench("route", data, text, label, folds, least, base, seed, as_json)


def _bench(
    bench: str, data: str, text: str, label: str, folds: int, least: int, base: Path, seed: int, as_json: bool
) -> None:
    from training.bench import columns_of, measure, read_cases

    with told():
        text, label = columns_of(data, text, label, bench)
        cases = read_cases(
            data, text, label, base=base, cache=home_dir() / "training" / "embeddings", least=least,
            progress=not as_json,
        )  # fmt: skip
        results = measure(cases, folds=folds, seed=seed)
    if as_json:
        typer.echo(json.dumps(results))
        return
    left = ";".join(f"{n} 行{why}" for why, n in cases.left_out.items())
    title = f"{text} → {label}:{len(cases.rows.texts)} 行,{cases.classes} 类,{folds} 折" + (
        f"(略去 {left})" if left else ""
    )
    _show(results, title)


def _show(results: dict[str, dict[str, float]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "准确率", "宏平均 F1")
    for name, row in results.items():
        style = "bold" if name == "yousu" else ""
        table.add_row(NAMES[name], f"{row['accuracy']:.3f}", f"{row['macro_f1']:.3f}", style=style)
    typer.echo(title)
    Console().print(table)
