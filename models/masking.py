"""Personal data in a call: where it stands, of which kind, and the text with marks in its place; it stores nothing."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from models.masking_marks import GONE, Found
from models.masking_names import names
from models.masking_numbers import local_phones, strong_numbers
from models.masking_rooms import rooms
from models.masking_words import cued_documents, emails, plates, social_accounts, tails

KINDS = ("姓名", "电话", "身份证", "银行卡", "车牌", "邮箱", "微信", "房号", "证件号")
"""Kinds of personal data; the mark of a kind is the kind in square brackets."""

_MARK = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_STAGES = (emails, plates, strong_numbers, cued_documents, social_accounts, tails, rooms, local_phones, names)
"""In this order, so that a telephone inside an e-mail address or a card number is not taken for itself."""


@dataclass(frozen=True)
class Span:
    """Personal data at `[start, end)` in characters of the text that was searched."""

    start: int
    end: int
    kind: str


class _Working:
    """The text as it is searched: one character per place, marks and finds shrunk to one character that says nothing.

    A find and a mark look the same to every rule, wherever they stand: this is what makes masking twice change
    nothing.
    """

    def __init__(self, text: str) -> None:
        characters: list[str] = []
        self._bounds: list[tuple[int, int]] = []
        position = 0
        for mark in _MARK.finditer(text):
            characters += map(_plain, text[position : mark.start()])
            self._bounds += [(i, i + 1) for i in range(position, mark.start())]
            characters.append(GONE)
            self._bounds.append(mark.span())
            position = mark.end()
        characters += map(_plain, text[position:])
        self._bounds += [(i, i + 1) for i in range(position, len(text))]
        self.text = "".join(characters)

    def take_out(self, found: list[Found]) -> list[Span]:
        """Shrink what was found and return it as spans of the text that was given."""
        spans: list[Span] = []
        pieces: list[str] = []
        bounds: list[tuple[int, int]] = []
        position = 0
        for start, end, kind in sorted(found):
            if start < position or GONE in self.text[start:end]:
                continue
            spans.append(Span(self._bounds[start][0], self._bounds[end - 1][1], kind))
            pieces += (self.text[position:start], GONE)
            bounds += self._bounds[position:start]
            bounds.append((spans[-1].start, spans[-1].end))
            position = end
        if spans:
            self.text = "".join((*pieces, self.text[position:]))
            self._bounds = bounds + self._bounds[position:]
        return spans


@lru_cache(8192)
def _plain(character: str) -> str:
    """One character in its half-width form; what cannot be seen becomes a space."""
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) != 1:
        return character
    if folded == GONE or (unicodedata.category(folded) in {"Cc", "Cf", "Zs"} and folded != "\n"):
        return " "
    return folded


def find_personal(text: str) -> list[Span]:
    """Return the personal data in `text` from left to right; the spans do not overlap.

    Any string is accepted, lone surrogates included. Service numbers (12345, 110, 95598, 400 numbers), dates, amounts
    and document numbers are no personal data. Marks that already stand in `text` are left alone.
    """
    working = _Working(text)
    spans: list[Span] = []
    while True:
        new = [span for stage in _STAGES for span in working.take_out(stage(working.text))]
        if not new:
            return sorted(spans, key=lambda span: span.start)
        spans += new


def mask(text: str) -> str:
    """Return `text` with a mark such as `[电话]` in place of each piece of personal data.

    Applying it twice changes nothing. Places down to the house or building number stay: they decide who is sent.
    """
    pieces: list[str] = []
    position = 0
    for span in find_personal(text):
        pieces += (text[position : span.start], f"[{span.kind}]")
        position = span.end
    return "".join((*pieces, text[position:]))
