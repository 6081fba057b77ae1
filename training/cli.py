"""The training commands of the `yousu` command line."""

from pathlib import Path
from typing import Annotated

import typer

from models.locations import bundle_dir, catalog_dir, data_dir


def train_heads(
    bundle: Annotated[Path, typer.Option(help="模型包文件夹(须有 encoder/)")] = bundle_dir(),
    catalog: Annotated[Path, typer.Option(help="目录文件夹")] = catalog_dir(),
    data: Annotated[Path, typer.Option(help="数据文件夹(tickets/ 与 kb/)")] = data_dir(),
) -> None:
    """用 data/tickets 的书写样例训练分类与诉求类型,用 data/kb 的开发问题校准答复,写入模型包。"""
    from training.answering import fit_answering
    from training.heads import train_heads as train

    fit_answering(bundle, data / "kb" / "entries.csv", data / "kb" / "dev_questions.csv")
    manifest = train(bundle, catalog, data / "tickets" / "examples.csv")
    held = manifest["metrics"]["category"]["held_out_authors"]
    levels = " / ".join(f"{m['accuracy']:.3f}" for m in held["levels"])
    typer.echo(f"模型包 {manifest['version']}:未见作者的样例 {held['rows']} 条,各级准确率 {levels}")


def bench_retrieval(
    data: Annotated[Path, typer.Option(help="问题所在的 CSV")],
    question: Annotated[str, typer.Option(help="问题所在的列")],
    answer: Annotated[str | None, typer.Option(help="答案所在的列:文件里的全部答案就是被检索的集合")] = None,
    identifier: Annotated[str | None, typer.Option("--id", help="正确文档编号所在的列,与 --documents 同用")] = None,
    documents: Annotated[Path | None, typer.Option(help="文档 CSV,列 docid、text;按段落检索,按文档计分")] = None,
    bundle: Annotated[Path, typer.Option(help="模型包文件夹")] = bundle_dir(),
    as_json: Annotated[bool, typer.Option("--json", help="以 JSON 输出")] = False,
) -> None:
    """在一个新集合上比较 TF-IDF、BM25、纯向量与本产品的检索:R@1、R@5、MRR@10;不在该文件上拟合任何东西。"""
    import json

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
    _show(results, f"{len(collection.questions)} 个问题,{len(collection.texts)} 条文本,略去 {collection.left_out} 行")


def _show(results: dict[str, dict[str, float]], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    names = {"tfidf": "TF-IDF(字)", "bm25": "BM25(字)", "dense": "向量", "yousu": "有诉"}
    table = Table("", "R@1", "R@5", "MRR@10", title=title, title_justify="left")
    for name, row in results.items():
        table.add_row(names[name], *(f"{v:.3f}" for v in row.values()), style="bold" if name == "yousu" else "")
    Console().print(table)


def train_retrieval(
    bundle: Annotated[Path, typer.Option(help="模型包文件夹(须有 encoder/)")] = bundle_dir(),
    data: Annotated[Path, typer.Option(help="数据文件夹(含 kb/)")] = data_dir(),
) -> None:
    """用 data/kb 的条目与开发问题确定向量与 BM25 的权重,写入模型包的 retrieval.json。"""
    from training.retrieval import fit_fusion

    record = fit_fusion(bundle, data / "kb" / "entries.csv", data / "kb" / "dev_questions.csv")
    share, metrics = record["weights"]["dense_short"], record["metrics"]
    typer.echo(f"向量占比 {share}:未参与选择的问题 R@1 {metrics['r1']:.3f},MRR@10 {metrics['mrr10']:.3f}")
