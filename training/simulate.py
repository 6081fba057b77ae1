"""What automatic dispatch would have done to the held-out month, threshold by threshold, and the point to choose."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENOUGH = 30
"""Automatically dispatched tickets below which a point is called unreliable."""


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
    tickets: int
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
                tickets=int(chosen.sum()),
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
    """Return the point of greatest benefit, the highest threshold among equals; points on few tickets come last."""
    return max(points, key=lambda p: (p.tickets >= ENOUGH and p.benefit > 0, p.benefit, p.threshold))


def usable(point: dict[str, Any]) -> bool:
    """Whether a point, as plain values, is worth dispatching by: enough tickets behind it, and more gain than harm."""
    return bool(point["tickets"] >= ENOUGH and point["benefit"] > 0)


def write_outcomes(
    file: Path, confidence: NDArray[np.float64], right: NDArray[np.bool_], went_wrong: NDArray[np.bool_]
) -> None:
    """Keep what the simulator needs, without any text."""
    rows = zip(confidence.tolist(), right.tolist(), went_wrong.tolist(), strict=True)
    file.write_text(json.dumps([[round(c, 5), r, w] for c, r, w in rows]), encoding="utf-8")


def simulate_again(file: Path, costs: Costs) -> list[Point]:
    """Return the points for other costs, from what `write_outcomes` kept."""
    rows = json.loads(file.read_text(encoding="utf-8"))
    confidence, right, went_wrong = (np.array([r[i] for r in rows]) for i in range(3))
    return simulate(confidence, right.astype(bool), went_wrong.astype(bool), costs)


def store_point(bundle: Path, point: Point) -> None:
    """Store the chosen operating point in a bundle's manifest; its version, taken from its files, stays."""
    from models.bundle import amend_manifest

    amend_manifest(bundle, {"operating_point": asdict(point)})


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
