"""Putting a bundle together in a temporary folder and swapping it in whole; one training at a time per place."""

from __future__ import annotations

import datetime
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.bundle import MANIFEST, write_manifest

SHARED = ("encoder", "request_type", "risk", "answering.json", "retrieval.json")
"""What a trained bundle takes over unchanged from the bundle it starts from."""
OPTIONAL = ("splitting.json",)
"""Taken over where the bundle it starts from has it."""


class PackingError(RuntimeError):
    """A bundle that cannot be written where it was wanted; nothing was changed."""


@contextmanager
def training_lock(file: Path) -> Iterator[None]:
    """Hold `file` for this process; raises PackingError when another training holds it.

    The operating system gives the lock back when the process ends, however it ends.
    """
    import fcntl

    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise PackingError(f"另一个训练正在写同一处({handle.read().strip()});请等它结束或换一个输出位置") from error
        handle.seek(0)
        handle.truncate()
        handle.write(f"进程 {os.getpid()},始于 {datetime.datetime.now():%Y-%m-%d %H:%M:%S}")
        handle.flush()
        yield


def check_target(out: Path) -> None:
    """Raise PackingError when `out` is something that must not be replaced by a bundle."""
    if out.is_file():
        raise PackingError(f"{out}: 应为文件夹,实为文件")
    if out.is_dir() and any(out.iterdir()) and not (out / MANIFEST).is_file():
        raise PackingError(f"{out}: 文件夹里有别的东西(没有 {MANIFEST}),为免误删请换一个文件夹")


def pack(out: Path, base: Path, fill: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    """Write a bundle to `out` and return its manifest.

    `fill` writes the new files into the folder it is given and returns the manifest's record. The shared files
    are linked (or copied) from `base`. Until everything is written, `out` stays as it was.
    """
    from training.card import write_card

    check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    for stale in out.parent.glob(f".{out.name}.*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    for old in out.parent.glob(f".{out.name}.*.old"):
        if out.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(out)
    temporary = out.parent / f".{out.name}.{os.getpid()}.tmp"
    try:
        temporary.mkdir()
        for name in SHARED:
            _take(base / name, temporary / name)
        for name in OPTIONAL:
            if (base / name).is_file():
                _take(base / name, temporary / name)
        manifest = write_manifest(temporary, fill(temporary))
        write_card(temporary)
        _swap(temporary, out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return manifest


def _swap(new: Path, out: Path) -> None:
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except BaseException:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _take(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for file in source.iterdir():
            _take(file, target / file.name)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def base_record(base: Path) -> dict[str, Any]:
    """Return the manifest of the bundle that is started from."""
    return json.loads((base / MANIFEST).read_text(encoding="utf-8"))
