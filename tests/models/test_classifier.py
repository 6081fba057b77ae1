"""The category head: how it walks the tree, what its probabilities add up to, and leaves nobody gave an example of."""

import numpy as np
import pytest

from models.catalog import load_catalog
from models.classifier import CategoryClassifier, level_probabilities
from models.embedder import Embedder, load_embedder
from models.features import WordCutter
from models.locations import bundle_dir, catalog_dir
from models.taxonomy import Taxonomy
from tests.conftest import ROOT
from training.tickets import Example, read_examples

TREE = Taxonomy.from_labels([("水", "管", "漏"), ("水", "管", "堵"), ("水", "表", "坏"), ("路", "灯", "灭")])


def head(*thresholds: float) -> CategoryClassifier:
    """A head over TREE that calls a level safe above its threshold."""
    model = CategoryClassifier(risk=0.1)
    model.taxonomy_, model.classes_ = TREE, np.array(TREE.leaves)
    model.thresholds_ = {"0.1": list(thresholds)}
    return model


def chances(**leaves: float) -> np.ndarray:
    """Leaf probabilities by the three characters of a path."""
    return np.array([leaves["".join(leaf.split(" / "))] for leaf in TREE.leaves])


def test_every_safe_level_is_the_most_likely_child_of_the_one_above() -> None:
    found = head(0.5, 0.5, 0.2).category_of(chances(水管漏=0.3, 水管堵=0.25, 水表坏=0.05, 路灯灭=0.4))
    assert (found.depth, found.names) == (3, ("水", "管", "漏"))
    assert found.probabilities == pytest.approx((0.6, 0.55, 0.3))


def test_below_the_safe_level_the_most_likely_leaf_is_shown_not_the_most_likely_child() -> None:
    found = head(0.5, 0.9, 0.9).category_of(chances(水管漏=0.2, 水管堵=0.2, 水表坏=0.3, 路灯灭=0.3))
    assert found.depth == 1
    assert found.names == ("水", "表", "坏"), "管 is likelier (.4) than 表 (.3), but no leaf of it is"


def test_when_no_level_is_safe_the_most_likely_leaf_of_all_is_shown() -> None:
    found = head(0.9, 0.9, 0.9).category_of(chances(水管漏=0.2, 水管堵=0.2, 水表坏=0.2, 路灯灭=0.4))
    assert (found.depth, found.names[0]) == (0, "路")
    assert found.confidence == pytest.approx(0.4)


def test_a_leaf_outside_the_safe_node_is_only_an_alternative() -> None:
    found = head(0.5, 0.9, 0.9).category_of(chances(水管漏=0.3, 水管堵=0.15, 水表坏=0.15, 路灯灭=0.4))
    assert found.names == ("水", "管", "漏")
    assert found.alternatives[0][1] == "灭"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(bundle_dir() / "encoder", threads=1)


def test_probabilities_of_the_shipped_head_add_up_at_every_level(embedder: Embedder) -> None:
    model = CategoryClassifier.load(bundle_dir() / "category")
    texts = ["路灯不亮好几天了", "暖气不热,家里老人冻感冒了", "想问下医保怎么报"]
    proba = model.predict_proba(texts, embedder.encode(texts, kind="query"))
    levels = [level_probabilities(proba, model.taxonomy_, level) for level in range(model.taxonomy_.depth)]
    assert all(np.allclose(p.sum(1), 1) for p in levels)
    for row in proba:
        found = model.category_of(row)
        assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
        wanted = [p[0] for p in (level_probabilities(row[None], model.taxonomy_, i) for i in range(5))]
        positions = model.taxonomy_.ancestors[model.taxonomy_.index[found.code]]
        assert found.probabilities == pytest.approx([p[i] for p, i in zip(wanted, positions, strict=True)])


