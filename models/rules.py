"""Choosing the branch of an ambiguity rule by a caller's words; a place named only as a landmark does not count."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.catalog import Branch, Rule


@dataclass(frozen=True)
class Choice:
    """The branch of a rule that the words choose: by how many cues, the longest of which is `cue`."""

    branch: Branch
    hits: int
    cue: str


_BESIDE = re.compile(
    r"(?:的|大|正|东|西|南|北|侧|小)*(?:门口|大?门外|对面|旁边|隔壁|附近|外面|外头|外边|外侧?|边上|后面|后头|前面|前头|出来|出门)"
    r"(?:的|那|这|有|是|就是|一|条|个|段|处)*(?:马路|大?街|路|巷|大道|人行道|辅道|辅路|公路|桥|河|广场|公园|公交|站台|空地)"
)
"""What follows a place that is only named to say which public place beside it is meant."""


def _said(cue: str, text: str) -> bool:
    """Whether `text` holds `cue` other than as a landmark for the street, square or stop beside it."""
    at = text.find(cue)  # not re: a catalogue has more cues than the re module remembers compiled
    while at >= 0:
        end = at + len(cue)
        if not _BESIDE.match(text, end):
            return True
        at = text.find(cue, max(end, at + 1))
    return False


def choose(rule: Rule, text: str) -> Choice | None:
    """Return the one branch whose cues the text holds; None when no branch or several tie."""
    scored = []
    for branch in rule.branches:
        hits = [c for c in branch.cues if _said(c, text)]
        if hits and not any(c in text for c in branch.not_cues):
            scored.append(Choice(branch, len(hits), max(hits, key=len)))
    scored.sort(key=lambda c: (-c.hits, -len(c.cue)))
    if not scored or (
        len(scored) > 1 and scored[0].hits == scored[1].hits and len(scored[0].cue) == len(scored[1].cue)
    ):
        return None
    return scored[0]
