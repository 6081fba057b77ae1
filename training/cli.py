"""The training commands of the `yousu` command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from models.locations import bundle_dir, catalog_dir, data_dir, database_url, home_dir, shipped_bundle_dir
from training.limits import EMBED_MOST

if TYPE_CHECKING:
    from training.prepared import Options


class DefaultGroup(TyperGroup):
    """A group whose first argument may be a file: then the command is `run`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front when the first argument is no sub-command."""
        if args and args[0] not in self.commands and args[0] not in {"--help", "-h"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


train_app = typer.Typer(
    cls=DefaultGroup,
    no_args_is_help=True,
    help="训练:yousu train 文件 --text 列 --label 列 --out 文件夹;选项见 yousu train run --help",
)
Seed = Annotated[int, typer.Option(help="随机种子;相同输入与种子得到相同的权重")]
Base = Annotated[Path, typer.Option(help="起步的模型包:取其编码器、诉求类型与答复校准")]
Quiet = Annotated[bool, typer.Option("--quiet", help="不显示进度")]


@contextmanager
def told() -> Iterator[None]:
    """Turn an error that a person can act on into a message and exit status 1."""
    from kb.asking import AskingError
    from kb.entry import EntryError
    from models.bundle import BundleError
    from models.catalog import CatalogError
    from training.errors import TrainError
    from training.packing import PackingError
    from training.tables import TableError

    try:
        yield
    except (AskingError, EntryError, TableError, TrainError, PackingError, BundleError, CatalogError) as error:
        typer.echo(f"错误:{error}", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        said = "磁盘已满,没有写完;腾出空间再运行,算好的向量会接着用" if error.errno == ENOSPC else "读写失败"
        where = " ".join(str(x) for x in (error.filename, error.strerror or error) if x)
        typer.echo(f"错误:{said}({where});原有的模型包没有改动", err=True)
        raise typer.Exit(1) from error


@train_app.command("run")
def run(
    file: Annotated[str, typer.Argument(help="带标签的表:.csv、.xlsx、.parquet 或数据库地址")],
    text: Annotated[str, typer.Option(help="文字所在的列(自然文字或空格分词均可)")] = "",
    label: Annotated[list[str] | None, typer.Option(help="标签列,从粗到细,可重复给出")] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(help="也用来学的文字列,如答复:当作同一标签的又一条样例,检验与判断时不看;可重复给出"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="模型包输出文件夹")] = None,
    encoding: Annotated[str, typer.Option(help="CSV 的编码;不给则自动识别")] = "",
    sheet: Annotated[str, typer.Option(help="工作表名;不给则取行数最多的")] = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="略过没有文字或标签的行,多少都可以")] = False,
    mapping: Annotated[Path | None, typer.Option(help="映射文件;见 yousu train inspect")] = None,
    split: Annotated[str, typer.Option(help="检验用的工单怎么留:time 最新一月,random 随机(按组)")] = "time",
    corrections: Annotated[Path | None, typer.Option(help="人工改过的可疑标签表,改为列优先于原标签")] = None,
    wrong_cost: Annotated[float, typer.Option(help="模拟:派错一次抵消几次派对")] = 10.0,
    feedback: Annotated[str, typer.Option(help="坐席反馈所在的数据库地址;home 表示本机的")] = "",
    search_minutes: Annotated[float, typer.Option(min=0, help="用几分钟搜索分类头的超参数;0 不搜索")] = 0.0,
    finetune: Annotated[bool, typer.Option("--finetune", help="先用训练部分微调编码器(附加依赖 finetune)")] = False,
    finetune_steps: Annotated[int, typer.Option(min=1, help="微调多少步")] = 300,
    embed_most: Annotated[
        int, typer.Option(min=0, help="最多给多少件训练工单算向量,其余的由用词估计;0 = 全算(工单很多时慢)")
    ] = EMBED_MOST,
    engine: Annotated[str, typer.Option(help="在哪里编码与搜索:local,或 dask(附加依赖 scale)")] = "local",
    scheduler: Annotated[str, typer.Option(help="Dask 调度器地址;不给则在本机起几个工作进程")] = "",
    workers: Annotated[int, typer.Option(min=1, help="本机起几个 Dask 工作进程")] = 2,
    base: Base = bundle_dir(),
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """训练。给 --text 与 --label:分类体系取自标签,不需要映射;给 --mapping:工单按时间划分,出报告,存入模型包库。"""
    from training.errors import TrainError
    from training.finetune import FineTuning
    from training.prepared import Options
    from training.quick import train_quick
    from training.simulate import Costs
    from training.spread import spread

    with told(), spread(engine, scheduler=scheduler, workers=workers) as where:
        if split not in {"time", "random"}:
            raise TrainError(f"--split 应为 time 或 random,实为 {split}")
        if mapping is not None:
            options = Options(
                base=base, home=home_dir(), catalog=catalog_dir(), split=split, seed=seed, corrections=corrections,
                progress=not quiet, skip_bad=skip_bad, costs=Costs(wrong_cost=wrong_cost),
                feedback=database_url() if feedback == "home" else feedback, search_minutes=search_minutes,
                finetune=FineTuning(steps=finetune_steps, seed=seed) if finetune else None, spread=where,
                embed_most=embed_most,
            )  # fmt: skip
            if beside:
                raise TrainError("--beside 要与 --text、--label 同用:按映射训练不看派单以后才有的文字")
            _run_tickets(file, mapping, options)
            return
        if not text or not label or out is None:
            raise TrainError("请给出 --text 列名、--label 列名(可多个)和 --out 文件夹")
        if feedback or finetune or corrections:
            raise TrainError("--feedback、--finetune、--corrections 要与 --mapping 同用")
        manifest = train_quick(
            file, text, label, out, base=base, cache=home_dir() / "training" / "embeddings", beside=beside or (),
            encoding=encoding, sheet=sheet, skip_bad=skip_bad, seed=seed, progress=not quiet,
            search_minutes=search_minutes, spread=where,
        )  # fmt: skip
        show_quick(manifest, out)


def _run_tickets(file: str, mapping: Path, options: Options) -> None:
    from training.laps import STEPS
    from training.run import train_tickets
    from training.simulate import usable
    from training.tracking import track

    folder, report = train_tickets(file, mapping, options)
    track(folder, report)
    data = report["data"]
    typer.echo(f"读入 {data['read']} 行,可用 {data['used']} 件;训练 {data['trained']},检验 {data['held_out']}")
    if data["estimated"] or data["unmeasured"]:
        typer.echo(
            f"  工单多:{data['estimated']} 件训练工单的向量由用词估计(--embed-most);"
            f"检验时段另有 {data['unmeasured']} 件没有抽到,没有使用"
        )
    for unknown in report["unknown_labels"][:10]:
        near = "、".join(unknown["near"]) or "无"
        typer.echo(f"  目录里没有的标签:{unknown['label']}({unknown['rows']} 行;相近:{near})")
    for i, level in enumerate(report["classification"]["levels"], start=1):
        typer.echo(f"  第{i}级 {level['classes']} 类:准确率 {level['accuracy']:.1%},校准误差 {level['ece']:.3f}")
    chosen = report["simulator"]["chosen"]
    if usable(chosen):
        share, right = chosen["automatic"], chosen["accuracy"]
        typer.echo(f"  门槛 {chosen['threshold']:.2f} 以上可自动派单:{share:.0%} 的工单,判对 {right:.1%}")
    else:
        typer.echo("  暂不宜自动派单:够把握的检验工单太少,或派错的代价大于省下的人工")
    if told_by := report["feedback"]:
        agreed = told_by["agreement"]["same"]
        typer.echo(
            f"  坐席反馈:{told_by['calls']} 通有定论(改正 {told_by['corrected']}、采纳 {told_by['accepted']}),"
            f"有争议 {told_by['disputed']} 通未用;"
            + (f"两人以上看过的,意见相同 {agreed:.0%}" if agreed is not None else "没有两人以上看过的")
        )
        typer.echo(f"  派单反馈:{told_by['routes']['done'].get('used', 0)} 通记入单位历史")
    if found := report["search"]:
        typer.echo(f"  超参数:试了 {found['tried']} 组,{found['first']:.1%} → {found['best']:.1%}(内部检验)")
    cost = report["cost"]
    typer.echo(
        f"  用时 {cost['wall_s']:.0f} 秒(处理器 {cost['cpu_s']:.0f} 秒),内存最多 {cost['peak_mb']:,} MB:"
        + ",".join(f"{STEPS.get(k, k)} {v:g}" for k, v in report["seconds"].items())
    )
    run_folder = home_dir() / "training" / "runs" / folder.name
    typer.echo(f"模型包 {folder.name} 已写入 {folder}(尚未启用);报告 {run_folder / 'report.html'}")


@train_app.command("inspect")
def inspect(
    file: Annotated[str, typer.Argument(help="工单表或数据库地址")],
    out: Annotated[Path, typer.Option(help="映射文件;已有则按它读取")] = Path("mapping.toml"),
    encoding: Annotated[str, typer.Option(help="CSV 的编码;不给则自动识别")] = "",
    sheet: Annotated[str, typer.Option(help="工作表名")] = "",
    table: Annotated[str, typer.Option(help="数据库的表名或 SELECT")] = "",
) -> None:
    """看一眼工单表:提出映射文件,照它读出前 5 件,列出所有问题。"""
    with told():
        from models.catalog import load_catalog
        from training.inspect import inspect_table

        for line in inspect_table(file, out, load_catalog(catalog_dir()), encoding=encoding, sheet=sheet, table=table):
            typer.echo(line)


@train_app.command("audit")
def audit(
    file: Annotated[str, typer.Argument(help="工单表或数据库地址")],
    mapping: Annotated[Path, typer.Option(help="映射文件")],
    out: Annotated[Path, typer.Option(help="可疑标签表,.xlsx;填好“改为”后用 --corrections 读回")],
    split: Annotated[str, typer.Option(help="time 或 random")] = "time",
    method: Annotated[str, typer.Option(help="own、cleanlab(附加依赖 audit),或 auto:装了 cleanlab 就用它")] = "auto",
    base: Base = bundle_dir(),
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """标签核查:每件工单由没见过它的模型判断,可疑的按程度排成一张表。"""
    with told():
        from training.prepared import Options
        from training.run import audit_tickets

        options = Options(
            base=base, home=home_dir(), catalog=catalog_dir(), split=split, seed=seed, progress=not quiet,
        )  # fmt: skip
        found, how = audit_tickets(file, mapping, options, out, method)
    typer.echo(f"{out}:{found} 件可疑(判法 {how});在“改为”列填写正确标签,再用 yousu train … --corrections {out} 训练")


@train_app.command("simulate")
def simulate(
    version: Annotated[str, typer.Argument(help="模型包版本")],
    wrong_cost: Annotated[float, typer.Option(help="派错一次抵消几次派对")] = 10.0,
    transfer_days: Annotated[float, typer.Option(help="派错耽误几天")] = 2.0,
    manual_days: Annotated[float, typer.Option(help="人工派单等几天")] = 0.1,
    threshold: Annotated[float, typer.Option(help="自己选的门槛;不给则取收益最大的")] = 0.0,
    store: Annotated[bool, typer.Option("--store", help="把选定的门槛存入模型包")] = False,
) -> None:
    """自动派单模拟:不同门槛下自动派出多少、判对多少、转办与天数;可把选定的门槛存入模型包。"""
    with told():
        from training.registry import folder_of
        from training.simulate import Costs, choose, simulate_again, store_point

        folder = folder_of(home_dir() / "bundles", version, shipped_bundle_dir())
        outcomes = home_dir() / "training" / "runs" / folder.name / "outcomes.json"
        points = simulate_again(outcomes, Costs(transfer_days, manual_days, wrong_cost))
        chosen = min(points, key=lambda p: abs(p.threshold - threshold)) if threshold else choose(points)
        typer.echo("门槛  自动派出  判对    每千件派错  转办(预计/现在)  省下天数")
        for p in points:
            typer.echo(
                f"{p.threshold:.2f}  {p.automatic:7.1%}  {p.accuracy:6.1%}  {p.wrong_per_1000:8.1f}  "
                f"{p.transfers:6.1f} / {p.transfers_now:.1f}  {p.days_saved:8.1f}" + (" *" if p == chosen else "")
            )
        if store:
            store_point(folder, chosen)
            typer.echo(f"门槛 {chosen.threshold:.2f} 已存入 {folder.name}")


@train_app.command("feedback")
def feedback(
    out: Annotated[Path, typer.Option(help="输出的 .csv:有定论的来电可直接用来训练,有争议的排在最后、没有代码")],
    database: Annotated[str, typer.Option(help="数据库地址;不给则为本机的")] = "",
) -> None:
    """坐席采纳与改正的分类:写成带来历的表,并说明坐席之间有多一致。"""
    with told():
        from models.catalog import load_catalog
        from training import route_feedback
        from training.feedback import read_feedback, write_lessons

        catalog = load_catalog(catalog_dir())
        found = read_feedback(database or database_url(), catalog.leaves)
        routes = route_feedback.read_routes(database or database_url(), catalog)
        write_lessons(out, found, route_feedback.units_by_call(routes))
        lines = route_feedback.told(found, routes)
    record = found.record()
    typer.echo(f"{out}:{record['calls']} 通有定论(改正 {record['corrected']}、采纳 {record['accepted']})")
    for line in lines:
        typer.echo(line)


@train_app.command("augment")
def augment(
    out: Annotated[Path, typer.Option(help="输出的 .csv")],
    rows: Annotated[int, typer.Option(help="件数")] = 10_000,
    seed: Seed = 0,
) -> None:
    """由书写样例生成合成工单,只用来测规模与速度,不能用来说明准确率。"""
    with told():
        from models.catalog import load_catalog
        from training.augment import write_grown

        write_grown(load_catalog(catalog_dir()), data_dir() / "tickets" / "examples.csv", rows, out, seed=seed)
    typer.echo(f"{out}:{rows} 件合成工单")


def show_quick(manifest: dict[str, Any], out: Path) -> None:
    """Print what a training gave."""
    metrics, examples = manifest["metrics"]["category"], manifest["examples"]
    held = metrics["held_out"]
    left = ";".join(f"{n} 行{why}" for why, n in examples["left_out"].items())
    typer.echo(f"读入 {examples['rows']} 行" + (f"(另有 {left},已略过)" if left else ""))
    typer.echo(f"检验:{held['rows']} 行未参与训练(相同或相近的文字不跨两边)")
    for i, level in enumerate(held["levels"], start=1):
        typer.echo(
            f"  第{i}级 {level['classes']} 类:准确率 {level['accuracy']:.1%},宏平均 F1 {level['macro_f1']:.1%},"
            f"校准误差 {level['ece']:.3f}"
        )
    typer.echo(f"模型包 {manifest['version']} 已写入 {out};使用:yousu assist --bundle {out} --file 来电.csv")


def train_heads(
    bundle: Annotated[
        Path, typer.Option(help="模型包文件夹(须有 encoder/)", envvar="YOUSU_BUNDLE")
    ] = shipped_bundle_dir(),
    catalog: Annotated[Path, typer.Option(help="目录文件夹")] = catalog_dir(),
    data: Annotated[Path, typer.Option(help="数据文件夹(tickets/ 与 kb/)")] = data_dir(),
    copies: Annotated[
        int | None,
        typer.Option(min=0, help="分类另学多少条样例的随机改写(加口头话、换地名、听错的字);默认与随附的模型包相同"),
    ] = None,
) -> None:
    """用 data/tickets 的书写样例训练分类与诉求类型,用 data/kb 的开发问题校准答复,写入模型包。"""
    from training.whole import train_whole

    with told():
        manifest = train_whole(bundle, catalog, data, copies=copies)
    held = manifest["metrics"]["category"]["held_out_author"]
    levels = " / ".join(f"{m['accuracy']:.3f}" for m in held["levels"])
    typer.echo(f"模型包 {manifest['version']}:未见作者的样例 {held['rows']} 条,各级准确率 {levels}")
    leaf, sent, parted = held["levels"][-1], held["dispatch"], manifest["metrics"]["category"]["splitting"]
    low, high = leaf["accuracy_ci"]
    typer.echo(
        f"末级 {leaf['accuracy']:.3f}({low:.3f}–{high:.3f}),宏平均 F1 {leaf['macro_f1']:.3f},"
        f"前三 {held['leaf_top3']:.3f},按深度计 {held['depth_weighted']:.3f},校准误差 {leaf['ece']:.3f},"
        f"95% 正确时覆盖 {leaf['coverage_at_95']:.3f}"
    )
    typer.echo(
        f"首派正确 {sent['top1']:.3f},前三 {sent['top3']:.3f},并行全对 {sent['whole_set']:.3f};"
        f"每百件预计转办 {sent['transfers_per_100']:.1f}(按末级首位职责 {sent['majority_transfers_per_100']:.1f})"
    )
    typer.echo(f"无连接词的两件事分开 {parted['split_of_pairs']:.3f},一件事误分 {parted['split_of_singles']:.3f}")
    for part in held["slices"]:
        low, high = part["ci"]
        typer.echo(f"  {part['name']}:{part['rows']} 条,末级 {part['accuracy']:.3f}({low:.3f}–{high:.3f})")


def train_retrieval(
    bundle: Annotated[Path, typer.Option(help="模型包文件夹(须有 encoder/)")] = bundle_dir(),
    data: Annotated[Path, typer.Option(help="数据文件夹(含 kb/)")] = data_dir(),
    feedback: Annotated[
        str, typer.Option(help="坐席对答复的点选与改正所在的数据库地址;home 表示本机的。条目也取自该库,并重校答复把握")
    ] = "",
) -> None:
    """用条目与开发问题确定向量与 BM25 的权重,写入模型包的 retrieval.json;带 --feedback 时也学坐席的反馈。"""
    questions = data / "kb" / "dev_questions.csv"
    if not feedback:
        from training.retrieval import fit_fusion

        with told():
            _told_fusion(fit_fusion(bundle, data / "kb" / "entries.csv", questions))
        return
    from training.relevance import adapt

    with told():
        records, relevance = adapt(bundle, questions, database_url() if feedback == "home" else feedback)
    left = "".join(f",{why} {n} 条" for why, n in relevance.left_out.items())
    typer.echo(f"反馈给出 {len(relevance.questions)} 个问题{left}")
    _told_fusion(records["retrieval"])
    made, metrics = records["answering"], records["answering"]["metrics"]
    typer.echo(
        f"答复门槛 {made['threshold']}:答复率 {metrics['answered']},答对率 {metrics['right_among_answered']},"
        f"误答率 {metrics['off_topic_answered']}"
    )


def _told_fusion(record: dict[str, Any]) -> None:
    share, metrics = record["weights"]["dense_short"], record["metrics"]
    typer.echo(f"向量占比 {share}:未参与选择的问题 R@1 {metrics['r1']:.3f},MRR@10 {metrics['mrr10']:.3f}")
