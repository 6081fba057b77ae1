"""`yousu kb`: the desk's commands over the knowledge base; each calls one function and prints what it returned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from kb.desk import Desk

app = typer.Typer(no_args_is_help=True, help="知识库:导入导出、审核发布、体检、命中测试、未答问题")

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出")]
Entry = Annotated[str, typer.Argument(help="条目编号")]
Who = Annotated[str, typer.Option("--who", help="操作人")]
Why = Annotated[str, typer.Option("--why", help="原因")]
Map = Annotated[list[str] | None, typer.Option("--map", help="列映射,如 问题=question,可多次;或 .toml 文件")]
Day = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="按哪一天;默认今天")]
Encoding = Annotated[str, typer.Option(help="文件的编码,如 utf-8、gb18030")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="最多几条")]
Revision = Annotated[int, typer.Argument(help="修订号,见 `yousu kb history`")]
Expected = Annotated[int | None, typer.Option("--expected", help="所见的修订号;已被他人改过则拒绝")]


@contextmanager
def _desk() -> Iterator[Desk]:
    """Give the desk; what a person can act on ends with its message, not with a traceback."""
    from kb.desk import Desk
    from kb.entry import EntryError
    from kb.sheets import FileError
    from kb.workflow import StoreError
    from models.catalog import CatalogError

    try:
        yield Desk()
    except (StoreError, FileError, EntryError, CatalogError, OSError) as error:
        typer.echo(f"错误:{error}", err=True)
        raise typer.Exit(1) from error


def _print(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="条目文件:.csv、.xlsx 或 .jsonl")],
    who: Who, why: Why = "", mapping: Map = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查,不入库")] = False,
    accept_near: Annotated[bool, typer.Option("--accept-near", help="不查近似重复")] = False,
    as_backup: Annotated[
        bool, typer.Option("--as-backup", help="恢复备份:照文件里的状态入库,只查格式")
    ] = False,
    encoding: Encoding = "utf-8", as_json: AsJson = False,
) -> None:  # fmt: skip
    """导入条目为草稿;有问题的行逐行列出并另存,不影响其余行。"""
    from kb.importing import import_file, read_mapping

    with _desk() as desk:
        report = import_file(
            file, desk.store, desk.known, who=who, why=why, mapping=read_mapping(mapping or []),
            near=None if accept_near else desk.near, dry_run=dry_run, as_backup=as_backup, encoding=encoding,
        )  # fmt: skip
    if as_json:
        _print(asdict(report))
        return
    for fault in report.faults:
        typer.echo(str(fault))
    if report.ignored:
        typer.echo(f"未使用的列:{'、'.join(report.ignored)}")
    done = "试导入(未入库)" if dry_run else "已入库"
    typer.echo(
        f"{done}:{report.rows} 行,新增 {report.new},修改 {report.changed},未变 {report.unchanged},"
        f"有问题 {report.set_aside}"
    )


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="输出文件:.csv、.xlsx 或 .jsonl")],
    status: Annotated[str, typer.Option(help="只导出某状态;published 为正在答复的版本")] = "",
) -> None:
    """导出条目;同样的内容总是得到同样的字节。"""
    from kb.exporting import export_entries

    with _desk() as desk:
        entries = desk.store.entries(status=status or None)
        export_entries(entries, out)
    typer.echo(f"{out}:{len(entries)} 条")


@app.command()
def check(on: Day = None, as_json: AsJson = False) -> None:
    """体检:过期、即将到期、数字冲突、已有更新、分类或部门不在目录、从未命中。"""
    import datetime as dt
    from collections import Counter

    from kb.feedback import Feedback
    from kb.health import KINDS
    from kb.health import check as find

    with _desk() as desk:
        day = on.date() if on else dt.date.today()
        live = desk.store.entries(status="published")
        found = find(live, desk.known, desk.relations(day), Feedback(desk.store.engine).hits(), today=day)
    counts = Counter(f.kind for f in found)
    if as_json:
        totals = {kind: counts[kind] for kind in KINDS}
        _print({"published": len(live), "totals": totals, "findings": [asdict(f) for f in found]})
        return
    for f in found:
        typer.echo(f"{KINDS[f.kind]} {f.entry_id} {f.question} {f.detail}".rstrip())
    typer.echo(f"已发布 {len(live)} 条;" + ",".join(f"{name} {counts[kind]}" for kind, name in KINDS.items()))


@app.command("hit-test")
def hit_test(
    file: Annotated[Path, typer.Argument(help="问题文件,含 问题 列和 期望条目 列(空 = 不该答;几条都算对的用 ; 隔开)")],
    out: Annotated[Path | None, typer.Option("--out", help="结果文件,默认 原名.result.后缀")] = None,
    mapping: Map = None, on: Day = None,
    district: Annotated[str, typer.Option(help="来电区县")] = "",
    encoding: Encoding = "utf-8", as_json: AsJson = False,
) -> None:  # fmt: skip
    """命中测试:每个问题的前五条与得分、期望条目排第几,以及合计。"""
    import datetime as dt

    from kb.hittest import COLUMNS, TOLD_AS, missing, read_questions, totals
    from kb.hittest import hit_test as run
    from kb.sheets import write_rows

    with _desk() as desk:
        rows = read_questions(file, mapping or [], encoding)
        day = on.date() if on else dt.date.today()
        tested = run(rows, desk.answerer(), desk.embedder, on=day, district=district)
        target = out or file.with_name(f"{file.stem}.result{file.suffix}")
        write_rows(target, COLUMNS, [t.row() for t in tested])
        why = [missing(t, desk.published, on=day, district=district) for t in tested]
    figures = totals(tested)
    if as_json:
        _print({"file": str(target), "totals": figures, "questions": [asdict(t) for t in tested]})
        return
    for t, reason in zip(tested, why, strict=True):
        if t.expected and t.rank != 1:
            got = t.top[0][0] if t.top else "无"
            place = f"排第 {t.rank}" if t.rank else f"不在前五({reason})" if reason else "不在前五"
            typer.echo(f"{t.question}:期望 {t.expected} {place},第一为 {got}")
    typer.echo(",".join(f"{TOLD_AS[k]} {'—' if v is None else v}" for k, v in figures.items()))
    typer.echo(f"结果:{target}")


@app.command("list")
def list_(
    status: Annotated[str, typer.Option(help="draft / review / published / retired")] = "",
    category: Annotated[str, typer.Option(help="分类代码或其开头")] = "",
    department: Annotated[str, typer.Option(help="部门")] = "",
    text: Annotated[str, typer.Option(help="内容里的字")] = "",
    author: Annotated[str, typer.Option(help="起草人")] = "",
    cursor: Annotated[str, typer.Option(help="从此编号之后继续")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """列出条目的当前稿,可按状态、分类、部门、文字筛选。"""
    from kb.store import Filter
    from kb.workflow import STATUS_NAMES

    with _desk() as desk:
        wanted = Filter(status=status, category=category, department=department, text=text, author=author)
        page, total = desk.store.page(wanted, cursor=cursor, limit=limit), desk.store.count(wanted)
    if as_json:
        _print({"total": total, "cursor": page.cursor, "items": [asdict(h) for h in page.items]})
        return
    for h in page.items:
        typer.echo(f"{h.entry.id} [{STATUS_NAMES[h.entry.status]}] {h.entry.question}(修订 {h.revision})")
    typer.echo(f"共 {total} 条" + (f";继续:--cursor {page.cursor}" if page.cursor else ""))


@app.command()
def show(
    entry: Entry,
    revision: Annotated[int | None, typer.Option(help="看哪一次修订;默认当前稿")] = None,
    as_json: AsJson = False,
) -> None:
    """显示一个条目的当前稿或某次修订。"""
    from kb.entry import to_row

    with _desk() as desk:
        held: Any = desk.store.get(entry) if revision is None else desk.store.version(entry, revision)
    if as_json:
        _print(asdict(held))
        return
    for column, value in to_row(held.entry).items():
        if value:
            typer.echo(f"{column}: {value}")
    typer.echo(f"修订: {held.revision}")


@app.command()
def history(entry: Entry, as_json: AsJson = False) -> None:
    """列出条目的每次修订:何人、何时、为何。"""
    from kb.workflow import ACTION_NAMES
    from models.text import one_line

    with _desk() as desk:
        versions = desk.store.versions(entry)
    if as_json:
        _print([asdict(v) for v in versions])
        return
    for v in versions:
        line = f"{v.revision} {v.at:%Y-%m-%d %H:%M:%S}Z {ACTION_NAMES.get(v.action, v.action)} {v.who}:{v.why}"
        typer.echo(one_line(line))


@app.command()
def diff(entry: Entry, before: Revision, after: Revision, as_json: AsJson = False) -> None:
    """比较条目的两次修订,逐字段列出不同。"""
    with _desk() as desk:
        changes = desk.store.compare(entry, before, after)
    if as_json:
        _print([asdict(c) for c in changes])
        return
    for c in changes:
        typer.echo(f"{c.field}\n  - {c.before}\n  + {c.after}")
    if not changes:
        typer.echo("没有不同")


@app.command()
def restore(entry: Entry, revision: Revision, who: Who, why: Why, expected: Expected = None) -> None:
    """把某次修订恢复为新的草稿。"""
    with _desk() as desk:
        held = desk.store.restore(entry, revision, who=who, why=why, expected=expected)
    typer.echo(f"{entry} 已恢复为草稿,修订 {held.revision}")


def _move(action: str, doc: str) -> None:
    def command(entry: Entry, who: Who, why: Why, expected: Expected = None) -> None:
        from kb.workflow import STATUS_NAMES

        with _desk() as desk:
            held = desk.store.move(entry, action, who=who, why=why, expected=expected)
        typer.echo(f"{entry} 现为{STATUS_NAMES[held.entry.status]},修订 {held.revision}")

    app.command(action, help=doc)(command)


for _action, _doc in (
    ("submit", "提交审核。"),
    ("return", "退回给起草人。"),
    ("publish", "审核通过并发布;起草人不能审核自己的稿子。"),
    ("retire", "停用:不再用于答复。"),
    ("reopen", "把已停用的条目重新作为草稿。"),
):
    _move(_action, _doc)


@app.command()
def unanswered(
    assign: Annotated[int | None, typer.Option(help="指派此编号的问题")] = None,
    to: Annotated[str, typer.Option(help="指派给谁")] = "",
    close: Annotated[int | None, typer.Option(help="关闭此编号的问题")] = None,
    entry: Annotated[str, typer.Option(help="解决它的条目")] = "",
    note: Annotated[str, typer.Option(help="说明")] = "",
    who: Annotated[str, typer.Option(help="操作人;指派和关闭时必填")] = "",
    status: Annotated[str, typer.Option(help="open / assigned / closed;默认未关闭的")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """没有答上的问题:相近的归在一起,问得多的在前;可指派、关闭。"""
    from kb.unanswered import UnansweredQueue
    from kb.workflow import StoreError
    from models.text import one_line

    with _desk() as desk:
        queue = UnansweredQueue(desk.store.engine, "")
        if (assign or close) and not who.strip():
            raise StoreError("指派和关闭须有 --who 操作人")
        if assign is not None:
            queue.assign(assign, to, who=who)
        if close is not None:
            desk.store.get(entry) if entry else None
            queue.close(close, who=who, entry_id=entry, note=note)
        found = queue.list(status=status, limit=limit)
    if as_json:
        _print([asdict(c) for c in found])
        return
    for c in found:
        state = f"{c.status} {c.assignee}".strip()
        typer.echo(one_line(f"{c.id} 问过 {c.asked} 次 [{state}] {c.sample}"))
    typer.echo(f"共 {len(found)} 组")
