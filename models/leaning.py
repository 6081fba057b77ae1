"""What the category of a call tells of its request type, beside its words: how often each type came under each leaf."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.calibration import softmax
from models.taxonomy import Taxonomy

FILE = "leaning.json"
WEIGHT = 0.35
"""How much the category counts beside the words, found among the training rows with whole authors left out; there the
category is named less well than in use, so it is on the low side."""
_GROUP_ROWS = 5.0
"""A level-2 group's shares of types count as much as those of all rows where it has so many rows."""
_LEAF_ROWS = 1.0
"""The same for a leaf and its group."""
_LEAST = 1e-6
"""Added to a share before its logarithm is taken: a type that no category holds is neither raised nor lowered."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Leaning:
    """Shares of request types by leaf, and how they join what the words say.

    `shares` (n_leaves, n_types) and `overall` (n_types,) sum to 1 over the types; `temperature` is that of the words'
    scores once the category counts as well.
    """

    types: tuple[str, ...]
    leaves: tuple[str, ...]
    shares: Floats
    overall: Floats
    weight: float = WEIGHT
    temperature: float = 1.0

    @classmethod
    def fit(
        cls, leaves: NDArray[np.int64], types: NDArray[np.int64], taxonomy: Taxonomy, names: Sequence[str]
    ) -> Leaning:
        """Count rows with leaf (n,) of `taxonomy` and type (n,) of `names`; needs at least one row.

        A leaf with few rows leans as its level-2 group does, such a group as all rows do.
        """
        groups = taxonomy.ancestors[:, min(1, taxonomy.depth - 1)]
        count = np.zeros((len(taxonomy.leaves), len(names)))
        np.add.at(count, (leaves, types), 1)
        overall = count.sum(0) / count.sum()
        of_group = np.zeros((int(groups.max()) + 1, len(names)))
        np.add.at(of_group, groups, count)
        of_group = _towards(of_group, overall, _GROUP_ROWS)
        return cls(tuple(names), taxonomy.leaves, _towards(count, of_group[groups], _LEAF_ROWS), overall)

    def lean(self, leaf: Floats) -> Floats:
        """Return what leaf probabilities (n, n_leaves) add to the log of each type's share, shape (n, n_types)."""
        return self.weight * (np.log(leaf @ self.shares + _LEAST) - np.log(self.overall + _LEAST))

    def join(self, scores: NDArray[np.floating], leaf: Floats) -> Floats:
        """Return type probabilities (n, n_types) from the words' `scores` (n, n_types) and those of the leaves."""
        return softmax(scores / self.temperature + self.lean(leaf))

    def save(self, folder: Path) -> None:
        """Write `leaning.json` into `folder`, a line a leaf."""
        record = {
            "weight": self.weight,
            "temperature": self.temperature,
            "types": list(self.types),
            "overall": _rounded(self.overall),
        }
        rows = zip(self.leaves, self.shares, strict=True)
        lines = [f"{json.dumps(leaf, ensure_ascii=False)}: {json.dumps(_rounded(row))}" for leaf, row in rows]
        start = json.dumps(record, ensure_ascii=False)[:-1]
        (folder / FILE).write_text(start + ', "leaves": {\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, leaves: Sequence[str], types: Sequence[str]) -> Leaning | None:
        """Read what `save` wrote, in the order of `leaves` and `types`; a leaf that is unknown leans nowhere.

        None when there is no file, as in older bundles, or when it is about other types.
        """
        file = folder / FILE
        if not file.is_file():
            return None
        record = json.loads(file.read_text(encoding="utf-8"))
        if set(record["types"]) != set(types):
            return None
        order = [record["types"].index(t) for t in types]
        overall, known = record["overall"], record["leaves"]
        shares = np.array([known.get(leaf, overall) for leaf in leaves], np.float64)[:, order]
        return cls(
            tuple(types), tuple(leaves), shares, np.array(overall)[order], record["weight"], record["temperature"]
        )


def _towards(count: Floats, prior: Floats, rows: float) -> Floats:
    """Return shares from counts (n, k), with `prior` shares counting as much as so many `rows`."""
    return (count + rows * prior) / (count.sum(1, keepdims=True) + rows)


def _rounded(row: Floats) -> list[float]:
    return [round(float(v), 6) for v in row]
