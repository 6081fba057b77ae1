"""Event tickets to propose (并单、事件): one caller again about one thing, or several callers about one cause."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serve.insight.cases import Case
from serve.insight.topics import LIKENESS, clusters


@dataclass(frozen=True)
class Event:
    """A proposal: `kind` is repeat (同一人重复) or common (多人同一事由); nothing is merged until a person says so."""

    kind: str
    place: str
    code: str
    why: str
    cases: tuple[Case, ...]

    @property
    def first(self) -> datetime.datetime:
        """When the first ticket was accepted (UTC)."""
        return self.cases[0].at


def propose(
    cases: Sequence[Case], vectors: NDArray[np.float32], place_of: Callable[[Case], str], *,
    repeat_days: int, event_days: int, event_callers: int,
) -> list[Event]:  # fmt: skip
    """Return proposals, the largest first.

    `vectors` are unit vectors of shape (n_cases, dimension); `place_of` gives the community (or street) of a ticket,
    empty when unknown. Tickets without a known place are never merged across callers.
    """
    found = [*_repeats(cases, vectors, repeat_days), *_common(cases, vectors, place_of, event_days, event_callers)]
    return sorted(found, key=lambda e: (-len(e.cases), e.first))


def _repeats(cases: Sequence[Case], vectors: NDArray[np.float32], days: int) -> Iterator[Event]:
    by_caller: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        if case.caller:
            by_caller[case.caller].append(i)
    for members in by_caller.values():
        for run in _alike(cases, vectors, members):
            for some in _within(cases, run, days):
                if len(some) > 1:
                    mine = tuple(cases[i] for i in some)
                    yield Event(
                        "repeat", "", mine[0].code, f"同一来电人 {days} 天内就同一事由来电 {len(mine)} 次", mine
                    )


def _common(
    cases: Sequence[Case], vectors: NDArray[np.float32], place_of: Callable[[Case], str], days: int, callers: int
) -> Iterator[Event]:
    by_place: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        if place := place_of(case):
            by_place[place].append(i)
    for place, members in by_place.items():
        for run in _alike(cases, vectors, members):
            for some in _within(cases, run, days):
                mine = tuple(cases[i] for i in some)
                # an unknown caller counts as one of his own: most platforms know, and a person decides anyway
                different = len({c.caller or c.id for c in mine})
                if different >= callers:
                    yield Event(
                        "common", place, mine[0].code, f"{place} {days} 天内 {different} 位来电人反映同一事由", mine
                    )


def _alike(cases: Sequence[Case], vectors: NDArray[np.float32], members: list[int]) -> list[list[int]]:
    """Return groups of like tickets among `members`, each in order of time."""
    groups = clusters([cases[i] for i in members], vectors[members], LIKENESS)
    return [sorted((members[i] for i in group), key=lambda i: cases[i].at) for group in groups]


def _within(cases: Sequence[Case], run: list[int], days: int) -> Iterator[list[int]]:
    """Cut a group in order of time wherever more than `days` lie between two of its tickets."""
    part: list[int] = []
    for i in run:
        if part and cases[i].at - cases[part[-1]].at > datetime.timedelta(days=days):
            yield part
            part = []
        part.append(i)
    if part:
        yield part
