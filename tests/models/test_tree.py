import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.calibration import Tree, level_sums, sharpen, softmax
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


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5))
def test_one_row_is_summed_and_sharpened_as_many_rows_are(seed: int, leaves: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    ancestors = grown(rng, leaves, depth).ancestors
    tree, leaf = Tree(ancestors), probabilities(rng, 3, leaves)
    exponents = rng.uniform(0.3, 2, depth)
    many = sharpen(leaf, ancestors, exponents)
    for row, expected in zip(leaf, many, strict=True):
        np.testing.assert_allclose(tree.sharpen(row, exponents), expected, rtol=1e-9)
        levels = [level_sums(row[None], ancestors[:, level])[0] for level in range(depth)]
        np.testing.assert_allclose(tree.sums(row), np.concatenate(levels))


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5))
def test_one_row_is_walked_as_many_rows_are(seed: int, leaves: int, depth: int) -> None:
    rng = np.random.default_rng(seed)
    head = CategoryClassifier()
    head.taxonomy_ = grown(rng, leaves, depth)
    head.thresholds_ = {"0.1": sorted(rng.uniform(0, 0.9, depth))[::-1]}
    proba = probabilities(rng, 4, leaves)
    leaf, depths, chances = head.walk(proba)
    for i in range(len(proba)):
        one = head.walk(proba[i : i + 1])
        assert (one[0][0], one[1][0]) == (leaf[i], depths[i])
        np.testing.assert_allclose(one[2][0], chances[i])
