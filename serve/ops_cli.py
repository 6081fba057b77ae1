"""Commands of whoever runs it: keys, audit, settings, backup, restore and retention."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from serve.keys import KeyRing
    from serve.records import Records
    from serve.settings import Settings

key_app = typer.Typer(no_args_is_help=True, help="密钥:建、看、停、换")
audit_app = typer.Typer(no_args_is_help=True, help="审计")
retention_app = typer.Typer(no_args_is_help=True, help="保存期限")
KeyId = Annotated[str, typer.Argument(help="密钥编号,见 `yousu key list`")]


def _opened() -> tuple[Settings, Records]:
    from serve.records import Records
    from serve.settings import Settings

    settings = Settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    return settings, Records(settings.database_url)


def _ring() -> tuple[Settings, Records, KeyRing]:
    from serve.keys import KeyRing

    settings, records = _opened()
    return settings, records, KeyRing(records)


def _note(records: Records, what: str, object: str, **detail: object) -> None:
    import getpass

    from serve import audit

    audit.record(records, who=f"cli:{getpass.getuser()}", what=what, object=object, detail=detail)


def _fail(error: object) -> typer.Exit:
    typer.echo(f"错误:{error}", err=True)
    return typer.Exit(1)


@key_app.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="给谁用")],
    role: Annotated[str, typer.Option(help="operator、editor、reviewer、engineer、auditor 或 admin")] = "operator",
    rate: Annotated[int | None, typer.Option(help="每分钟调用上限", min=1)] = None,
    days: Annotated[float | None, typer.Option(help="几天后失效;默认不失效", min=0)] = None,
) -> None:
    """建一把密钥;密钥只显示这一次。建了第一把之后,没有密钥就不能访问。"""
    from serve.keys import KeyFaultError

    settings, records, ring = _ring()
    try:
        key, secret = ring.create(name, role, rate=rate or settings.default_rate, days=days)
    except KeyFaultError as error:
        raise _fail(error) from error
    _note(records, "key.create", key.id, name=key.name, role=key.role)
    typer.echo(secret)


@key_app.command("list")
def key_list() -> None:
    """列出密钥(不含密文)。"""
    for key in _ring()[2].keys:
        state = "可用" if key.usable else ("已停用" if key.revoked_at else "已过期")
        until = f"{key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "不失效"
        typer.echo(f"{key.id}  {key.role:<9} {state}  每分钟 {key.rate}  至 {until}  {key.name}")


@key_app.command("revoke")
def key_revoke(key_id: KeyId) -> None:
    """立即停用一把密钥及其登录;各进程在几秒内生效。"""
    from serve.keys import KeyFaultError

    _, records, ring = _ring()
    try:
        key = ring.revoke(key_id)
    except KeyFaultError as error:
        raise _fail(error) from error
    _note(records, "key.revoke", key.id, name=key.name)
    typer.echo(f"已停用 {key.id}({key.name})")


@key_app.command("rotate")
def key_rotate(key_id: KeyId, grace: Annotated[float, typer.Option(help="旧密钥还能用几小时", min=0)] = 24.0) -> None:
    """换一把新密钥,旧的在宽限期内仍可用,所以不必停机。"""
    from serve.keys import KeyFaultError

    _, records, ring = _ring()
    try:
        key, secret = ring.rotate(key_id, grace_hours=grace)
    except KeyFaultError as error:
        raise _fail(error) from error
    _note(records, "key.rotate", key_id, new=key.id, grace_hours=grace)
    typer.echo(secret)


@audit_app.command("verify")
def audit_verify(head: Annotated[str, typer.Option(help="另存的末行校验值,用来发现末尾被截去")] = "") -> None:
    """逐行核对审计记录;有改动、缺失或截尾即报出。"""
    from serve import audit

    verdict = audit.verify(_opened()[1], expected_head=head)
    if verdict.fault:
        raise _fail(f"审计记录不可信:{verdict.fault}")
    typer.echo(f"审计记录完好:{verdict.lines} 行,末行校验值 {verdict.head}")


@audit_app.command("show")
def audit_show(
    last: Annotated[int, typer.Option(help="最后多少行", min=1)] = 50,
) -> None:
    """看最后几行审计记录。"""
    from models.text import one_line
    from serve import audit

    records = _opened()[1]
    total = audit.verify(records).lines
    for row in audit.lines(records, after=max(0, total - last), limit=last):
        typer.echo(one_line(f"{row.seq}  {row.at}  {row.who}  {row.what}  {row.object}  {row.detail}"))


Days = Annotated[int | None, typer.Option(help="保存天数;默认用设置 retention_days", min=1)]
Backups = Annotated[Path | None, typer.Option(help="备份所在文件夹,一并删去(核对)超过 backup_days 的")]


@retention_app.command("apply")
def retention_apply(days: Days = None, backups: Backups = None) -> None:
    """删去过期的反馈、工单、来电、未答问题、训练留下的文字与备份,并说各删了多少。"""
    from serve import retention

    settings, records = _opened()
    limit = days or settings.retention_days
    gone = retention.apply(records, days=limit, backups=backups, backup_days=settings.backup_days, home=settings.home)
    typer.echo(f"早于 {limit} 天的已删去:" + ";".join(f"{retention.NAMES[k]} {v}" for k, v in gone.items()))


@retention_app.command("verify")
def retention_verify(days: Days = None, backups: Backups = None) -> None:
    """核对过期的内容是否真的没有了:各表、已删的数据页、训练留下的文件、备份;还有就以 1 结束。"""
    from serve import retention

    settings, records = _opened()
    limit = days or settings.retention_days
    found = retention.verify(records, days=limit, home=settings.home, backups=backups, backup_days=settings.backup_days)
    for finding in found:
        typer.echo(f"还有:{finding.what}({finding.where})")
    if found:
        raise typer.Exit(1)
    typer.echo(f"早于 {limit} 天的已全部删去")


def backup(target: Annotated[Path, typer.Argument(help="放备份的文件夹")]) -> None:
    """备份数据库与工作文件夹;服务可以照常运行。"""
    from serve.backup import BackupError
    from serve.backup import backup as write

    settings, records = _opened()
    try:
        archive = write(settings, target)
    except (BackupError, OSError) as error:
        raise _fail(error) from error
    _note(records, "backup", archive.name)
    typer.echo(str(archive))


def restore(
    archive: Annotated[Path, typer.Argument(help="yousu backup 写的文件")],
    force: Annotated[bool, typer.Option("--force", help="覆盖已有的数据库")] = False,
) -> None:
    """恢复备份;请先停下服务。"""
    from serve.backup import BackupError
    from serve.backup import restore as put_back
    from serve.settings import Settings

    settings = Settings()
    try:
        manifest = put_back(settings, archive, force=force)
    except (BackupError, OSError) as error:
        raise _fail(error) from error
    _note(_opened()[1], "restore", archive.name)
    typer.echo(f"已恢复 {manifest['at']} 的备份:{len(manifest['files'])} 个文件")


def settings_table() -> None:
    """列出每项设置:环境变量、当前值、默认值、含义。"""
    from rich.console import Console
    from rich.table import Table

    from serve.settings import Settings, config_file, table

    shown = Table("环境变量", "当前值", "默认值", "含义", title=f"设置(文件:{config_file()})")
    for row in table(Settings()):
        shown.add_row(*row)
    Console(width=160).print(shown)


def mount(app: typer.Typer) -> None:
    """Add the commands that stand at the top level."""
    app.command()(backup)
    app.command()(restore)
    app.command("settings")(settings_table)
