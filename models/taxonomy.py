"""A classification of any depth as the models see it: leaves, their ancestors and their own texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.calibration import Tree

if TYPE_CHECKING:
    from models.catalog import Catalog


@dataclass(frozen=True)
class Taxonomy:
    """`paths[i]` are the node keys of leaf i from level 1 to the leaf; `names` gives the name of every node key."""

    paths: tuple[tuple[str, ...], ...]
    names: dict[str, str]
    texts: tuple[str, ...]
    """What each leaf stands for, in words; empty where nothing is known but the label."""

    @classmethod
    def from_catalog(cls, catalog: Catalog) -> Taxonomy:
        """Take leaves, names and duty texts from a catalogue."""
        paths, texts = [], []
        for leaf in catalog.leaves:
            path = catalog.path(leaf)
            paths.append(tuple(node.code for node in path))
            own = path[-1]
            names = " ".join(dict.fromkeys(n.name for n in path[1:]))
            texts.append(f"{names} {own.description} {' '.join(own.keywords)}".strip())
        return cls(tuple(paths), {code: node.name for code, node in catalog.nodes.items()}, tuple(texts))

    @classmethod
    def from_labels(cls, rows: Sequence[Sequence[str]]) -> Taxonomy:
        """Build a taxonomy from label columns, the broadest first; a node's key is its path joined by ` / `."""
        paths: set[tuple[str, ...]] = set()
        names: dict[str, str] = {}
        for row in rows:
            keys = [" / ".join(row[: i + 1]) for i in range(len(row))]
            paths.add(tuple(keys))
            names.update(zip(keys, row, strict=True))
        ordered = tuple(sorted(paths))
        return cls(ordered, names, tuple("" for _ in ordered))

    @property
    def depth(self) -> int:
        """Number of levels."""
        return len(self.paths[0])

    @property
    def leaves(self) -> tuple[str, ...]:
        """Keys of the leaves."""
        return tuple(path[-1] for path in self.paths)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each leaf key."""
        return {leaf: i for i, leaf in enumerate(self.leaves)}

    @cached_property
    def nodes(self) -> tuple[tuple[str, ...], ...]:
        """Node keys of each level, sorted."""
        return tuple(tuple(sorted({path[level] for path in self.paths})) for level in range(self.depth))

    @cached_property
    def ancestors(self) -> NDArray[np.int64]:
        """(n_leaves, depth) position of each leaf's ancestor among the nodes of the level."""
        positions = [{key: i for i, key in enumerate(level)} for level in self.nodes]
        return np.array([[positions[lv][key] for lv, key in enumerate(path)] for path in self.paths])

    @cached_property
    def tree(self) -> Tree:
        """The nodes of all levels side by side."""
        return Tree(self.ancestors)
