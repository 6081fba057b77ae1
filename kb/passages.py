"""Cutting a long text into passages that the encoder can read; cuts fall at sentence ends where there are any."""

from __future__ import annotations

import re

PASSAGE = 320
"""Characters of a passage (about 190 tokens); 160 and 100 gave the same ranking within half a point."""
SLACK = 1.25
"""A text at most this many times a passage is left whole."""
_SENTENCE = re.compile(r"[^。!！?？;；\n]+[。!！?？;；\n]*|[。!！?？;；\n]+")


def passages(text: str, size: int = PASSAGE) -> list[str]:
    """Return consecutive pieces of `text` of at most `size` characters; joined again they give `text`.

    Sentences are kept whole unless one alone is longer than `size`. A last piece under a quarter of `size`
    joins the one before it. A blank text gives no passage.
    """
    if not text.strip():
        return []
    if len(text) <= size * SLACK:
        return [text]
    pieces = [s[i : i + size] for s in _SENTENCE.findall(text) for i in range(0, len(s), size)]
    found: list[str] = []
    for piece in pieces:
        if found and len(found[-1]) + len(piece) <= size:
            found[-1] += piece
        else:
            found.append(piece)
    if len(found) > 1 and len(found[-1]) < size // 4:
        last = found.pop()
        found[-1] += last
    return found
