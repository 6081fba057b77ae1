"""What became of tickets as it comes in: checked, masked, stored; a caller is a pseudonym, never a number."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from models.masking import mask
from models.text import normalise, storable
from serve.inputs import InputError, moment, plain_id
from serve.records import OutcomeRow, now

SATISFACTION = ("", "满意", "基本满意", "不满意")
COLUMNS = (
    "ticket_id", "caller", "community", "first_unit", "reason", "closed_at", "contacted", "solved", "satisfaction",
)  # fmt: skip
_LIMITS = {"ticket_id": 64, "caller": 64, "community": 64, "first_unit": 100, "reason": 200}
_YES = {"是": True, "yes": True, "true": True, "1": True, "否": False, "no": False, "false": False, "0": False}


def accept(given: Mapping[str, Any]) -> OutcomeRow:
    """Return the row to store; raises InputError naming the field, what was expected and what was found."""
    words = {name: storable(str(given.get(name) or "")).strip() for name in COLUMNS}
    if not words["ticket_id"]:
        raise InputError("ticket_id: 应为工单编号,实为空")
    for name, most in _LIMITS.items():
        if len(words[name]) > most:
            raise InputError(f"{name}: 最多 {most} 字,实为 {len(words[name])} 字")
    plain_id("ticket_id", words["ticket_id"])
    if words["caller"] and mask(words["caller"]) != words["caller"]:
        raise InputError("caller: 应为来电人代号(如号码的散列),实为可识别个人的号码")
    if words["satisfaction"] not in SATISFACTION:
        raise InputError(f"satisfaction: 应为 满意、基本满意、不满意 或空,实为 {words['satisfaction'][:20]}")
    return OutcomeRow(
        ticket_id=words["ticket_id"],
        caller=words["caller"],
        community=mask(normalise(words["community"]))[: _LIMITS["community"]],
        first_unit=words["first_unit"],
        reason=mask(normalise(words["reason"]))[: _LIMITS["reason"]],
        closed_at=_moment("closed_at", given.get("closed_at")),
        contacted=_flag("contacted", given.get("contacted")),
        solved=_flag("solved", given.get("solved")),
        satisfaction=words["satisfaction"],
        stored_at=now(),
    )


def store(session: Session, rows: Sequence[OutcomeRow]) -> None:
    """Store outcomes; one that is already there for a ticket is replaced, and the last of several counts."""
    last = {row.ticket_id: row for row in rows}
    names = list(last)
    for start in range(0, len(names), 500):
        session.execute(delete(OutcomeRow).where(OutcomeRow.ticket_id.in_(names[start : start + 500])))
    session.add_all(last.values())
    session.flush()


def _flag(name: str, value: object) -> bool | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    known = _YES.get(str(value).strip().lower())
    if known is None:
        raise InputError(f"{name}: 应为 是、否 或空,实为 {str(value)[:20]}")
    return known


def _moment(name: str, value: object) -> datetime.datetime | None:
    if value is None or value == "":
        return None
    if not isinstance(value, datetime.datetime):
        try:
            value = datetime.datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise InputError(f"{name}: 应为 2026-11-24T08:30:00Z 这样的时间,实为 {str(value)[:40]}") from None
    return moment(name, value)
