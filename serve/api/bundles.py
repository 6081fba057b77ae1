"""Routes of bundles: list, promote, roll back; the gate that decides is training's and runs in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Response

from models.locations import current_version
from models.shelf import history, versions
from serve import audit
from serve.api.changes import actor, reason
from serve.api.deps import InfoOf, RuntimeOf, json_only
from serve.api.entry_schemas import BundleChanged, BundleList, PromoteIn, RollbackIn
from serve.api.guard import RequestInfo
from serve.api.problems import replies
from serve.api.replies import reply
from serve.inputs import InputError
from serve.runtime import Runtime

router = APIRouter(prefix="/v1/bundles", tags=["模型包"])
SHIPPED = "shipped"
_SHOWN_EVENTS = 20
_PROMOTE_SECONDS = 900.0
"""Longest replay of tickets through both bundles; on a quiet core a thousand take about half a minute."""


@router.get("", summary="模型包", response_model=BundleList, responses=replies(401, 403, 429))
def listing(runtime: RuntimeOf) -> Response:
    """Return the bundles of this installation and the latest changes."""
    folder = runtime.settings.home / "bundles"
    current = current_version(folder) or SHIPPED
    shipped: dict[str, Any] = {
        "version": SHIPPED,
        "made_at": "",
        "rows": None,
        "accuracy": [],
        "current": current == SHIPPED,
    }
    items = [shipped, *(_shown(m, current) for m in versions(folder))]
    shown = ("at", "what", "who", "why", "reasons")
    events = [{**{k: e[k] for k in shown}, "version": e["to"]} for e in history(folder)[-_SHOWN_EVENTS:]]
    return reply({"items": items, "events": events})


def _shown(manifest: dict[str, Any], current: str) -> dict[str, Any]:
    held_out = manifest.get("metrics", {}).get("category", {}).get("held_out", {})
    return {
        "version": manifest["version"],
        "made_at": manifest.get("made_at", ""),
        "rows": manifest.get("examples", {}).get("rows"),
        "accuracy": [round(level["accuracy"], 4) for level in held_out.get("levels", [])],
        "current": manifest["version"] == current,
    }


_CHANGES = replies(400, 401, 403, 408, 409, 413, 415, 422, 429, 504)


@router.post(
    "/promote", summary="启用一个模型包", response_model=BundleChanged, responses=_CHANGES,
    dependencies=[Depends(json_only)],
)  # fmt: skip
async def promote(sent: PromoteIn, runtime: RuntimeOf, info: InfoOf) -> Response:
    """Compare with the bundle in use and take the new one into use, unless the gate refuses it (409)."""
    more = ["--new-taxonomy"] if sent.new_taxonomy else []
    return await _run(runtime, info, "promote", sent, [sent.version, *more])


@router.post(
    "/rollback", summary="退回上一个模型包", response_model=BundleChanged, responses=_CHANGES,
    dependencies=[Depends(json_only)],
)  # fmt: skip
async def rollback(sent: RollbackIn, runtime: RuntimeOf, info: InfoOf) -> Response:
    """Return to the bundle that was in use before."""
    return await _run(runtime, info, "rollback", sent, [])


async def _run(runtime: Runtime, info: RequestInfo, what: str, sent: RollbackIn, words: list[str]) -> Response:
    """Run `yousu bundle …` and tell its outcome; what was asked and what came of it both stand in the audit trail."""
    who, why = actor(runtime, info, sent.who), reason(sent.why)
    object = getattr(sent, "version", "")
    if not why.strip():
        raise InputError("why: 应说明为什么,实为空白")

    async def note(outcome: str) -> None:
        await asyncio.to_thread(
            audit.record, runtime.records, who=info.who, what=f"bundles.{what}", object=object,
            detail={"why": why, "outcome": outcome[:500]}, request_id=info.request_id,
        )  # fmt: skip

    if runtime.changing_bundle:
        raise HTTPException(409, "另一次启用或退回正在进行,请稍后再试")
    runtime.changing_bundle = True
    try:
        if info.timer:
            info.timer.reschedule(asyncio.get_running_loop().time() + _PROMOTE_SECONDS)
        await note("asked")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yousu", "bundle", what, f"--who={who}", f"--why={why}", *words,
            env={**os.environ, "YOUSU_HOME": str(runtime.settings.home)},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            output, _ = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            raise
        said = output.decode("utf-8", "replace").strip()
        await note("done" if process.returncode == 0 else said.splitlines()[-1] if said else "failed")
    finally:
        runtime.changing_bundle = False
    if process.returncode != 0:
        raise HTTPException(409, (said.splitlines() or ["未知的错误"])[-1].removeprefix("错误:"))
    await asyncio.to_thread(runtime.look)
    return reply({"version": current_version(runtime.settings.home / "bundles") or SHIPPED, "told": said})
