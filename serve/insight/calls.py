"""Keeps a line about every call that was over, off the hot path: calls leave it here, the watcher writes it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from serve import logs
from serve.insight.tables import CallRow
from serve.records import Records, now

if TYPE_CHECKING:
    from serve.engine import Assist

MOST_WAITING = 10_000
"""Calls that wait to be written while the database is away; older ones are dropped."""


class CallLog:
    """Lines about calls; a database that fails costs lines but never a call."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: deque[CallRow] = deque(maxlen=MOST_WAITING)
        self._writing = threading.Lock()

    def saw(self, a: Assist) -> None:
        """Leave a line about a call that is over; one in which nothing could be understood counts too."""
        best = a.answers.answers[0] if a.answers.answers else None
        leads = a.route.leads
        self._waiting.append(
            CallRow(
                at=now(),
                text=a.text,
                request_type=a.request_type,
                answered=a.answers.answered,
                entry_id=best.entry_id if best and a.answers.answered else "",
                answer_confidence=round(best.confidence, 4) if best else 0.0,
                code=a.category.code if a.category else "",
                depth=a.category.depth if a.category else 0,
                category_confidence=round(a.category.confidence, 4) if a.category else 0.0,
                unit=leads[0].unit if leads else "",
                district=a.places.district,
                bundle=a.versions["bundle"],
                kb=a.versions["kb"],
            )
        )

    def flush(self) -> None:
        """Write what waits; what could not be written is tried again at the next flush."""
        with self._writing:
            if not self._waiting:
                return
            rows = [self._waiting.popleft() for _ in range(len(self._waiting))]
            try:
                with self._records.write() as session:
                    session.add_all(rows)
            except Exception as error:
                self._waiting.extendleft(reversed([CallRow(**_values(r)) for r in rows]))
                logs.event("calls_not_written", logging.ERROR, error, rows=len(rows))


def _values(row: CallRow) -> dict[str, object]:
    return {c.key: getattr(row, c.key) for c in CallRow.__table__.columns if c.key != "seq"}
