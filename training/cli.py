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
    from training.card import write_card
    from training.heads import train_heads as train

    fit_answering(bundle, data / "kb" / "entries.csv", data / "kb" / "dev_questions.csv")
    manifest = train(bundle, catalog, data / "tickets" / "examples.csv")
    write_card(bundle)
    held = manifest["metrics"]["category"]["held_out_author"]
    levels = " / ".join(f"{m['accuracy']:.3f}" for m in held["levels"])
    typer.echo(f"模型包 {manifest['version']}:未见作者的样例 {held['rows']} 条,各级准确率 {levels}")
