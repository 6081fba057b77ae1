"""Texts that stand beside the rows of a table, such as the replies: they teach the row's label, and are never asked."""

from __future__ import annotations

from collections.abc import Sequence

from training.duplicates import Groups

MOST_ROWS = 5
"""A text beside more rows than this is boilerplate, whatever their label."""


def telling(beside: Sequence[Sequence[str]], leaves: Sequence[str], groups: Groups) -> list[tuple[str, int]]:
    """Return the texts that say something of their label, each once, with the first row that they stand beside.

    `beside` are the texts of each row, `leaves` their labels. A text beside rows of different labels, or beside more
    than `MOST_ROWS`, is left out. Rows that share a text are joined in `groups`, so that none is asked for while
    another teaches it.
    """
    rows: dict[str, list[int]] = {}
    for row, texts in enumerate(beside):
        for text in dict.fromkeys(texts):
            rows.setdefault(text, []).append(row)
    kept = []
    for text, at in rows.items():
        if len(at) > MOST_ROWS or len({leaves[row] for row in at}) > 1:
            continue
        for row in at[1:]:
            groups.join(at[0], row)
        kept.append((text, at[0]))
    return kept
