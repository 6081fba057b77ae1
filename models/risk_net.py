"""A learned net under the risk rules: it catches danger told in words that no rule lists; rules come first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import CategoryClassifier
from models.features import WordCutter
from models.risk import RiskFinding, RiskRow

NO_RISK = "-"
"""Label of a call without danger."""


class RiskNet:
    """A classifier over the risks and `NO_RISK`, with the margin each risk needs.

    A risk's margin is its score minus that of `NO_RISK`. It counts at `margins[risk]`; where a rule has found
    the risk over, denied or only feared, the margin must also reach `against_rule`.
    """

    def __init__(self, head: CategoryClassifier, margins: Mapping[str, float], against_rule: float) -> None:
        self.head = head
        self.margins = dict(margins)
        self.against_rule = against_rule
        self._labels = [str(c) for c in head.classes_]
        self._none = self._labels.index(NO_RISK)

    def add(
        self,
        found: Sequence[RiskFinding],
        risks: Mapping[str, RiskRow],
        text: str,
        vector: NDArray[np.float32],
    ) -> tuple[RiskFinding, ...]:
        """Return `found` and the risk the net sees, if any; `text` is prepared, `vector` (dimension,) its embedding."""
        scores = self.head.decision_function([text], vector[None, :])[0]
        margins = scores - scores[self._none]
        margins[self._none] = -np.inf
        best = int(margins.argmax())
        risk, margin = self._labels[best], float(margins[best])
        known = {f.risk: f for f in found}
        needed = max(self.margins.get(risk, np.inf), self.against_rule if risk in known else -np.inf)
        if risk not in risks or margin < needed or (risk in known and known[risk].active):
            return tuple(found)
        row = risks[risk]
        words = "、".join(self.head.words_for(text, best))
        seen = RiskFinding(
            risk=risk,
            name=row.name,
            severity=row.severity,
            active=True,
            handover=tuple(row.handover),
            words=words,
            why=f"说法像“{row.name}”" + (f",依据的话:{words}" if words else ""),
            ask_first=row.ask_first,
            advice=row.advice,
            do_not=row.do_not,
            after=row.after,
        )
        rest = [f for f in found if f.risk != risk]
        return tuple(sorted([seen, *rest], key=lambda f: (-f.active, -f.severity)))

    def save(self, folder: Path) -> None:
        """Write the head and `margins.json` into `folder`."""
        self.head.save(folder)
        record = {"margins": self.margins, "against_rule": self.against_rule}
        (folder / "margins.json").write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, cutter: WordCutter | None = None) -> RiskNet:
        """Read what `save` wrote."""
        record = json.loads((folder / "margins.json").read_text(encoding="utf-8"))
        return cls(CategoryClassifier.load(folder, cutter), record["margins"], record["against_rule"])
