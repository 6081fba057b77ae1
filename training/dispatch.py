"""First dispatch on written examples: where a predicted category would send the ticket, against where the right one
would; needs the catalogue, not a city's tickets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from models.places import Location, PlaceFinder
from models.router import Router
from training.measures import interval, resamples
from training.tickets import Example

TOP = 5
"""Leaves a route looks at."""


def dispatch_report(
    catalog: Catalog,
    examples: Sequence[Example],
    proba: NDArray[np.float64],
    shown: NDArray[np.int64],
    leaves: Sequence[str],
    *,
    seed: int = 0,
) -> dict[str, Any]:
    """Return first-dispatch accuracy and expected transfers per 100 tickets, with bootstrap intervals.

    `proba` is (n, n_leaves), `shown` (n,) the leaf on the screen. What is right is the example's own `lead` where
    the file has one, otherwise the leads that duties, rules and place give for the right leaf: the rules are thus
    taken for right, and only the category is put to the test. A wrong first unit costs one transfer when the right
    one is among the next two proposed, two when it is not. The baseline sends every ticket to the first lead of
    the shown leaf's duties, without rules or alternatives.
    """
    router, finder = Router(catalog), PlaceFinder(catalog.places)
    first, third, whole, plain = [], [], [], []
    for example, row, leaf in zip(examples, proba, shown, strict=True):
        place = finder.locate(example.text)
        if example.district and not place.district:
            place = Location(district=example.district)
        right = set(example.lead) or {t.unit for t in router.route([(example.code, 1.0)], example.text, place).leads}
        order = [int(leaf), *(int(i) for i in np.argsort(-row)[:TOP] if i != leaf)][:TOP]
        plan = router.route([(leaves[i], float(row[i])) for i in order], example.text, place)
        ranked = [t.unit for t in (*plan.leads, *plan.alternatives)]
        first.append(bool(ranked) and ranked[0] in right)
        third.append(bool(right & set(ranked[:3])))
        whole.append({t.unit for t in plan.leads} == right)
        duty = next(d.function for d in catalog.duties[leaves[int(leaf)]] if d.role == "lead")
        unit = catalog.function_unit(duty, place.district or None, place.street or None)
        plain.append((unit.name if unit else duty) in right)
    top1, top3, sets, base = (np.array(v, bool) for v in (first, third, whole, plain))
    weights = resamples(len(top1), seed)
    transfers = 100.0 * np.where(top1, 0, np.where(top3, 1, 2))
    before = 100.0 * np.where(base, 0, np.where(top3, 1, 2))
    figures: dict[str, Any] = {"rows": len(top1), "right_is": "catalogue duties, rules and place of the right leaf"}
    for name, values in (
        ("top1", top1), ("top3", top3), ("whole_set", sets), ("majority_top1", base),
        ("transfers_per_100", transfers), ("majority_transfers_per_100", before),
    ):  # fmt: skip
        figures[name] = round(float(values.mean()), 4)
        figures[f"{name}_ci"] = interval(values, weights)
    return figures
