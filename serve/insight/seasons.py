"""The seasonal watch (未诉先办): what the season brings, what is expected, where a count exceeds its history."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.catalog import Season
from serve.insight.cases import Case

WEEK = 7
RECENT_WEEKS = 8
"""Weeks before the present one that count as history."""
SAME_WEEKS = 1
"""Weeks on either side of the same week in earlier years that count as history."""
YEARS = 3
"""Earlier years that are looked at."""
STATED_BOUND = (
    "预期与界限:把同一地点、同一季节事项此前 8 周与往年同周(前后各 1 周)的周计数作为历史,"
    "均值 m =(历史总数 + 0.5)÷ 周数,过散系数 φ 取各格"
    "合并的矩估计;本周计数服从均值 m、方差 m + m²(φ(1 + 1 ÷ 周数) + 1 ÷ (历史总数 + 0.5)) 的负二项分布,界限为其"
    " 1 − α 分位数。超过界限、不少于最少件数、且不止一位来电人时报突增"
)
"""How often ordinary weeks exceed it all the same: `yousu bench watch` (serve/insight/watch_bench.py)."""


@dataclass(frozen=True)
class Bound:
    """Expected count of a week and the count that history explains with probability 1 - alpha."""

    mean: float
    upper: int
    probability: float
    """Probability of the observed count or more, were it history as usual."""


@dataclass(frozen=True)
class Cell:
    """A season in a place: this week's count against its history (weekly counts)."""

    season: str
    place: str
    count: int
    callers: int
    history: tuple[int, ...]
    bound: Bound
    alert: bool
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Watch:
    """A season that is on, or begins within a month."""

    season: Season
    begins: bool
    """True when it is not on yet."""
    week: int
    week_before: int
    forecast: float
    forecast_upper: int
    cells: tuple[Cell, ...]


def bound(count: int, history: Sequence[int], phi: float, alpha: float) -> Bound:
    """Return what weekly counts `history` explain, by the negative binomial of `STATED_BOUND`."""
    from scipy.stats import nbinom

    total = sum(history)
    # half a ticket is added, so that a place without any history does not call every first ticket impossible
    mean = (total + 0.5) / max(len(history), 1)
    # the week itself scatters by phi; the mean of n weeks is known to a relative variance of phi / n + 1 / total
    spread = phi * (1 + 1 / max(len(history), 1)) + 1 / (total + 0.5)
    size = 1 / spread
    p = size / (size + mean)
    return Bound(mean, int(nbinom.ppf(1 - alpha, size, p)), float(nbinom.sf(count - 1, size, p)))


def dispersion(histories: Sequence[Sequence[int]]) -> float:
    """Return the pooled over-dispersion of weekly counts, at least 0: Σ(variance - mean) / Σ(mean² - variance / n)."""
    over = squares = 0.0
    for history in histories:
        if len(history) > 1 and sum(history) > 1:
            values = np.asarray(history, float)
            over += values.var(ddof=1) - values.mean()
            squares += values.mean() ** 2 - values.var(ddof=1) / len(values)
    return max(0.0, over / squares) if squares > 0 else 0.0


def watch(
    cases: Sequence[Case], seasons: Sequence[Season], today: datetime.date, place_of: Callable[[Case], str], *,
    alpha: float, least: int,
) -> list[Watch]:  # fmt: skip
    """Return the seasons of this and the next month; `cases` reach back `YEARS` years as far as there are any.

    The week is the seven days that end with `today`. A place without tickets of the season this week has no cell.
    """
    first = min((c.day for c in cases), default=today)
    following = today.month % 12 + 1
    found = []
    for season in seasons:
        on = today.month in season.months
        if not season.codes or not (on or following in season.months):
            continue
        mine = [c for c in cases if c.code.startswith(season.codes)]
        found.append(_watch(season, not on, mine, today, first, place_of, alpha, least))
    return found


def _watch(
    season: Season, begins: bool, mine: Sequence[Case], today: datetime.date, first: datetime.date,
    place_of: Callable[[Case], str], alpha: float, least: int,
) -> Watch:  # fmt: skip
    weeks = _weeks(today, first)
    by_place: dict[str, Counter[int]] = defaultdict(Counter)
    now: dict[str, list[Case]] = defaultdict(list)
    whole: Counter[int] = Counter()
    for case in mine:
        age = (today - case.day).days // WEEK
        if case.day > today:
            continue
        whole[age] += 1
        if (age == 0 or age in weeks) and (place := place_of(case)):
            by_place[place][age] += 1
            if age == 0:
                now[place].append(case)
    histories = {place: tuple(counts[w] for w in weeks) for place, counts in by_place.items()}
    phi = dispersion(list(histories.values()))
    cells = []
    for place, here in now.items():
        callers = len({c.caller or c.id for c in here})
        limit = bound(len(here), histories[place], phi, alpha)
        alert = bool(weeks) and len(here) > limit.upper and len(here) >= least and callers > 1
        cells.append(Cell(season.season, place, len(here), callers, histories[place], limit, alert, tuple(here)))
    cells.sort(key=lambda c: (not c.alert, c.bound.probability, -c.count))
    expected, upper = _forecast(whole, today, first, alpha)
    return Watch(season, begins, whole[0], whole[1], expected, upper, tuple(cells))


def _weeks(today: datetime.date, first: datetime.date) -> tuple[int, ...]:
    """Return the ages (in weeks) of the weeks that are history and lie wholly within what is stored."""
    ages = list(range(1, RECENT_WEEKS + 1))
    for year in range(1, YEARS + 1):
        ages += range(52 * year - SAME_WEEKS, 52 * year + SAME_WEEKS + 1)
    stored = (today - first).days + 1
    return tuple(a for a in ages if (a + 1) * WEEK <= stored)


def _forecast(whole: Counter[int], today: datetime.date, first: datetime.date, alpha: float) -> tuple[float, int]:
    """Return the expected count of the coming week and its upper bound.

    With a year of history: last year's coming week times this year's level (four weeks against the same four);
    without: the mean of the last four weeks.
    """
    stored = ((today - first).days + 1) // WEEK
    recent = [whole[a] for a in range(min(4, max(stored, 1)))]
    expected = sum(recent) / len(recent)
    if stored >= 52 + 4:
        coming, then = whole[51], sum(whole[a] for a in range(52, 56))
        expected = (coming + 0.5) * (sum(recent) + 0.5) / (then + 0.5)
    level = bound(0, recent, dispersion([recent]), alpha)
    ratio = expected / level.mean if level.mean else 1.0
    return expected, int(np.ceil(level.upper * ratio)) if expected else level.upper
