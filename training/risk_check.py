"""How many dangerous calls a bundle hands over: rules and net together, on written calls that neither was made with."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from models.embedder import Embedder
from models.features import WordCutter
from models.masking import mask
from models.risk import RiskRules
from models.risk_net import RiskNet
from models.text import normalise, strip_fillers
from training.measures import wilson

FILE = "risk_check.csv"
"""The measuring calls, beside the written examples; a city adds its own, a training never learns from them."""
WHOLE = 4000
"""Characters of a call that are embedded."""
_COLUMNS = ("text", "risk", "active")


@dataclass(frozen=True)
class CheckCalls:
    """Measuring calls: masked texts, the same without fillers, and whether each tells of danger now."""

    masked: list[str]
    prepared: list[str]
    active: NDArray[np.bool_]


def read_check(file: Path) -> CheckCalls:
    """Read the measuring calls; raises ValueError naming file, row and column of a fault."""
    with file.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{file}: 缺少列 {'、'.join(missing)}")
        masked, active = [], []
        for row in reader:
            if row["active"] not in ("yes", "no"):
                raise ValueError(f"{file} 第{reader.line_num}行 active: 应为 yes 或 no,实为 {row['active']}")
            masked.append(mask(normalise(row["text"])))
            active.append(row["active"] == "yes")
    return CheckCalls(masked, [strip_fillers(t) for t in masked], np.array(active, bool))


def measure_risk(
    bundle: Path, catalog: Catalog, calls: CheckCalls, vectors: NDArray[np.float32], cutter: WordCutter | None = None
) -> dict[str, Any]:
    """Return the recall and the share of false alarms of a bundle; `vectors` (n, dimension) are by its encoder."""
    rules, net = RiskRules(catalog.risks, catalog.triggers), RiskNet.load(bundle / "risk", cutter)
    raised = np.array(
        [
            any(f.active for f in net.add(rules.find(masked), catalog.risks, prepared, vector))
            for masked, prepared, vector in zip(calls.masked, calls.prepared, vectors, strict=True)
        ],
        bool,
    )
    return {"what": "written calls that neither rules nor net were made with", **_shares(raised, calls.active)}


def risk_figures(
    base: Path, catalog: Catalog, file: Path, embedder: Embedder, cache: Path, *, anew: bool = False
) -> dict[str, Any] | None:
    """Return the figures of a bundle whose rules, net and encoder are those of `base`; None without measuring calls.

    Those in the manifest of `base` are taken when they are of the same calls and catalogue, unless `anew`: an older
    program may have read the calls otherwise.
    """
    from models.bundle import file_hash
    from training.embedding import embed_all

    if not file.is_file():
        return None
    made = {"calls": file_hash(file), "catalog": catalog.hash}
    manifest = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    known = manifest["metrics"].get("risk_check")
    if not anew and known and all(known.get(k) == v for k, v in made.items()):
        return dict(known)
    calls = read_check(file)
    vectors = embed_all(calls.prepared, embedder, cache, limit=WHOLE, progress=False)
    return {**measure_risk(base, catalog, calls, vectors), **made}


def _shares(raised: NDArray[np.bool_], active: NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "dangerous": int(active.sum()),
        "recall": _share(raised[active]),
        "recall_ci": wilson(raised[active]),
        "others": int((~active).sum()),
        "false_alarms": _share(raised[~active]),
        "false_alarms_ci": wilson(raised[~active]),
    }


def _share(values: Sequence[bool] | NDArray[np.bool_]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0
