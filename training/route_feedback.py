"""What operators decided about units, as history for the router; how a ticket really went always outranks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from training.feedback import ORIGIN, Feedback, read_verdicts, settle
from training.intake import Ticket

_JOINT = ";"
"""Between the lead units of one decision, as the panel sends them."""


def read_routes(url: str, catalog: Catalog) -> Feedback:
    """Read what operators said about units; `Lesson.code` is the name of the unit, or several names in order.

    A unit may be given by code, name or alias. Raises TrainError when the database cannot be read.
    """
    names = {alias: u.name for u in catalog.units.values() for alias in u.aliases}
    names |= {key: u.name for u in catalog.units.values() for key in (u.name, u.code)}

    def named(value: str) -> str:
        parts = [names.get(part.strip(), "") for part in value.split(_JOINT)]
        return _JOINT.join(sorted(set(parts))) if all(parts) else ""

    rows = [
        {**row, "value": named(row["value"]), "proposed": named(row["proposed"])} for row in read_verdicts(url, "route")
    ]
    known = {row[key] for row in rows for key in ("value", "proposed")} - {""}
    return settle(rows, known, outside="不是目录里的单位")


def add_routes(
    tickets: Sequence[Ticket], held: NDArray[np.bool_], routes: Feedback
) -> tuple[list[Ticket], dict[str, int]]:
    """Return the tickets with the unit that operators settled on where none is recorded, and what was done.

    Held-out tickets stay as they are: nothing is measured on feedback. A call that is neither a ticket of the table
    nor one whose category operators settled has no leaf to count for; several units at once are a matter of duties.
    """
    place = {t.key: i for i, t in enumerate(tickets)}
    said = {t.text: i for i, t in enumerate(tickets) if t.origin == ORIGIN}
    out, done = list(tickets), Counter[str]()
    for lesson in routes.lessons:
        i = place.get(lesson.call_id) if lesson.call_id else said.get(lesson.text)
        if i is None:
            done["without_category"] += 1
        elif held[i]:
            done["held_out"] += 1
        elif out[i].final_unit:
            done["already_recorded"] += 1
        elif _JOINT in lesson.code:
            done["several_units"] += 1
        else:
            out[i] = replace(out[i], final_unit=lesson.code)
            done["used"] += 1
    return out, dict(done)


def units_by_call(routes: Feedback) -> dict[str, str]:
    """Return the settled units of each call that has a number."""
    return {x.call_id: "、".join(x.code.split(_JOINT)) for x in routes.lessons if x.call_id}


def told(found: Feedback, routes: Feedback) -> list[str]:
    """Return what a person should read about both kinds of feedback."""
    record, agreed = found.record(), found.agreement
    lines = [f"有争议 {record['disputed']} 通,请人裁定" if record["disputed"] else "没有争议"]
    lines += [f"未用:{n} 条{why}" for why, n in found.unusable.items()]
    if agreed.same is not None and agreed.alpha is not None:
        lines.append(
            f"坐席之间:{agreed.calls} 通有两人以上看过,意见相同 {agreed.same:.1%},"
            f"扣除巧合后 {agreed.alpha:.2f}(1 为完全一致)"
        )
    else:
        lines.append("没有两人以上看过的来电,无从比较一致程度")
    if routes.lessons or routes.disputed or routes.unusable:
        same = routes.agreement.same
        lines.append(
            f"派单:{len(routes.lessons)} 通有定论,有争议 {len(routes.disputed)} 通"
            + (f";两人以上看过的意见相同 {same:.1%}" if same is not None else "")
            + "".join(f";未用 {n} 条{why}" for why, n in routes.unusable.items())
        )
    return lines


def route_record(routes: Feedback, done: dict[str, int]) -> dict[str, Any]:
    """Return provenance and use as plain values."""
    return {**routes.record(), "done": done}
