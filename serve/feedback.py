"""What operators say about proposals: checked, masked and stored with who, when and under which versions."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.catalog import Catalog
from models.masking import mask
from models.text import normalise
from serve.inputs import InputError, checked, plain_id
from serve.records import FeedbackRow, now

REQUEST_TYPES = ("咨询", "求助", "投诉", "举报", "建议", "表扬", "撤单", "无效")


def check(catalog: Catalog, *, field: str, verdict: str, value: str, text: str, call_id: str) -> None:
    """Raise InputError when feedback cannot be learned from: no value, a value outside the lists, or about nothing."""
    plain_id("call_id", call_id)
    if not text.strip() and not call_id:
        raise InputError("text、call_id: 应至少有一项,实为都空")
    if verdict == "correct" and not value:
        raise InputError("value: 改正时应给出正确的值,实为空")
    if value and field == "category" and value not in catalog.nodes:
        raise InputError(f"value: 应为目录 {catalog.version} 里的代码,实为 {value}")
    if value and field == "request_type" and value not in REQUEST_TYPES:
        raise InputError(f"value: 应为 {'、'.join(REQUEST_TYPES)},实为 {value}")


def store(session: Session, said: Mapping[str, str], *, who: str, versions: Mapping[str, str]) -> dict[str, Any]:
    """Store checked feedback and return its id and time; personal data is masked first."""
    text, note = said["text"], said["note"]
    row = FeedbackRow(
        id=secrets.token_hex(12),
        call_id=said["call_id"],
        text=checked(text) if text.strip() else "",
        field=said["field"],
        verdict=said["verdict"],
        proposed=mask(said["proposed"])[:200],  # a mark may be longer than what it stands for
        value=mask(said["value"])[:200],
        note=mask(normalise(note)),
        who=who,
        at=now(),
        bundle=versions["bundle"],
        kb=versions["kb"],
    )
    session.add(row)
    session.flush()
    return {"id": row.id, "at": row.at.replace(tzinfo=datetime.UTC).isoformat()}


def page(session: Session, *, after: int, limit: int, field: str = "") -> Sequence[FeedbackRow]:
    """Return feedback stored after number `after`, oldest first, all or about one field."""
    query = select(FeedbackRow).where(FeedbackRow.seq > after).order_by(FeedbackRow.seq).limit(limit)
    if field:
        query = query.where(FeedbackRow.field == field)
    return list(session.scalars(query))
