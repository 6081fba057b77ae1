"""Backup and restore: a consistent copy of the database and of what `home` holds, in one archive with hashes."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from serve.settings import Settings

FORMAT = 1
NAME = "yousu-{at:%Y%m%dT%H%M%SZ}.tar.gz"
_DATABASE = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
_LEFT_OUT = ("index", "yousu.db", "yousu.db-wal", "yousu.db-shm")
"""In `home`: what is rebuilt by itself, and the live database."""


class BackupError(ValueError):
    """A backup that cannot be made or must not be restored; the message says why."""


def backup(settings: Settings, target: Path) -> Path:
    """Write a backup into the folder `target` and return the archive; the service may go on meanwhile."""
    target.mkdir(parents=True, exist_ok=True)
    at = datetime.datetime.now(datetime.UTC)
    archive = target / NAME.format(at=at)
    temporary = archive.with_name(archive.name + ".tmp")
    with tempfile.TemporaryDirectory(dir=target) as folder:
        files = {"database": _dump(settings.database_url, Path(folder))}
        for path in sorted(settings.home.rglob("*")):
            relative = path.relative_to(settings.home)
            mine = path.is_file() and not path.is_symlink() and relative.parts[0] not in _LEFT_OUT
            if mine and target.resolve() not in path.resolve().parents:
                files[f"home/{relative}"] = path
        manifest = {
            "format": FORMAT,
            "at": at.isoformat(timespec="seconds"),
            "database": files["database"].name,
            "files": {name: _hash(path) for name, path in files.items()},
        }
        try:
            with tarfile.open(temporary, "w:gz", compresslevel=5) as tar:
                _add(tar, "manifest.json", json.dumps(manifest, ensure_ascii=False, indent=1).encode())
                for name, path in files.items():
                    tar.add(path, name, recursive=False)
            os.chmod(temporary, 0o600)
            temporary.replace(archive)
        finally:
            temporary.unlink(missing_ok=True)
    return archive


def unpack(tar: tarfile.TarFile, folder: str, only: str = "") -> None:
    """Write the files of `tar`, or the one named `only`, into `folder`; nothing is written outside of it.

    Raises ValueError or TarError for a name that leads out, a link or a device, KeyError when `only` is missing.

    `TarFile.extractall(filter="data")` does the same from Python 3.11.4 on; Debian 12 has 3.11.2.
    """
    members = [tar.getmember(only)] if only else tar.getmembers()
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, members, filter="data")
        return
    for member in members:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts or not (member.isfile() or member.isdir()):
            raise ValueError(f"{member.name}: neither a file nor a folder inside the archive")
        member.mode = (member.mode | 0o600) & 0o755
    tar.extractall(folder, members)  # nosec B202: names and kinds were looked at above


def restore(settings: Settings, archive: Path, *, force: bool = False) -> dict[str, Any]:
    """Put a backup in place of what is there and return its manifest; the service must be stopped.

    Raises BackupError, and changes nothing, when a file does not fit its hash, a name leads out of the archive, or
    a database is there already and `force` is not given.
    """
    with tempfile.TemporaryDirectory(dir=_folder(settings.home)) as folder:
        try:
            with tarfile.open(archive) as tar:
                unpack(tar, folder)
            manifest = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))
        except (tarfile.TarError, OSError, ValueError, EOFError) as error:
            raise BackupError(f"{archive}: 应为 yousu backup 写的文件,实为 {type(error).__name__}") from error
        if manifest.get("format") != FORMAT:
            raise BackupError(f"{archive}: 格式应为 {FORMAT},实为 {manifest.get('format')}")
        for name, digest in manifest["files"].items():
            path = Path(folder) / name
            if not path.is_file() or _hash(path) != digest:
                raise BackupError(f"{archive}: {name} 缺失或与校验值不符")
        _load(settings.database_url, Path(folder) / "database", force)
        for name in manifest["files"]:
            if name.startswith("home/"):
                goal = settings.home / name.removeprefix("home/")
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(folder) / name, goal)
    return manifest


def older_than(folder: Path, days: int) -> list[Path]:
    """Return the backups in `folder` that were made more than `days` ago, by their names."""
    limit = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    found = []
    for path in sorted(folder.glob("yousu-*.tar.gz")):
        with contextlib.suppress(ValueError):
            made = datetime.datetime.strptime(path.name, "yousu-%Y%m%dT%H%M%SZ.tar.gz").replace(tzinfo=datetime.UTC)
            if made < limit:
                found.append(path)
    return found


def _dump(url: str, folder: Path) -> Path:
    if url.startswith("sqlite"):
        target = folder / _DATABASE["sqlite"]
        live, copy = sqlite3.connect(_sqlite_path(url)), sqlite3.connect(target)
        with contextlib.closing(live), contextlib.closing(copy):
            live.backup(copy)
        return target
    target = folder / _DATABASE["postgresql"]
    _postgres("pg_dump", url, "--format=custom", f"--file={target}")
    return target


def _load(url: str, source: Path, force: bool) -> None:
    if not url.startswith("sqlite"):
        _postgres("pg_restore", url, "--clean", "--if-exists", "--single-transaction", str(source), dbname=True)
        return
    goal = _sqlite_path(url)
    if goal.is_file() and not force:
        raise BackupError(f"{goal}: 已有数据库;停下服务并确认要覆盖后,加 --force")
    with contextlib.closing(sqlite3.connect(source)) as copy:
        if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise BackupError("备份里的数据库不完整")
    for suffix in ("-wal", "-shm"):
        goal.with_name(goal.name + suffix).unlink(missing_ok=True)
    goal.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, goal)


def _postgres(tool: str, url: str, *arguments: str, dbname: bool = False) -> None:
    if shutil.which(tool) is None:
        raise BackupError(f"{tool}: 备份与恢复 PostgreSQL 需要此命令,未找到")
    plain = url.replace("postgresql+psycopg://", "postgresql://")
    done = subprocess.run([tool, *arguments, f"--dbname={plain}"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{tool}: {done.stderr.strip()[:300]}")


def _sqlite_path(url: str) -> Path:
    return Path(url.split("sqlite:///", 1)[1].split("?")[0])


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
