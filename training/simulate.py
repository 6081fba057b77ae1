"""What automatic dispatch would have done to the held-out month, threshold by threshold, and the point to choose."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Costs:
    """What handling costs a city, in days; every figure is a setting.

    `transfer_days`: delay of a ticket that goes to the wrong unit first. `manual_days`: wait for an operator to
    dispatch by hand. `wrong_cost`: how many correct automatic dispatches one wrong one outweighs.
    """

    transfer_days: float = 2.0
    manual_days: float = 0.1
    wrong_cost: float = 10.0


@dataclass(frozen=True)
class Point:
    """One threshold: share dispatched automatically, accuracy among them, and what follows from it."""

    threshold: float
    automatic: float
    accuracy: float
    wrong_per_1000: float
    transfers: float
    """Expected transfers per 1,000 tickets, automatic and by hand together."""
    transfers_now: float
    days_saved: float
    """Days saved per 1,000 tickets against how they really went."""
    benefit: float


def simulate(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], went_wrong: NDArray[np.bool_], costs: Costs
) -> list[Point]:
    """Return a point per threshold.

    `right`: whether the model's first choice was that of the final record; `went_wrong`: whether the ticket
    really was returned or transferred after the first dispatch by hand.
    """
    n = max(1, len(right))
    now = 1000 * float(went_wrong.mean()) if len(went_wrong) else 0.0
    points = []
    for threshold in np.round(np.arange(0.3, 1.0, 0.02), 2):
        chosen = confidence >= threshold
        wrong = int((chosen & ~right).sum())
        hits = int((chosen & right).sum())
        transfers = 1000 * (wrong + int((~chosen & went_wrong).sum())) / n
        saved = 1000 * int(chosen.sum()) / n * costs.manual_days + (now - transfers) * costs.transfer_days
        points.append(
            Point(
                threshold=float(threshold),
                automatic=round(float(chosen.mean()), 4),
                accuracy=round(hits / max(1, hits + wrong), 4),
                wrong_per_1000=round(1000 * wrong / n, 1),
                transfers=round(transfers, 1),
                transfers_now=round(now, 1),
                days_saved=round(saved, 1),
                benefit=round(1000 * (hits - costs.wrong_cost * wrong) / n, 1),
            )
        )
    return points


def choose(points: list[Point]) -> Point:
    """Return the point of greatest benefit; the highest threshold among equals."""
    return max(points, key=lambda p: (p.benefit, p.threshold))


def simulator_record(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], went_wrong: NDArray[np.bool_], costs: Costs, known: bool
) -> dict[str, Any]:
    """Return points and choice as plain values; `known` says whether it is recorded how the tickets went."""
    points = simulate(confidence, right, went_wrong, costs)
    return {
        "costs": asdict(costs),
        "outcomes_known": known,
        "points": [asdict(p) for p in points],
        "chosen": asdict(choose(points)),
    }
