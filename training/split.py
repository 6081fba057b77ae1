"""Splitting tickets: the newest month is held out, repeat calls stay together, no group is on both sides."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.duplicates import grouped_holdout, near_duplicates
from training.errors import TrainError
from training.intake import Ticket

REPEAT_DAYS = 30
"""Calls of one caller about one category within so many days are one matter."""


def group_tickets(tickets: Sequence[Ticket], leaves: Sequence[str], texts: Sequence[str]) -> NDArray[np.int64]:
    """Return a group for every ticket: near-duplicate texts, and repeat calls by caller and leaf."""
    groups = near_duplicates(texts)
    earliest = datetime.datetime.min
    order = sorted(
        (i for i, t in enumerate(tickets) if t.caller),
        key=lambda i: (tickets[i].caller, leaves[i], tickets[i].time or earliest, i),
    )
    for i, j in itertools.pairwise(order):
        a, b = tickets[i], tickets[j]
        near = a.time is None or b.time is None or (b.time - a.time).days <= REPEAT_DAYS
        if a.caller == b.caller and leaves[i] == leaves[j] and near:
            groups.join(i, j)
    return groups.labels()


def split_by_time(
    times: Sequence[datetime.datetime], groups: NDArray[np.int64], share: float = 0.2
) -> NDArray[np.bool_]:
    """Return a mask of the newest tickets: the last calendar month, or the newest `share` when that is unusual.

    A group with any older ticket stays wholly with the older ones. Raises TrainError when all are of one day.
    """
    days = np.array([t.toordinal() for t in times])
    if len(set(days.tolist())) < 2:
        raise TrainError(f"所有工单都是同一天({times[0]:%Y-%m-%d}),无法按时间划分;请给出更长的时段,或加 --split random")
    last = max(times)
    newest = np.array([(t.year, t.month) == (last.year, last.month) for t in times])
    if not 0.05 <= newest.mean() <= 0.4:
        stamps = np.array([t.timestamp() for t in times])
        newest = stamps > np.quantile(stamps, 1 - share)
        if not newest.any():
            newest = days == days.max()
    older = np.zeros(int(groups.max()) + 1, bool)
    older[groups[~newest]] = True
    return newest & ~older[groups]


def split_by(tickets: Sequence[Ticket], how: str) -> str:
    """Return how tickets can be split: `time` where that is wanted and every one has a time, else `random`."""
    return "time" if how == "time" and all(t.time is not None for t in tickets) else "random"


def split(
    tickets: Sequence[Ticket], leaves: Sequence[str], groups: NDArray[np.int64], how: str, seed: int
) -> NDArray[np.bool_]:
    """Return the held-out mask: `time`, or `random` (grouped, seeded); tickets without times are split at random."""
    if split_by(tickets, how) == "time":
        held = split_by_time([t.time for t in tickets if t.time is not None], groups)
    else:
        held = grouped_holdout(groups, leaves, 0.2, seed)
    if held.sum() < 2 or (~held).sum() < 2:
        raise TrainError("留不出检验用的工单:几乎所有工单彼此重复,或时间都挤在一起")
    return held
