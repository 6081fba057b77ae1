"""False alarms of the seasonal watch: how often an ordinary week exceeds its bound, in places where nothing happens."""

from __future__ import annotations

from functools import cache

import numpy as np

from serve.insight.seasons import RECENT_WEEKS, bound, dispersion

EVEN, BURSTY = 0.0, 1.0
"""Over-dispersion φ of weekly counts around a place's own level: none, and as much as the level itself."""
LEVELS = (2.0, 2.0)
"""Shape and scale of the gamma distribution from which a place has its usual week: 4 tickets on average."""


def false_alarms(alpha: float, phi: float, *, places: int = 20_000, weeks: int = RECENT_WEEKS, seed: int = 0) -> float:
    """Return the share of `places` whose week exceeds the bound, drawn like the `weeks` before it.

    Counts are Poisson around the place's level, which scatters from week to week with the variance `phi` relative to
    its square. How much they scatter is estimated from the histories, as the watch does it.
    """
    rng = np.random.default_rng(seed)
    level = rng.gamma(*LEVELS, places)
    scatter = rng.gamma(1 / phi, phi, (places, weeks + 1)) if phi else np.ones((places, weeks + 1))
    drawn = rng.poisson(level[:, None] * scatter)
    now, histories = drawn[:, 0], [tuple(map(int, h)) for h in drawn[:, 1:]]
    found = dispersion(histories)

    @cache
    def upper(total: int) -> int:
        return bound(0, (total, *(0,) * (weeks - 1)), found, alpha).upper  # of a history only its sum and length count

    return float(np.mean([n > upper(sum(h)) for n, h in zip(now, histories, strict=True)]))
