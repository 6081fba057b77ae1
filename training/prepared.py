"""What a training is told, and a city's tickets as they are once read, grouped, split and embedded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.intake import Intake, Resolved, Ticket
from training.laps import Laps
from training.limits import EMBED_MOST, MEASURE_MOST
from training.mapping import Mapping

if TYPE_CHECKING:
    from models.catalog import Catalog
    from models.taxonomy import Taxonomy
    from models.textform import TextForm
    from training.finetune import FineTuning
    from training.simulate import Costs
    from training.spread import Spread


@dataclass(frozen=True)
class Options:
    """What a training may be told."""

    base: Path
    home: Path
    catalog: Path
    split: str = "time"
    seed: int = 0
    corrections: Path | None = None
    progress: bool = True
    skip_bad: bool = False
    costs: Costs | None = None
    feedback: str = ""
    """URL of the database with what operators decided; empty leaves it out."""
    search_minutes: float = 0.0
    finetune: FineTuning | None = None
    spread: Spread | None = None
    """Where embedding and search are done; threads of this process when None."""
    embed_most: int = EMBED_MOST
    """Most training tickets whose vectors are computed; those of the others are estimated. 0: no limit."""
    measure_most: int = MEASURE_MOST
    """Most held-out tickets that are measured; the others of that period are left out altogether. 0: no limit."""

    @property
    def bundles(self) -> Path:
        """Where trained bundles live."""
        return self.home / "bundles"

    @property
    def cache(self) -> Path:
        """Where vectors are kept between trainings."""
        return self.home / "training" / "embeddings"


@dataclass(frozen=True)
class Prepared:
    """Tickets ready to be fitted."""

    source: str
    intake: Intake
    resolved: Resolved
    mapping: Mapping
    taxonomy: Taxonomy
    form: TextForm | None
    texts: list[str]
    vectors: NDArray[np.float32]
    groups: NDArray[np.int64]
    held: NDArray[np.bool_]
    cutter: Any
    embedder: Any
    catalog: Catalog
    laps: Laps
    base: Path
    """The bundle that is started from: the given one, or one around an adapted encoder."""
    feedback: dict[str, Any] | None = None
    """What operators decided and what was done with it, as plain values."""
    finetune: dict[str, Any] | None = None
    """How the encoder was adapted, if it was."""
    estimated: int = 0
    """Training tickets whose vectors were estimated from their words."""
    split_by: str = "time"
    """How the held-out tickets were chosen: `time` (the newest) or `random`."""
    unmeasured: int = 0
    """Tickets of the held-out period that were neither measured nor learned from."""

    @property
    def tickets(self) -> list[Ticket]:
        """Tickets in the order of `texts`."""
        return self.resolved.tickets


def unit_history(p: Prepared) -> dict[str, dict[str, dict[str, float]]]:
    """Count, per leaf, the units that kept tickets and those that gave them back, on the training side only."""
    accepted: dict[str, dict[str, float]] = {}
    returned: dict[str, dict[str, float]] = {}
    if p.resolved.taxonomy == "catalog":
        for ticket, leaf, held in zip(p.tickets, p.resolved.leaves, p.held, strict=True):
            if held or not ticket.final_unit:
                continue
            _count(accepted, leaf, ticket.final_unit)
            if ticket.unit and ticket.unit != ticket.final_unit:
                _count(returned, leaf, ticket.unit)
    return {"accepted": accepted, "returned": returned}


def _count(table: dict[str, dict[str, float]], leaf: str, unit: str) -> None:
    row = table.setdefault(leaf, {})
    row[unit] = row.get(unit, 0) + 1
