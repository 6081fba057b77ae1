"""Accepted tickets as they come in: checked against the catalogue, masked, embedded and stored for similar cases."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.catalog import Catalog
from models.masking import mask
from models.text import strip_fillers
from serve.inputs import InputError, checked, moment, plain_id
from serve.records import TicketRow, now


@dataclass(frozen=True)
class Ticket:
    """A ticket as it is stored; `text` is masked, `accepted_at` UTC without zone."""

    id: str
    text: str
    code: str
    request_type: str
    unit: str
    district: str
    returned: bool
    accepted_at: datetime.datetime

    @property
    def prepared(self) -> str:
        """What is embedded."""
        return strip_fillers(self.text)


def accept(
    catalog: Catalog, *, id: str, text: str, code: str = "", request_type: str = "", unit: str = "",
    district: str = "", returned: bool = False, accepted_at: datetime.datetime | None = None,
) -> Ticket:  # fmt: skip
    """Return the ticket to store; raises InputError naming the field, what was expected and what was found."""
    plain_id("id", id)
    if code and code not in catalog.leaves:
        raise InputError(f"code: 应为目录 {catalog.version} 的末级代码,实为 {code}")
    if district and district not in catalog.districts:
        raise InputError(f"district: 应为 {'、'.join(catalog.districts)},实为 {district}")
    at = moment("accepted_at", accepted_at or now())
    return Ticket(id, checked(text), code, request_type, mask(unit)[:100], district, returned, at)


def store(session: Session, tickets: Sequence[Ticket], vectors: NDArray[np.float32], encoder: str) -> None:
    """Store tickets with the vectors of their prepared texts; one that is already there is replaced."""
    ids = [t.id for t in tickets]
    session.execute(delete(TicketRow).where(TicketRow.id.in_(ids)))
    at = now()
    for ticket, vector in zip(tickets, vectors.astype(np.float16), strict=True):
        fields = {name: getattr(ticket, name) for name in Ticket.__dataclass_fields__}
        session.add(TicketRow(**fields, stored_at=at, encoder=encoder, vector=vector.tobytes()))
    session.flush()


def page(session: Session, *, after: int, limit: int) -> list[TicketRow]:
    """Return the tickets stored after number `after`, oldest first."""
    return list(session.scalars(select(TicketRow).where(TicketRow.seq > after).order_by(TicketRow.seq).limit(limit)))