@pytest.fixture(scope="module")
def field() -> tuple[Taxonomy, list[Example]]:
    """One branch of the shipped classification with its written examples, five a leaf at most."""
    catalog = load_catalog(catalog_dir())
    everything = Taxonomy.from_catalog(catalog)
    branch = "04"
    at = [i for i, path in enumerate(everything.paths) if path[0] == branch]
    taxonomy = Taxonomy(
        tuple(everything.paths[i] for i in at), everything.names, tuple(everything.texts[i] for i in at)
    )
    taken: dict[str, int] = {}
    examples = []
    for e in read_examples(ROOT / "data/tickets/examples.csv", catalog.leaves):
        if e.code in taxonomy.index and taken.setdefault(e.code, 0) < 5:
            taken[e.code] += 1
            examples.append(e)
    return taxonomy, examples


def test_a_leaf_without_examples_is_found_by_its_duty_text_and_better_once_examples_come(
    embedder: Embedder, field: tuple[Taxonomy, list[Example]]
) -> None:
    taxonomy, examples = field
    new = set(taxonomy.leaves[::4])
    vectors = embedder.encode([e.text for e in examples], kind="query")
    own = embedder.encode(list(taxonomy.texts), kind="query")
    seen: dict[str, int] = {}
    asked, later, rest = [], [], []
    for i, e in enumerate(examples):
        seen[e.code] = seen.get(e.code, 0) + 1
        (rest if e.code not in new else later if seen[e.code] <= 2 else asked).append(i)
    cutter = WordCutter()
    truth = np.array([taxonomy.index[examples[i].code] for i in asked])

    def found(rows: list[int], texts: np.ndarray | None, most: int) -> float:
        model = CategoryClassifier(cutter=cutter).fit(
            [examples[i].text for i in rows], [examples[i].code for i in rows], embeddings=vectors[rows],
            taxonomy=taxonomy, text_embeddings=texts,
        )  # fmt: skip
        scores = model.decision_function([examples[i].text for i in asked], vectors[asked])
        return float((np.argsort(-scores, axis=1)[:, :most] == truth[:, None]).any(1).mean())

    blind = found(rest, None, 1)
    cold, cold3 = found(rest, own, 1), found(rest, own, 3)
    warm = found([*rest, *later], own, 1)
    print(f"{len(new)} of {len(taxonomy.leaves)} leaves without an example, {len(asked)} texts: without duty texts "
          f"{blind:.3f}, cold {cold:.3f} (top 3 {cold3:.3f}), with two examples a leaf {warm:.3f}")  # fmt: skip
    assert blind <= 0.05, "without its text such a leaf cannot be found"
    assert cold >= 0.25
    assert cold3 >= 0.5
    assert warm > cold


def test_the_classifier_is_cloned_like_any_estimator_of_scikit_learn() -> None:
    from sklearn.base import clone

    copy = clone(CategoryClassifier(penalty=0.7, dropped=0.1).set_params(balance=0.5))
    assert (copy.penalty, copy.dropped, copy.balance) == (0.7, 0.1, 0.5)
    with pytest.raises(TypeError, match="no parameter"):
        copy.set_params(penalties=1)


def test_what_is_remembered_of_a_text_changes_nothing_and_is_forgotten_with_a_new_fit() -> None:
    texts, labels = ["水管漏水了", "水管堵住了", "水表坏了", "路灯灭了"], list(TREE.leaves)
    vectors = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)
    model = CategoryClassifier(cutter=WordCutter(["水管"])).fit(texts, labels, embeddings=vectors, taxonomy=TREE)
    alone = model.lexical_scores(texts[0])
    assert model.lexical_scores(texts[0]) is alone
    first = model.decision_function(texts, vectors)
    assert np.array_equal(model.decision_function(texts, vectors), first)
    assert np.array_equal(model.decision_function(texts[:1], vectors[:1]), first[:1])
    for filler in range(20):
        model.lexical_scores(f"别的话{filler}")
    assert np.array_equal(model.lexical_scores(texts[0]), alone)
    model.fit(texts, labels[::-1], embeddings=vectors, taxonomy=TREE)
    assert not np.array_equal(model.lexical_scores(texts[0]), alone)
