"""How likely the first entry answers: what is measured of a question and its hits, and the logistic model over it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.asking import Asking, shipped_asking
from kb.entry import KnowledgeEntry
from kb.index import Hit
from kb.lexical import grams

FEATURES = (
    "dense", "question", "score_gap", "first_share", "length", "coverage", "coverage_gap", "aspect", "number",
    "near_dense", "near_lexical", "lexical_rise", "lacking", "own_case", "elsewhere",
)  # fmt: skip
"""What the shipped confidence is computed from; `measured` says what each is."""
CLIP = 3.0
"""Standard deviations beyond which a feature counts no more: small collections give extreme gaps."""
NEAR = 10
"""Hits that are compared with the first."""

ENDS = 30
"""Characters at the end of a call in which it says what it wants; before them it tells what happened."""
_MASKED = re.compile(r"\[[^\[\]]{1,8}\]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def measured(
    text: str, hits: Sequence[Hit], rarities: Mapping[int, float], asking: Asking, places: Sequence[str] = ()
) -> dict[str, float]:
    """Return every measure by name; `hits` the best first, at least one, `rarities` the IDF of the terms of `text`.

    `asking` are the words that ask, `places` names of places outside the city.

    Of the first hit: `dense`, `question` (cosines); `coverage` (share of the weight of the question's characters and
    pairs that its texts hold), and their lead over the next (`..._gap`); `first_share` (its softmax share among the
    near hits); `aspect` (share of what is asked for — when, where, how much — that its questions do not ask);
    `number` (1 when a number is asked that it lacks); `lacking` (share of what is to be told exactly — a sum, an hour,
    a telephone number — of which its answer has none); `elsewhere` (1 when a place of `places` is named that it does
    not name). Of the question: `own_case` (1 when it asks what has become of a case). These three read its last `ENDS`
    characters. Of the neighbourhood: `near_dense`, `near_lexical` (means) and `lexical_rise` (standard deviations the
    first stands above).
    """
    first = hits[0]
    near = hits[:NEAR]
    rest = near[1:] or [first]
    terms = np.fromiter(rarities, np.int64, len(rarities))
    weights = np.fromiter(rarities.values(), np.float64, len(rarities))
    total = float(weights.sum()) or 1.0

    def coverage(hit: Hit) -> float:
        held = _held(asking, hit.entry.question, hit.entry.aliases, hit.entry.answer).terms
        at = np.searchsorted(held[:-1], terms)
        return float(weights[held[at] == terms].sum()) / total

    own, covered = _held(asking, first.entry.question, first.entry.aliases, first.entry.answer), coverage(first)
    asked, numbers = asking.aspects_of(text), set(_NUMBER.findall(text))
    end = _MASKED.sub("", text)[-ENDS:]  # the mark of a masked number says "telephone" itself
    exact = asking.exact_in(end)
    scores = np.exp(np.array([h.score for h in near]) - first.score)
    lexical = np.array([h.lexical for h in hits])
    return {
        "dense": first.dense,
        "question": first.question,
        "question_gap": first.question - max(h.question for h in rest),
        "lexical_gap": first.lexical - max(h.lexical for h in rest),
        "score_gap": first.score - rest[0].score,
        "first_share": float(1 / scores.sum()),
        "length": math.log(1 + len(text)),
        "coverage": covered,
        "coverage_gap": covered - max(coverage(h) for h in rest),
        "aspect": len(asked - own.aspects) / max(1, len(asked)),
        "number": float(bool(numbers - own.numbers)),
        "lacking": sum(name not in own.holdings for name in exact) / max(1, len(exact)),
        "own_case": float(bool(asking.own_case.search(end))),
        "elsewhere": float(any(p in end and p not in own.text for p in places)),
        "near_dense": float(np.mean([h.dense for h in hits])),
        "near_lexical": float(lexical.mean()),
        "lexical_rise": float((first.lexical - lexical.mean()) / (lexical.std() + 1e-9)),
    }


class Confidence:
    """A logistic model over measures; `record` holds `features`, `mean`, `scale`, `weights`, `bias`, `threshold`.

    The words that ask are those of `asking` in the record (`kb.asking`), of an older one without them the shipped
    ones. With `places` a place outside the city that the question names counts. With `vector_weights` (dimension,) the
    question's own vector counts too: questions about one person's case, other places or a choice of shops are of a
    kind that no entry answers, however near it comes.

    Raises ValueError for a measure that this version does not know.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.features = tuple(record["features"])
        self._mean, self._scale, self._weights = (np.array(record[k], float) for k in ("mean", "scale", "weights"))
        self._bias = float(record["bias"])
        self._by_vector = np.array(record.get("vector_weights", ()), np.float32)
        self._places = tuple(record.get("places", ()))
        asking = record.get("asking")
        self._asking = Asking.of(asking, "answering.json asking") if asking else shipped_asking()
        self.threshold = float(record["threshold"])
        if unknown := set(self.features) - KNOWN:
            raise ValueError(
                f"answering.json features:应为 {'、'.join(sorted(KNOWN))},实有 {'、'.join(sorted(unknown))}"
            )

    def __call__(
        self, text: str, vector: NDArray[np.float32], hits: Sequence[Hit], rarities: Mapping[int, float]
    ) -> float:
        """Return the probability that the first of `hits` answers; `vector` (dimension,) is that of `text`."""
        found = measured(text, hits, rarities, self._asking, self._places)
        x = np.array([found[f] for f in self.features])
        z = float(scaled(x, self._mean, self._scale) @ self._weights) + self._bias
        if len(self._by_vector):
            z += float(np.einsum("i,i", self._by_vector, vector))
        return 1 / (1 + math.exp(-z))


def scaled(x: NDArray[np.float64], mean: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return measures (n_features,) or (n, n_features) as the model reads them."""
    return np.clip((x - mean) / scale, -CLIP, CLIP)


class _Held:
    """What the texts of an entry hold."""

    def __init__(self, asking: Asking, question: str, aliases: Sequence[str], answer: str) -> None:
        asked = " ".join((question, *aliases))
        whole = f"{asked} {answer}"
        self.text = whole
        self.holdings = asking.held_by(answer)
        # sorted, with one more that no text has: as sets those of 8,192 entries took 110 MB
        self.terms = np.append(np.unique(grams(whole)), -1)
        self.aspects = asking.aspects_of(asked)
        self.numbers = frozenset(_NUMBER.findall(whole))


@lru_cache(maxsize=8192)
def _held(asking: Asking, question: str, aliases: tuple[str, ...], answer: str) -> _Held:
    return _Held(asking, question, aliases, answer)


_NOTHING = KnowledgeEntry("", "", (), "", "", "", "", "", None, None, (), "", "", None, "", "")
KNOWN = frozenset(measured("", [Hit(_NOTHING, 0.0, 0.0, 0.0, 0.0)], {}, Asking.none()))
"""Every measure there is."""
