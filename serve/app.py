"""The application: one router a capability behind one guard; nothing here knows what a route does."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI

from serve import memory
from serve.api import assist, batch, bundles, desk, entries, entry_files, feedback, health, insight, session, tickets
from serve.api.deps import Gate
from serve.api.guard import Guard
from serve.api.problems import Problem, install
from serve.api.schemas import BatchLine
from serve.engine import Engine
from serve.panel import mount_panel
from serve.runtime import Runtime

ROUTERS = (
    assist.router, batch.router, feedback.router, tickets.router, entry_files.router, entries.router, bundles.router,
    session.router, health.router, insight.router, desk.router,
)  # fmt: skip
"""Every router; a new capability adds its own here and its permissions to `serve.permissions`."""


def create_app(engine: Engine) -> FastAPI:
    """Return the application that serves `engine`, and what replaces it when entries or bundle change."""
    runtime = Runtime(engine)
    gate = Gate(runtime)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        runtime.watch()
        gc.collect()
        gc.freeze()  # what is loaded by now stays: looking through it again and again would hold up calls
        memory.give_back()
        yield
        runtime.close()

    app = FastAPI(
        title="有诉 yousu", version=engine.bundle.version, docs_url=None, redoc_url=None, lifespan=life,
        dependencies=[Depends(gate)],
    )  # fmt: skip
    app.state.runtime, app.state.gate = runtime, gate
    install(app)
    _add_routes(app, runtime)
    app.add_middleware(Guard, runtime=runtime)
    return app


def _add_routes(app: FastAPI, runtime: Runtime) -> None:
    for router in ROUTERS:
        app.include_router(router)
    app.include_router(insight.pages)
    mount_panel(app, runtime)
    _describe(app)


def interface() -> dict[str, Any]:
    """Return the OpenAPI description without loading bundle, index or database; no request could be served."""
    from types import SimpleNamespace
    from typing import cast

    from models.catalog import load_catalog
    from serve.settings import Settings

    settings = Settings()
    engine = SimpleNamespace(catalog=load_catalog(settings.catalog), lookup=None)
    app = FastAPI(title="有诉 yousu", version="0")
    _add_routes(app, cast(Runtime, SimpleNamespace(engine=engine, settings=settings)))
    return app.openapi()


def from_settings() -> FastAPI:
    """Return the application as the environment says; what each of several worker processes starts with."""
    from serve import logs
    from serve.settings import Settings

    settings = Settings()
    logs.set_up(settings.log_level)
    return create_app(Engine(settings))


def _describe(app: FastAPI) -> None:
    """Add to the OpenAPI description what FastAPI cannot know: problem details and the ways to prove who one is."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = generate()
        components = schema.setdefault("components", {})
        line = BatchLine.model_json_schema(ref_template="#/components/schemas/{model}")
        components.setdefault("schemas", {}).update(line.pop("$defs"))
        components["schemas"].update(BatchLine=line, Problem=Problem.model_json_schema())
        components["securitySchemes"] = {
            "key": {"type": "http", "scheme": "bearer", "description": "密钥,或 OIDC 令牌"},
            "session": {"type": "apiKey", "in": "cookie", "name": "yousu_session", "description": "页面登录"},
        }
        schema["security"] = [{"key": []}, {"session": []}, {}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
