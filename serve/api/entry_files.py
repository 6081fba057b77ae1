"""Routes of many entries at once: import of a file, export, hit test; the only import that a page or system has."""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from sqlalchemy.orm import Session

from kb.desk import near_in
from kb.entry import COLUMNS
from kb.exporting import export_entries
from kb.hittest import hit_test, totals
from kb.importing import Checked, Known, check_file
from kb.sheets import FileError
from models.masking import mask
from serve import audit
from serve.api.assist import checked_district
from serve.api.changes import actor, reason, told
from serve.api.deps import InfoOf, RuntimeOf, json_only, unhurried
from serve.api.entry_schemas import Format, HitTestIn, HitTestOut, ImportOut
from serve.api.feedback import IdempotencyKey
from serve.api.incoming import STORABLE
from serve.api.problems import replies
from serve.api.replies import reply
from serve.inputs import InputError
from serve.runtime import Runtime

MEDIA_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/x-ndjson",
}
_ANY_FILE = "application/octet-stream"
MOST_FAULTS = 2000
_NAME = re.compile(r"[^/\\:\x00-\x1f\x7f]{1,100}\.(csv|xlsx|jsonl)", re.IGNORECASE)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES = dict.fromkeys((_ANY_FILE, *MEDIA_TYPES.values()), _BINARY)

router = APIRouter(prefix="/v1/entries", tags=["知识条目"])


