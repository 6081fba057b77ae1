"""Learning when a call is two requests: single texts of authors the head never saw, and pairs of them put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.classifier import CategoryClassifier
from models.embedder import Embedder
from models.splitting import Cut, Rule, Splitter, by_words, cuts, evidence, likeliest

MOST = 400
"""Single texts, and as many pairs, that are learned from."""
FALSE_SPLITS = 0.02
"""Share of single texts that may be split; sets the threshold. A false split costs more than a missed one."""
LOST_SPLITS = 0.01
"""Share of the splits of pairs that may be lost by not embedding what the words alone do not make likely."""
CAUTION = 0.5
"""Part of that threshold which is used: pairs put together are clearer than talk. The whole of it lost 3 of the 39
splits of tests/data/several.csv, half of it none."""
_FOLDS = 5


@dataclass(frozen=True)
class _Case:
    text: str
    two: bool
    group: int
    """Rows whose words a case holds share a fold; the position of the (first) text."""


def learn_splitter(
    texts: Sequence[str], codes: Sequence[str], head: CategoryClassifier, embedder: Embedder, *, seed: int = 0
) -> tuple[Splitter | None, dict[str, Any]]:
    """Return the rule and its cross-validated figures; `texts` with leaf `codes` must be unseen by `head`.

    Without a rule (None), where too few texts propose cuts of both kinds, only joint words split.

    A pair is the most telling part of two texts of different groups, one after the other with a comma, as people
    talk. Figures are shares of all pairs and of all single texts, those included that no cut was proposed for.
    """
    rng = np.random.default_rng(seed)
    cases = _cases(texts, codes, head, rng)
    proposed = [(case, cut) for case in cases if (cut := likeliest(case.text, head)) is not None]
    features = _features(proposed, head, embedder)
    two = np.array([case.two for case, _ in proposed])
    folds = np.array([case.group % _FOLDS for case, _ in proposed])
    singles = sum(not case.two for case in cases)
    pairs = len(cases) - singles
    if len(set(two)) < 2:
        return None, {"pairs": pairs, "singles": singles, "split_of_pairs": 0.0, "split_of_singles": 0.0}
    chance = _unseen(features, two, folds)
    allowed = int(FALSE_SPLITS * singles)
    wrong = np.sort(chance[~two])[::-1]
    threshold = float(np.nextafter(wrong[allowed], 1)) if len(wrong) > allowed else 0.5
    split = chance >= threshold
    glance, seen = _glance(proposed, split, folds, head)
    kept = split & seen
    figures = {
        "pairs": pairs,
        "singles": singles,
        "split_of_pairs": round(float(kept[two].sum() / max(1, pairs)), 4),
        "split_of_singles": round(float(kept[~two].sum() / max(1, singles)), 4),
        "embedded_of_singles": round(float(seen[~two].sum() / max(1, singles)), 4),
        "proposed_of_singles": round(float((~two).sum() / max(1, singles)), 4),
    }
    return Splitter(_rule(features, two, threshold), glance), figures


def _glance(
    proposed: Sequence[tuple[_Case, Cut]], split: NDArray[np.bool_], folds: NDArray[np.int64], head: CategoryClassifier
) -> tuple[Rule | None, NDArray[np.bool_]]:
    """Return the rule over what words alone tell that keeps nearly all of `split`, and what it lets through unseen.

    It learns from which cuts the rule over all probabilities `split` (n_proposed,), and needs no embedding.
    """
    if len(set(split)) < 2:
        return None, np.ones(len(split), bool)
    features = np.stack([by_words(case.text, cut, head) for case, cut in proposed])
    chance = _unseen(features, split, folds)
    threshold = CAUTION * float(np.quantile(chance[split], LOST_SPLITS, method="lower"))
    return _rule(features, split, threshold), chance >= threshold


def _unseen(features: NDArray[np.float64], yes: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability of yes of every row, by a model that did not learn from the row's fold."""
    chance = np.zeros(len(features))
    for fold in range(_FOLDS):
        inside = folds == fold
        if inside.any() and len(set(yes[~inside])) == 2:
            chance[inside] = _fitted(features[~inside], yes[~inside]).predict_proba(features[inside])[:, 1]
    return chance


def _rule(features: NDArray[np.float64], yes: NDArray[np.bool_], threshold: float) -> Rule:
    model = _fitted(features, yes)
    weights = tuple(round(float(w), 4) for w in model.coef_[0])
    return Rule(weights, round(float(model.intercept_[0]), 4), round(threshold, 4))


def _fitted(features: NDArray[np.float64], yes: NDArray[np.bool_]) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=1000).fit(features, yes)


def _cases(
    texts: Sequence[str], codes: Sequence[str], head: CategoryClassifier, rng: np.random.Generator
) -> list[_Case]:
    """Single texts of more than one clause, and pairs of texts whose second level differs."""
    order = rng.permutation(len(texts)).tolist()
    singles = [_Case(texts[i], False, i) for i in order if cuts(texts[i])][:MOST]
    group = {leaf: path[min(1, len(path) - 1)] for leaf, path in zip(head.classes_, head.taxonomy_.paths, strict=True)}
    pairs = []
    for i in order:
        j = int(rng.integers(len(texts)))
        # a pair stays in one fold, or words learned from would be measured on
        j = j - (j - i) % _FOLDS
        if 0 <= j != i and group[codes[i]] != group[codes[j]]:
            pairs.append(_Case(f"{_core(texts[i], head)},{_core(texts[j], head)}", True, i))
    return [*singles, *pairs[:MOST]]


def _core(text: str, head: CategoryClassifier) -> str:
    """Return the clause of `text` that says most by its words, with the one before when it is short."""
    clauses = [c for c in text.replace("。", ",").split(",") if len(c) > 3]
    if len(clauses) < 2:
        return text.strip("。,")
    clear = [float(head.lexical_scores(c).max()) for c in clauses]
    best = int(np.argmax(clear))
    return ",".join(clauses[max(0, best - 1) : best + 1]) if len(clauses[best]) < 10 else clauses[best]


def _features(
    proposed: Sequence[tuple[_Case, Cut]], head: CategoryClassifier, embedder: Embedder
) -> NDArray[np.float64]:
    asked = [text for case, cut in proposed for text in (case.text, cut.left, cut.right)]
    vectors = embedder.encode(asked, kind="query")
    proba = head.predict_proba(asked, vectors).reshape(len(proposed), 3, -1)
    return np.stack([evidence(cut, head, p) for (_, cut), p in zip(proposed, proba, strict=True)])
