"""What is read of a call before anything is concluded: its texts, the vectors these need, whether a cut parts it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.splitting import Cut


@dataclass(frozen=True)
class Heard:
    """A call as the models see it, before its embedding is known."""

    masked: str
    """Normalised, personal data masked."""
    prepared: str
    """Without greetings and fillers."""
    pieces: tuple[str, ...]
    """The separate requests it may hold; only `prepared` when it is one."""
    milliseconds: float
    understood: str = ""
    """The whole question, when the words were a follow-up to what was said before."""
    cut: Cut | None = None
    """Where it may fall into two requests although no joint word stands there."""

    @property
    def texts(self) -> tuple[str, ...]:
        """What has to be embedded in any case: the whole first, then the pieces when there are several."""
        return (self.prepared, *self.pieces) if len(self.pieces) > 1 else (self.prepared,)


@dataclass(frozen=True)
class Read:
    """What the encoder and the category head made of a heard call."""

    vectors: NDArray[np.float32]
    """Of the call's `texts`, shape (n_texts, dimension)."""
    whole: NDArray[np.float64] | None = None
    """(n_leaves,) probabilities of the whole where a cut was weighed, so that they are not computed twice."""
    sides: tuple[NDArray[np.float64], ...] = ()
    """Those of the left and the right side, when the cut parts two requests."""


def read_call(bundle: Bundle, heard: Heard) -> Generator[tuple[str, ...], NDArray[np.float32], Read]:
    """Yield the texts whose vectors are needed, be sent these, and return what was read.

    Of a cut the shorter side comes with the whole; the other is asked for only where the splitter could still part
    them: an embedding costs more than all that is done with it.
    """
    cut, splitter, head = heard.cut, bundle.splitter, bundle.category
    if cut is None or splitter is None:
        return Read((yield heard.texts))
    first, second = sorted((cut.left, cut.right), key=len)
    vectors = yield (heard.prepared, first)
    known = head.predict_proba((heard.prepared, first), vectors)
    if not splitter.could_split(cut, head, known):
        return Read(vectors, known[0])
    other = head.predict_proba((second,), (yield (second,)))[0]
    sides = (known[1], other) if first is cut.left else (other, known[1])
    parted = splitter.splits(cut, head, np.stack([known[0], *sides]))
    return Read(vectors, known[0], sides if parted else ())
