"""`yousu bench retrieval`, `classify`, `route`, `answers`, `growth`, `training`: what is found, learned and spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from models.locations import bundle_dir, catalog_dir, data_dir, home_dir
from training.cli import told
from training.limits import BESIDE, LEAST, LEAVES, MANY_LEAVES, MANY_TICKETS, MANY_TRAININGS, TICKETS, TRAININGS

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
Catalog = Annotated[Path, typer.Option(help="目录文件夹")]
Examples = Annotated[Path, typer.Option(help="数据文件夹(含 tickets/examples.csv)")]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]


def bench_retrieval(
    data: Annotated[Path, typer.Option(help="问题所在的 CSV")],
    question: Annotated[str, typer.Option(help="问题所在的列")],
    answer: Annotated[str | None, typer.Option(help="答案所在的列:文件里的全部答案就是被检索的集合")] = None,
    identifier: Annotated[str | None, typer.Option("--id", help="正确文档编号所在的列,与 --documents 同用")] = None,
    documents: Annotated[Path | None, typer.Option(help="文档 CSV,列 docid、text;按段落检索,按文档计分")] = None,
    bundle: Annotated[Path, typer.Option(help="模型包文件夹")] = bundle_dir(),
    as_json: AsJson = False,
) -> None:
    """在一个新集合上比较 TF-IDF、BM25、纯向量与本产品的检索:R@1、R@5、MRR@10;不在该文件上拟合任何东西。"""
    from kb.fusion import FILE, Fusion
    from models.embedder import load_embedder
    from training.retrieval_bench import measure, read_answers, read_documents

    try:
        if answer is not None and identifier is None and documents is None:
            collection = read_answers(data, question, answer)
        elif answer is None and identifier is not None and documents is not None:
            collection = read_documents(data, question, identifier, documents)
        else:
            raise ValueError("请给出 --answer,或者同时给出 --id 与 --documents")
        fusion = Fusion.load(bundle / FILE)
        embedder = load_embedder(bundle / "encoder", threads=2)
    except (ValueError, OSError) as error:
        typer.echo(f"错误:{error}", err=True)
        raise typer.Exit(1) from error
    results = measure(collection, embedder, fusion)
    if as_json:
        typer.echo(json.dumps(results))
        return
    _show_retrieval(
        results, f"{len(collection.questions)} 个问题,{len(collection.texts)} 条文本,略去 {collection.left_out} 行"
    )


def _show_retrieval(results: dict[str, dict[str, float]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    names = {"tfidf": "TF-IDF(字)", "bm25": "BM25(字)", "dense": "向量", "yousu": "有诉"}
    table = Table("", "R@1", "R@5", "MRR@10", title=title, title_justify="left")
    for name, row in results.items():
        table.add_row(names[name], *(f"{v:.3f}" for v in row.values()), style="bold" if name == "yousu" else "")
    Console().print(table)


def bench_classify(
    data: Data,
    text: Text = "",
    label: Label = "",
    folds: Folds = 5,
    least: Least = LEAST["classify"],
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """分类测评:字特征、阿姆斯特丹做法与 yousu train 学到的,交叉检验的准确率与宏平均 F1。"""
    _bench("classify", data, text, label, "", folds, least, base, seed, as_json)


def bench_route(
    data: Data,
    text: Text = "",
    label: Label = "",
    beside: Annotated[str, typer.Option(help="也用来学的文字列,如答复;不给则按常见列名(answer、reply、答复 等)")] = "",
    question_only: Annotated[bool, typer.Option("--question-only", help="只学问题,不学答复")] = False,
    folds: Folds = 5,
    least: Least = LEAST["route"],
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """派单测评:由问题判断承办单位,三种做法交叉检验的准确率与宏平均 F1。

    有答复列时,三种做法都把其余各折的答复当作同一单位的又一条样例来学;判断时只看问题。
    """
    from training.bench import beside_of, columns_of

    with told():
        text, label = columns_of(data, text, label, "route")
        beside = "" if question_only else beside_of(data, beside, (text, label))
    _bench("route", data, text, label, beside, folds, least, base, seed, as_json)


def _bench(
    bench: str,
    data: str,
    text: str,
    label: str,
    beside: str,
    folds: int,
    least: int,
    base: Path,
    seed: int,
    as_json: bool,
) -> None:
    from training.bench import columns_of, measure, read_cases

    with told():
        text, label = columns_of(data, text, label, bench)
        cases = read_cases(
            data, text, label, base=base, cache=home_dir() / "training" / "embeddings", beside=beside, least=least,
            progress=not as_json,
        )  # fmt: skip
        results = measure(cases, folds=folds, seed=seed)
    if as_json:
        typer.echo(json.dumps(results))
        return
    left = ";".join(f"{n} 行{why}" for why, n in cases.left_out.items())
    title = f"{text} → {label}:{cases.asked} 行,{cases.classes} 类,{folds} 折"
    title += f",另学 {beside} 列" * bool(beside) + f"(略去 {left})" * bool(left)
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


def bench_answers(
    bundle: Annotated[Path, typer.Option(help="模型包文件夹:取其编码器与检索权重")] = bundle_dir(),
    data: Annotated[Path, typer.Option(help="数据文件夹(含 kb/)")] = data_dir(),
    show: Annotated[int, typer.Option(min=0, help="列出把握最大的几处错误,供核对问题的标注")] = 0,
    as_json: AsJson = False,
) -> None:
    """答复测评:开发问题按条目分折交叉检验的首条命中、答复率、答对率、误答率与可靠性;另把每位作者整个留出。"""
    from training.answering import ask_all, doubtful, measure

    with told():
        asked = ask_all(bundle, data / "kb" / "entries.csv", data / "kb" / "dev_questions.csv")
        figures = measure(asked)
    if as_json:
        typer.echo(json.dumps(figures, ensure_ascii=False))
        return
    _show_answers(figures)
    for confidence, row, found in doubtful(asked, show):
        typer.echo(f"{confidence:.3f}  {row.question}  标注:{row.entry_id or '无条目'},首条:{found}")


def _show_answers(figures: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "首条命中", "答复率", "答对率", "误答率(无条目的问题)")
    names = ("retrieval_r1", "answered", "right_among_answered", "off_topic_answered")
    told_as = {"按条目分折": figures, **{f"作者 {a} 全部留出": f for a, f in figures["authors"].items()}}
    for name, row in told_as.items():
        table.add_row(name, *("—" if row[n] is None else f"{row[n]:.3f}" for n in names))
    weighted = (figures["retrieval_r1"], *(figures[f"{n}_weighted"] for n in names[1:]))
    table.add_row("按条目分折,长短加权", *("—" if v is None else f"{v:.3f}" for v in weighted))
    bins = Table("平均把握", "实际答对", "问题数", title=f"可靠性(ECE {figures['ece']:.3f})", title_justify="left")
    for confidence, right, count in figures["bins"]:
        bins.add_row(f"{confidence:.2f}", f"{right:.2f}", str(count))
    typer.echo(f"{figures['questions']} 个问题,其中 {figures['off_topic_questions']} 个没有条目能答")
    Console().print(table)
    Console().print(bins)


def bench_growth(
    leaves: Annotated[
        list[int] | None,
        typer.Option(min=2, help=f"末级数,可多次给出;默认 {'、'.join(map(str, LEAVES))}"),
    ] = None,
    tickets: Annotated[
        list[int] | None,
        typer.Option(min=10, help=f"工单数,可多次给出;默认 {'、'.join(map(str, TICKETS))},末级为目录的全部"),
    ] = None,
    beside: Annotated[int, typer.Option(min=10, help="末级增多时固定用多少件工单")] = BESIDE,
    long: Annotated[
        bool,
        typer.Option("--long", help=f"再测 {MANY_LEAVES[0]} 个末级与 {MANY_TICKETS[0]} 件工单(很久)"),
    ] = False,
    catalog: Catalog = catalog_dir(),
    data: Examples = data_dir(),
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """分类头随末级数与工单数增长的代价:训练用时、内存峰值、一次判断、占用磁盘;工单为合成,向量为随机成簇,不说明准确率。"""
    from training.growth_bench import measure_all, ticket_sizes

    if leaves is None and tickets is None:
        leaves, tickets = [*LEAVES], [*TICKETS]
        left = {} if long else {"leaves": [*MANY_LEAVES], "tickets": [*MANY_TICKETS]}
    else:
        leaves, tickets, left = leaves or [], tickets or [], {}
    if long:
        leaves, tickets = [*leaves, *MANY_LEAVES], [*tickets, *MANY_TICKETS]
    with told():
        sizes = {"leaves": [(n, beside) for n in leaves], "tickets": ticket_sizes(tickets, catalog)}
        examples = data / "tickets" / "examples.csv"
        found: dict[str, Any] = {
            curve: measure_all(catalog, examples, base, wanted, seed) for curve, wanted in sizes.items()
        }
    if as_json:
        typer.echo(json.dumps({**found, "not_run": left}))
        return
    _show_growth(found, left)


def _show_growth(found: dict[str, Any], left: dict[str, list[int]]) -> None:
    from rich.console import Console
    from rich.table import Table

    for curve, title in (("leaves", "末级增多"), ("tickets", "工单增多")):
        if not found[curve]:
            continue
        head = ("末级", "工单", "训练(秒)", "CPU(秒)", "内存峰值(MB)", "一次 p50 / p95(毫秒)", "磁盘(MB)")
        table = Table(*head, title=title, title_justify="left")
        for m in found[curve]:
            call = f"{m['call_ms']['p50']:.2f} / {m['call_ms']['p95']:.2f}"
            table.add_row(
                f"{m['leaves']:,}", f"{m['tickets']:,}", f"{m['fit_s']:.1f}", f"{m['fit_cpu_s']:.1f}",
                str(m["peak_mb"]), call, f"{m['size_mb']:.1f}",
            )  # fmt: skip
        for size in left.get(curve, []):
            table.add_row(*(f"{size:,}", "") if curve == "leaves" else ("", f"{size:,}"), "未运行", *[""] * 4)
        Console().print(table)
    typer.echo("工单由书写样例合成,向量随机成簇,目录之外的末级由已有末级拆出;“一次”是已有向量时判断一件,不含编码")
    if left:
        typer.echo("未运行的要几分钟到几十分钟,加 --long 才跑")


def bench_training(
    tickets: Annotated[
        list[int] | None,
        typer.Option(min=30, help=f"工单数,可多次给出;默认 {'、'.join(map(str, TRAININGS))}"),
    ] = None,
    long: Annotated[bool, typer.Option("--long", help=f"再测 {MANY_TRAININGS[0]} 件(一刻钟以上)")] = False,
    catalog: Catalog = catalog_dir(),
    data: Examples = data_dir(),
    base: Base = bundle_dir(),
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """整次训练随工单数增长的代价:由读表到写出模型包,各步的时间、处理器时间与内存峰值;工单为合成,不说明准确率。"""
    from training.scale_bench import measure_trainings

    sizes = [*(tickets or TRAININGS), *(MANY_TRAININGS if long else ())]
    with told():
        found = measure_trainings(catalog, data, base, sizes, seed, progress=True)
    if as_json:
        typer.echo(json.dumps({"sizes": found}))
        return
    from rich.console import Console
    from rich.table import Table

    from training.laps import STEPS

    steps = list(dict.fromkeys(step for m in found for step in m["seconds"]))
    table = Table("工单", "合计(秒)", "CPU(秒)", "内存峰值(MB)", *(STEPS[s] for s in steps))
    for m in found:
        by_step = (f"{m['seconds'].get(s, 0):.0f} / {m['cpu_seconds'].get(s, 0):.0f}" for s in steps)
        table.add_row(f"{m['tickets']:,}", f"{m['wall_s']:.0f}", f"{m['cpu_s']:.0f}", f"{m['peak_mb']:,}", *by_step)
    Console().print(table)
    typer.echo("各步为秒 / 处理器秒;工单由书写样例合成,从没有任何现成向量开始,不说明准确率")