@router.post(
    "/import", summary="导入条目文件", response_model=ImportOut,
    responses=replies(400, 401, 403, 408, 409, 413, 415, 422, 429),
    openapi_extra={"requestBody": {"required": True, "content": _FILES}},
)  # fmt: skip
async def take_in(
    request: Request,
    runtime: RuntimeOf,
    info: InfoOf,
    name: Annotated[str, Query(min_length=1, max_length=110, description="文件名;后缀须为 .csv、.xlsx 或 .jsonl")],
    why: Annotated[str, Query(min_length=1, max_length=1000, description="原因;存前脱敏"), STORABLE],
    who: Annotated[str, Query(max_length=64, description="操作人;启用密钥后不必写"), STORABLE] = "",
    dry_run: Annotated[bool, Query(description="只检查,不入库")] = False,
    accept_near: Annotated[bool, Query(description="不查与现有条目的近似重复")] = False,
    map: Annotated[
        list[str], Query(max_length=16, description="列映射,如 问题=question,可多次"), STORABLE
    ] = [],  # noqa: B006
    encoding: Annotated[
        Literal["utf-8", "gb18030", "gbk"], Query(description="CSV 与 JSON Lines 的编码")
    ] = "utf-8",
    idempotency_key: IdempotencyKey = "",
) -> Response:  # fmt: skip
    """Store the good rows as drafts, all together; faulty rows are told and set aside. The body is the file itself."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in {_ANY_FILE, *MEDIA_TYPES.values()}:
        raise HTTPException(415, f"Content-Type: 应为 {_ANY_FILE},实为 {kind[:80] or '空'}")
    match = _NAME.fullmatch(name)
    if match is None or ".." in name:
        raise InputError("name: 应为不含路径的文件名,后缀 .csv、.xlsx 或 .jsonl")
    mapping = _mapping(map)
    body = await request.body()
    reading = asyncio.to_thread(_checked, runtime, body, match[1].lower(), mapping, not accept_near, encoding)
    if info.timer:  # a workbook of thousands of rows takes longer to compare than a call may
        info.timer.reschedule(asyncio.get_running_loop().time() + runtime.settings.import_timeout)
    try:
        checked = await reading
    except FileError as error:
        raise InputError(mask(str(error))) from error
    if dry_run:
        return reply(_report(checked, dry_run=True) | _aside(checked))
    content = [hashlib.sha256(body).hexdigest(), name, mapping, why, accept_near, encoding]

    def make(session: Session) -> dict[str, Any]:
        store = runtime.engine.store.within(session)
        store.upsert(checked.good, who=actor(runtime, info, who), why=reason(why), keep_live=True)
        counts: dict[str, object] = {k: getattr(checked.report, k) for k in ("rows", "new", "changed", "set_aside")}
        audit.append(
            session, who=info.who, what="entries.import", object=mask(name), request_id=info.request_id,
            detail={**counts, "why": reason(why), "sha256": content[0]},
        )  # fmt: skip
        return _report(checked, dry_run=False)

    with told():
        key = idempotency_key and f"entries.import:{idempotency_key}"
        report, repeated = await asyncio.to_thread(runtime.records.once, info.who, key, content, make)
    return reply(report | _aside(checked), headers={"Idempotent-Replay": "true"} if repeated else None)


def _mapping(options: list[str]) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for option in options:
        heading, mark, column = option.rpartition("=")
        if not mark or column.strip() not in COLUMNS:
            raise InputError(f"map: 应为 表头=字段,字段为 {'、'.join(COLUMNS)};实为 {option[:60]}")
        mapping[heading.strip()] = column.strip()
    return mapping


def _checked(runtime: Runtime, body: bytes, suffix: str, mapping: dict[str, str], near: bool, encoding: str) -> Checked:
    """Return the checked file; it lies under a name of ours, whatever name the client gave."""
    engine = runtime.engine
    with tempfile.TemporaryDirectory(prefix="yousu-import-") as folder:
        path = Path(folder) / f"import.{suffix}"
        path.write_bytes(body)
        try:
            return check_file(
                path, engine.store, Known.of(engine.catalog), mapping=mapping, encoding=encoding,
                near=(lambda q: near_in(engine.answerer.index, engine.bundle.embedder, q)) if near else None,
            )  # fmt: skip
        except FileError as error:
            raise FileError(str(error).replace(f"{path}: ", "").replace(folder, "")) from error


def _report(checked: Checked, *, dry_run: bool) -> dict[str, Any]:
    report = asdict(checked.report) | {"dry_run": dry_run}
    report["faults"] = [f | {"found": mask(f["found"])} for f in report["faults"][:MOST_FAULTS]]
    return report


def _aside(checked: Checked) -> dict[str, Any]:
    """Return the rows set aside as they were sent; kept out of the stored reply, since nothing in them is masked."""
    rows = [
        {
            "row": row.number, "reason": mask(why),
            "cells": {_readable(k): _readable(v) for k, v in row.cells.items()},
        }
        for row, why in checked.aside[:MOST_FAULTS]
    ]  # fmt: skip
    return {"headings": [_readable(h) for h in checked.headings], "aside": rows}


def _readable(cell: str) -> str:
    """Return a cell with a question mark for each byte that could not be decoded, as JSON can carry it."""
    return cell.encode("utf-8", "replace").decode()


@router.get(
    "/export", summary="导出条目", response_class=Response,
    responses={200: {"content": dict.fromkeys(MEDIA_TYPES.values(), _BINARY)}, **replies(401, 403, 422, 429)},
)  # fmt: skip
def give_out(
    runtime: RuntimeOf,
    info: InfoOf,
    status: Annotated[
        Literal["", "draft", "review", "published", "retired"],
        Query(description="只要某状态的;published 为正在答复的版本"),
    ] = "",
    format: Annotated[Format, Query(description="文件格式")] = "csv",
) -> Response:
    """Return a file of entries; the same entries give the same bytes. Who exported is in the audit trail."""
    entries = runtime.engine.store.entries(status=status or None)
    with tempfile.TemporaryDirectory(prefix="yousu-export-") as folder:
        path = Path(folder) / f"entries.{format}"
        export_entries(entries, path)
        body = path.read_bytes()
    detail: dict[str, object] = {"entries": len(entries), "format": format}
    audit.record(
        runtime.records, who=info.who, what="entries.export", object=status, detail=detail, request_id=info.request_id
    )
    headers = {"Content-Disposition": f'attachment; filename="entries.{format}"'}
    return Response(body, headers=headers, media_type=MEDIA_TYPES[format])


@router.post(
    "/hit-test", summary="命中测试", response_model=HitTestOut, dependencies=[Depends(json_only), Depends(unhurried)],
    responses=replies(400, 401, 403, 408, 413, 415, 422, 429, 504),
)  # fmt: skip
async def try_out(sent: HitTestIn, runtime: RuntimeOf) -> Response:
    """Return at which rank each expected entry is found, and whether it would be answered; nothing is recorded."""
    engine, district = runtime.engine, checked_district(runtime, sent.district)
    rows = [(q.question, q.expected) for q in sent.questions]
    day = sent.on or runtime.settings.today()
    tested = await asyncio.to_thread(hit_test, rows, engine.answerer, engine.bundle.embedder, on=day, district=district)
    items = [
        {
            "question": t.question, "expected": t.expected, "rank": t.rank, "answered": t.answered,
            "confidence": round(t.confidence, 4),
            "top": [{"entry_id": i, "question": q, "score": round(s, 4)} for i, q, s in t.top],
        }
        for t in tested
    ]  # fmt: skip
    return reply({"items": items, "totals": totals(tested)})
