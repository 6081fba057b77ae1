"""Telling two requests of a call apart where no joint word stands between them, by what the category head makes of
either side; a long story about one thing stays whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibration import level_sums, softmax
from models.classifier import CategoryClassifier

FILE = "splitting.json"
MOST_CLAUSES = 12
"""A text of more clauses is taken for a story about one thing."""
_LEAST = 5
"""Fewest Chinese characters on either side of a cut."""
_CLAUSE = re.compile(r"[,，。;；!！?？\n]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_GOES_ON = re.compile(
    r"^(?:他们?|她们?|它|人家|对方|就|结果|后来|最后|所以|因为|但|可是?|不过|现在|已经|才|还|又|再|说|问|让|要不|如果|不然|"
    r"到现在|这样|那么|其实|当时|于是|导致|弄得|搞得|害得|请|希望|麻烦|能不能|该|怎么办|什么时候|到底)"
)
"""How a clause begins that goes on with what was said."""
_ALSO = re.compile(r"^[^,，。]{1,8}(?:也|又|倒)(?!不知|是没办法)")
"""A new subject of which something is said as well."""
FEATURES = (
    "weaker side", "stronger side", "same branch", "same group", "whole allows both", "goes on", "also",
    "shorter side", "clauses",
)  # fmt: skip
_RANGES = ((np.log(1e-6), 0.0), (np.log(1e-6), 0.0), (0.0, 1.0), (0.0, 1.0), (0.0, 0.5))
"""Least and most of the first FEATURES, which need probabilities, where the sides are of different groups."""


@dataclass(frozen=True)
class Cut:
    """A place where `text` may fall into two requests."""

    left: str
    right: str
    clauses: int


def cuts(text: str) -> list[Cut]:
    """Return every place between two clauses of `text` with enough said on either side; none in a long story."""
    edges = [(m.start(), m.end()) for m in _CLAUSE.finditer(text) if m.start() > 0 and m.end() < len(text)]
    if len(edges) >= MOST_CLAUSES:
        return []
    found = [Cut(text[:a], text[b:].rstrip(",，。;；!！?？\n "), len(edges) + 1) for a, b in edges]
    return [c for c in found if min(len(_CHINESE.findall(s)) for s in (c.left, c.right)) >= _LEAST]


def likeliest(text: str, head: CategoryClassifier, splitter: Splitter | None = None) -> Cut | None:
    """Return the cut whose sides the words alone put into different groups most clearly; None when there is none.

    It costs no embedding and looks at every clause once; a text about one thing often does not get past it. With
    `splitter`, cuts that it could never part are not looked at, nor is one returned that it finds not worth embedding.
    """
    possible = [c for c in cuts(text) if splitter is None or splitter.could_split(c)]
    if not possible:
        return None
    groups = head.taxonomy_.ancestors[:, min(1, head.taxonomy_.depth - 1)]
    clauses = [c for c in _CLAUSE.split(text) if c]
    scores = np.stack([head.lexical_scores(c) * np.sqrt(len(c)) for c in clauses]).cumsum(0)
    ends = np.cumsum([len(c) for c in clauses])
    best, clearest = None, 0.0
    for cut in possible:
        at = len([c for c in _CLAUSE.split(cut.left) if c]) - 1
        left, right = (
            level_sums(softmax(total / np.sqrt(length), head.temperature_)[None, :], groups)[0]
            for total, length in ((scores[at], ends[at]), (scores[-1] - scores[at], ends[-1] - ends[at]))
        )
        if left.argmax() == right.argmax():
            continue
        clear = float(min(left.max(), right.max()) * (1 - np.minimum(left, right).sum()))
        if clear > clearest:
            best, clearest = cut, clear
    if best is None or splitter is None or splitter.worth_embedding(by_words(text, best, head)):
        return best
    return None


def by_words(text: str, cut: Cut, head: CategoryClassifier) -> NDArray[np.float64]:
    """Return the FEATURES of a cut of `text` as the words alone tell them, without an embedding."""
    scores = np.stack([head.lexical_scores(t) for t in (text, cut.left, cut.right)])
    return evidence(cut, head, softmax(scores.astype(np.float64), head.temperature_))


def evidence(cut: Cut, head: CategoryClassifier, proba: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the FEATURES of a cut from the (3, n_leaves) probabilities of the whole, the left and the right side."""
    ancestors = head.taxonomy_.ancestors
    whole, left, right = level_sums(proba, ancestors[:, min(1, ancestors.shape[1] - 1)])
    _, left_top, right_top = level_sums(proba, ancestors[:, 0])
    sides = sorted(np.log([max(left.max(), 1e-6), max(right.max(), 1e-6)]))
    return np.array(
        [
            sides[0],
            sides[1],
            float(np.sqrt(left_top * right_top).sum()),
            float(np.sqrt(left * right).sum()),
            float(min(whole[left.argmax()], whole[right.argmax()])),
            *_shape(cut),
        ]
    )


