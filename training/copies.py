"""Seeded copies of written examples as a call may also sound: fillers around, places swapped, characters misheard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from models.places import Gazetteer, PlaceFinder
from training.augment import slips, with_fillers
from training.tickets import Example, prepare


def copies(
    examples: Sequence[Example], count: int, places: Sequence[Gazetteer], *, seed: int = 0
) -> list[Example]:  # fmt: skip
    """Return `count` copies of examples of the training split, or none where there is no such example.

    Each takes one of three turns: words of greeting and waiting around it; every place of the list replaced by another
    of its kind; misheard characters and no punctuation. A copy keeps its author, so that who is left out stays out.
    """
    rng = np.random.default_rng(seed)
    source = [e for e in examples if e.split != "held_out"]
    if not source:
        return []
    swap = _Swap(places)
    turns = (lambda t: with_fillers(t, rng), lambda t: swap(t, rng), lambda t: slips(t, rng))
    found = []
    for n in range(count):
        example = source[int(rng.integers(len(source)))]
        found.append(replace(example, text=prepare(turns[n % len(turns)](example.text))))
    return found


class _Swap:
    """Replaces the places in a text by others of their kind."""

    def __init__(self, places: Sequence[Gazetteer]) -> None:
        self._finder = PlaceFinder(places)
        self._names: dict[str, list[str]] = defaultdict(list)
        for place in places:
            self._names[place.kind].append(place.name)

    def __call__(self, text: str, rng: np.random.Generator) -> str:
        for mention in reversed(self._finder.find(text)):
            names = self._names[mention.kind]
            end = mention.start + len(mention.text)
            text = text[: mention.start] + names[int(rng.integers(len(names)))] + text[end:]
        return text
