"""Starting the service: where it may listen, how many processes, how it stops; the application is serve.app."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Small products of single calls are slower on several threads, and spinning ones starve the encoder."""


class BindError(ValueError):
    """An address that must not be listened on."""


START_FAULTS = (ValueError, OSError, RuntimeError, ImportError)
"""What is wrong with settings, bundle, catalogue, address or vector engine: told in a sentence, without traceback."""


def run(
    *, host: str | None = None, port: int | None = None, bundle: Path | None = None,
    on_start: Callable[[str], None] = lambda _: None,
) -> None:  # fmt: skip
    """Serve until told to stop; raises BindError for an outside address without access control."""
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    for option, value in (("HOST", host), ("PORT", port), ("BUNDLE", bundle)):
        if value is not None:
            os.environ[f"YOUSU_{option}"] = str(value)
    import uvicorn

    from serve import logs
    from serve.settings import Settings

    settings = Settings()
    check_binding(settings)
    logs.set_up(settings.log_level)
    where = f"http://{settings.host}:{settings.port}"
    options: dict[str, Any] = {
        "host": settings.host, "port": settings.port, "log_config": None, "access_log": False,
        "timeout_graceful_shutdown": settings.shutdown_seconds, "timeout_keep_alive": 30, "server_header": False,
        "backlog": 4096, "ws": "none",
        # uvloop takes one new connection from the backlog each time round, and a round lasts as long as a call: under
        # overload, callers stood in the backlog for half a minute and more before they were refused, or answered
        "loop": "asyncio",
    }  # fmt: skip
    if settings.workers > 1:
        on_start(where)
        uvicorn.run("serve.app:from_settings", factory=True, workers=settings.workers, **options)
        return
    from serve.app import create_app
    from serve.engine import Engine

    app = create_app(Engine(settings))
    on_start(where)
    uvicorn.run(app, **options)


def check_binding(settings: Any) -> None:
    """Raise BindError when everybody on the network would be an admin; brings the tables up to date."""
    from serve.keys import KeyRing
    from serve.records import Records
    from serve.settings import LOOPBACK

    Path(settings.home).mkdir(parents=True, exist_ok=True)
    records = Records(settings.database_url)
    guarded = settings.auth == "on" or (settings.auth == "auto" and bool(KeyRing(records).keys))
    records.close()
    if not guarded and settings.host not in LOOPBACK:
        raise BindError(
            f"host: 未启用访问控制时应为 {'、'.join(LOOPBACK)},实为 {settings.host};"
            "请先用 `yousu key create` 建密钥,或设 YOUSU_AUTH=on"
        )
