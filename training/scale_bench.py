"""What a whole training costs as tickets grow, from the table to the bundle; nothing here says how well it predicts.

Tickets are grown from the written examples and read through the mapping that `yousu train inspect` would propose.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.growth_bench import in_own_process

_KEPT = ("read", "used", "trained", "held_out", "estimated", "unmeasured")


def measure_training(
    catalog_folder: Path, data: Path, base: Path, tickets: int, seed: int, progress: bool
) -> dict[str, Any]:
    """Return the figures of one size, begun without any vector in store; give it a process of its own.

    Seconds are told by step, wall and processor (of all threads); `peak_mb` is the most that the process held.
    """
    from models.catalog import load_catalog
    from training.augment import columns, write_grown
    from training.mapping import propose
    from training.prepared import Options
    from training.run import train_tickets

    load = os.getloadavg()[0]
    catalog = load_catalog(catalog_folder)
    with tempfile.TemporaryDirectory(prefix="yousu-scale-") as name:
        folder = Path(name)
        table, mapping = folder / "tickets.csv", folder / "mapping.toml"
        write_grown(catalog, data / "tickets" / "examples.csv", tickets, table, seed=seed)
        propose(columns(catalog)).save(mapping, [])
        options = Options(base=base, home=folder / "home", catalog=catalog_folder, seed=seed, progress=progress)
        _, report = train_tickets(str(table), mapping, options)
    return {
        "tickets": tickets,
        "leaves": len(catalog.leaves),
        **{k: report["data"][k] for k in _KEPT},
        **report["cost"],
        "seconds": report["seconds"],
        "cpu_seconds": report["cpu_seconds"],
        "load": round(load, 1),
    }


def measure_trainings(
    catalog: Path, data: Path, base: Path, sizes: Sequence[int], seed: int, *, progress: bool = False
) -> list[dict[str, Any]]:
    """Return the figures of every size; raises TrainError naming the size whose process was killed."""
    return [in_own_process(f"{n} 件工单", measure_training, catalog, data, base, n, seed, progress) for n in sizes]