def _shape(cut: Cut) -> tuple[float, float, float, float]:
    """The last four FEATURES, which need no probabilities."""
    return (
        float(bool(_GOES_ON.match(cut.right))),
        float(bool(_ALSO.match(cut.right))),
        float(min(len(cut.left), len(cut.right), 20)) / 10,
        cut.clauses / 5,
    )


@dataclass(frozen=True)
class Rule:
    """A logistic rule over FEATURES, and the probability from which it says yes."""

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the probability of yes."""
        return float(1 / (1 + np.exp(-(np.asarray(self.weights) @ features + self.bias))))

    def record(self) -> dict[str, Any]:
        """Return the rule as it is stored."""
        weights = dict(zip(FEATURES, self.weights, strict=True))
        return {"weights": weights, "bias": self.bias, "threshold": self.threshold}

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Rule | None:
        """Return a stored rule; None when it is over features that this version does not know."""
        if set(record["weights"]) != set(FEATURES):
            return None
        return cls(tuple(record["weights"][name] for name in FEATURES), record["bias"], record["threshold"])


@dataclass(frozen=True)
class Splitter:
    """Says when a call counts as two requests.

    `rule` reads the probabilities of the whole and of either side, `glance` the same FEATURES as words alone tell
    them: what it turns down is not embedded (None turns nothing down).
    """

    rule: Rule
    glance: Rule | None = None

    def worth_embedding(self, features: NDArray[np.float64]) -> bool:
        """Whether a cut with the FEATURES that `by_words` gave may be two requests."""
        return self.glance is None or self.glance.probability(features) >= self.glance.threshold

    def could_split(
        self, cut: Cut, head: CategoryClassifier | None = None, known: NDArray[np.float64] | None = None
    ) -> bool:
        """Whether any probabilities of what is not known would part the cut: a bound, before it is embedded.

        By the shape of the cut alone, and closer with the (2, n_leaves) probabilities by `head` of the whole and of
        one side: the sides must be of different groups, and the weaker is no surer than the one known.
        """
        weights = np.asarray(self.rule.weights)
        ranges = np.array(_RANGES)
        if head is not None and known is not None:
            ancestors = head.taxonomy_.ancestors
            whole, side = level_sums(known, ancestors[:, min(1, ancestors.shape[1] - 1)])
            group = int(side.argmax())
            ranges[0, 1] = np.log(max(side[group], 1e-6))
            ranges[4, 1] = min(whole[group], np.delete(whole, group).max(initial=0.0))
        ends = weights[: len(ranges), None] * ranges
        most = float(self.rule.bias + ends.max(1).sum() + weights[len(ranges) :] @ np.asarray(_shape(cut)))
        return 1 / (1 + np.exp(-most)) >= self.rule.threshold

    def splits(self, cut: Cut, head: CategoryClassifier, proba: NDArray[np.float64]) -> bool:
        """Whether the cut parts two requests of different groups; `proba` as for `evidence`."""
        ancestors = head.taxonomy_.ancestors
        groups = level_sums(proba[1:], ancestors[:, min(1, ancestors.shape[1] - 1)]).argmax(1)
        return groups[0] != groups[1] and self.rule.probability(evidence(cut, head, proba)) >= self.rule.threshold

    def save(self, folder: Path) -> None:
        """Write `splitting.json` into `folder`."""
        record = self.rule.record() | ({"glance": self.glance.record()} if self.glance else {})
        (folder / FILE).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Splitter | None:
        """Read what `save` wrote; None when the bundle has none (or another version's) and only joint words split."""
        file = folder / FILE
        if not file.is_file():
            return None
        record = json.loads(file.read_text(encoding="utf-8"))
        rule = Rule.of(record)
        return cls(rule, Rule.of(record["glance"]) if "glance" in record else None) if rule else None
