"""The tree of a classification sums, sharpens and walks as its definition, written out leaf by leaf, says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.calibration import Tree, softmax
from models.classifier import CategoryClassifier
from models.taxonomy import Taxonomy


def grown(rng: np.random.Generator, leaves: int, depth: int) -> Taxonomy:
    """A taxonomy whose leaves stand in no order of their parents, as codes of a city may."""
    paths = []
    for leaf in range(leaves):
        numbers = rng.integers(0, 3, depth - 1)
        paths.append((*("/".join(map(str, numbers[: i + 1])) for i in range(depth - 1)), f"leaf {leaf}"))
    return Taxonomy(tuple(paths), {}, ("",) * leaves)


def probabilities(rng: np.random.Generator, rows: int, leaves: int) -> NDArray[np.float64]:
    return softmax(rng.normal(size=(rows, leaves)) * 3)


def test_sums_are_those_of_every_level_of_few_rows_and_of_many() -> None:
    rng = np.random.default_rng(1)
    ancestors = grown(rng, 30, 4).ancestors
    for rows in (0, 1, 3, 50):
        leaf = probabilities(rng, rows, 30)
        wanted = [
            [leaf[:, ancestors[:, level] == n].sum(1) for n in range(ancestors[:, level].max() + 1)]
            for level in range(4)
        ]
        np.testing.assert_allclose(Tree(ancestors).sums(leaf), np.array([n for one in wanted for n in one]).T)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5), st.sampled_from([1, 3, 40]))
def test_a_leaf_is_the_product_of_sharpened_shares_on_its_path(seed: int, leaves: int, depth: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    paths = grown(rng, leaves, depth).paths
    tree, leaf, exponents = (
        Tree(grown(np.random.default_rng(seed), leaves, depth).ancestors),
        probabilities(rng, rows, leaves),
        rng.uniform(0.3, 2, depth),
    )
    found = tree.sharpen(leaf, exponents)
    for proba, sharpened in zip(leaf[:3], found, strict=False):
        under = {
            key: sum(p for p, path in zip(proba, paths, strict=True) if path[: len(key)] == key)
            for path in paths
            for key in _starts(path)
        }
        for path, got in zip(paths, sharpened, strict=True):
            wanted = 1.0
            for key in _starts(path)[1:]:
                level, parent = len(key) - 1, key[:-1]
                shares = {
                    k: (under[k] / under[parent]) ** exponents[level]
                    for k in under
                    if k[:-1] == parent and len(k) == len(key)
                }
                wanted *= shares[key] / sum(shares.values())
            assert got == pytest.approx(wanted, rel=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5))
def test_the_walk_goes_down_while_the_likeliest_child_is_safe(seed: int, leaves: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    head = CategoryClassifier()
    head.taxonomy_ = grown(rng, leaves, depth)
    thresholds = sorted(rng.uniform(0, 0.9, depth))[::-1]
    head.thresholds_ = {"0.1": thresholds}
    proba, paths = probabilities(rng, 4, leaves), head.taxonomy_.paths
    for row, leaf, safe, chances in zip(proba, *head.walk(proba), strict=True):
        inside, wanted = list(range(leaves)), 0
        for level, threshold in enumerate(thresholds):
            sums = {paths[i][: level + 1]: 0.0 for i in inside}
            for i in inside:
                sums[paths[i][: level + 1]] += row[i]
            best = max(sums, key=lambda key: sums[key])
            if sums[best] < threshold:
                break
            inside, wanted = [i for i in inside if paths[i][: level + 1] == best], level + 1
        assert (leaf, safe) == (max(inside, key=lambda i: row[i]), wanted)
        path = paths[leaf]
        expected = [
            sum(p for p, other in zip(row, paths, strict=True) if other[: n + 1] == path[: n + 1]) for n in range(depth)
        ]
        np.testing.assert_allclose(chances, np.minimum(expected, 1))


def _starts(path: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [path[:n] for n in range(len(path) + 1)]
