"""The bundle commands of the `yousu` command line: list, compare, promote, rollback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.locations import catalog_dir, data_dir, home_dir, setting, shipped_bundle_dir
from training.cli import told

if TYPE_CHECKING:
    from training.replay import Comparison, Ground

app = typer.Typer(no_args_is_help=True, help="模型包:列出、比较、启用、退回")
Who = Annotated[str, typer.Option(help="谁")]
Why = Annotated[str, typer.Option(help="为什么")]
MaxLoss = Annotated[float, typer.Option(help="一级类别最多允许下降多少(0.05 = 5 个百分点)")]
NewTaxonomy = Annotated[bool, typer.Option("--new-taxonomy", help="允许换成另一套分类体系(无法逐件比较)")]


def _bundles() -> Path:
    return home_dir() / "bundles"


@app.command("list")
def list_bundles() -> None:
    """列出训练过的模型包;带 * 的正在使用。"""
    from models.locations import current_version
    from models.shelf import history, versions
    from models.text import one_line

    with told():
        current = current_version(_bundles())
        typer.echo(f"{' ' if current else '*'} shipped      随程序附带")
        for m in versions(_bundles()):
            held = m["metrics"]["category"]["held_out"]
            levels = " / ".join(f"{x['accuracy']:.1%}" for x in held["levels"])
            mark = "*" if m["version"] == current else " "
            typer.echo(f"{mark} {m['version']} {m['made_at'][:16]} {m['examples']['rows']} 件,各级准确率 {levels}")
        for event in history(_bundles())[-10:]:
            word = {"promote": "启用", "rollback": "退回", "refused": "未予启用"}[event["what"]]
            reasons = f"({';'.join(event['reasons'])})" if event["reasons"] else ""
            line = f"{event['at'][:16]} {event['who']} {word} {event['to']}:{event['why']}{reasons}"
            typer.echo(f"  {one_line(line)}")


@app.command("compare")
def compare(
    challenger: Annotated[str, typer.Argument(help="候选版本")],
    champion: Annotated[str, typer.Argument(help="现用版本;不给则为正在使用的")] = "",
) -> None:
    """在候选留出的最近一段工单上重放两个模型包。"""
    with told():
        show(_compare(challenger, champion))


def _compare(challenger: str, champion: str = "") -> Comparison:
    from models.locations import current_version
    from training import registry, replay
    from training.heldout import REPLAY

    shipped = shipped_bundle_dir()
    new = registry.folder_of(_bundles(), challenger, shipped)
    old = registry.folder_of(_bundles(), champion or current_version(_bundles()) or "shipped", shipped)
    runs = home_dir() / "training" / "runs"
    return replay.compare(
        old, new, runs / new.name / REPLAY, home_dir() / "training" / "embeddings", ground=_ground(),
        champion_run=runs / old.name,
    )  # fmt: skip


def _ground() -> Ground:
    """The catalogue, the published entries (of the database where there is one) and the measuring calls of danger."""
    from kb.entry import read_entries
    from kb.store import EntryStore
    from models.catalog import load_catalog
    from training.replay import Ground
    from training.risk_check import FILE

    database = home_dir() / "yousu.db"
    url = setting("database") or (f"sqlite:///{database}" if database.is_file() else "")
    if url:
        store = EntryStore(url)
        entries = store.entries(status="published")
        store.close()
    else:
        entries = [e for e in read_entries(data_dir() / "kb" / "entries.csv") if e.status == "published"]
    return Ground(load_catalog(catalog_dir()), entries, data_dir() / "tickets" / FILE)


def show(c: Comparison) -> None:
    """Print a comparison."""
    if c.learned:
        typer.echo(f"另有 {c.learned} 件现用的模型包学过,不拿来比较")
    typer.echo(
        f"重放 {c.rows} 件:一级判对 {c.level1[0]:.1%} → {c.level1[1]:.1%};全路径 {c.path[0]:.1%} → {c.path[1]:.1%}"
    )
    _difference("全路径之差", c.difference)
    if c.dispatch and c.dispatch_difference:
        typer.echo(f"首次派对单位({c.dispatched} 件):{c.dispatch[0]:.1%} → {c.dispatch[1]:.1%}")
        _difference("首次派对率之差", c.dispatch_difference)
    if c.same_answers:
        typer.echo("答复部分(编码器、检索、校准)与现用的相同,答复率不变")
    if c.answered and c.answer_difference:
        typer.echo(f"知识库能答的工单:{c.answered[0]:.1%} → {c.answered[1]:.1%}")
        _difference("答复率之差", c.answer_difference)
    before, after = c.risk_recall
    if before is not None and after is not None:
        typer.echo(f"风险识别率(书写的险情来电):{before:.1%} → {after:.1%}")
    for name, n, recall, recalled in c.classes[:10]:
        typer.echo(f"  {name}({n} 件):{recall:.1%} → {recalled:.1%}")


def _difference(what: str, interval: tuple[float, float, float]) -> None:
    mean, low, high = interval
    typer.echo(f"{what} {mean:+.1%}(成对自助法 95% 区间 {low:+.1%} 到 {high:+.1%})")


@app.command("promote")
def promote(
    version: Annotated[str, typer.Argument(help="要启用的版本")],
    who: Who,
    why: Why,
    max_loss: MaxLoss = 0.05,
    new_taxonomy: NewTaxonomy = False,
) -> None:
    """启用一个版本:先与现用的比较,有一级类别下降过多或风险识别率下降就不予启用。"""
    from training import registry

    with told():
        comparison = _compare(version)
        show(comparison)
        folder = registry.folder_of(_bundles(), version, shipped_bundle_dir())
        registry.promote(
            _bundles(), folder.name, comparison, who=who, why=why, max_loss=max_loss, new_taxonomy=new_taxonomy
        )
    typer.echo(f"已启用 {folder.name}")


@app.command("rollback")
def rollback(who: Who, why: Why) -> None:
    """退回上一个版本。"""
    from training import registry

    with told():
        typer.echo(f"已退回 {registry.rollback(_bundles(), who=who, why=why)}")
