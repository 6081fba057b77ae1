"""Risk before any model: rules from data say what must go to an emergency line now, and why; recall comes first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.text import sentences

ANY_RISK = "*"
"""The row key of `past` and `weak` patterns that hold for every risk."""

_CLAUSE = re.compile(r"[^,，、]+")
_DENIAL = re.compile(
    r"(?:没有?|并没有?|不是|未|不会|从没|从未|又没|还没)(?:发生|出现|什么|人|再|有|被|闻到|看到|看见|见)?$"
)
_NOW = re.compile(r"正在|还在|现在|马上|刚刚?|快来|赶紧|赶快|救命|又(?:着|漏|打|塌|困|掉)|这会儿?|眼看")


class RiskRow(Protocol):
    """A row of the list of risks; what each field means stands in the catalogue's README."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def severity(self) -> int: ...  # noqa: D102
    @property
    def handover(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def ask_first(self) -> str: ...  # noqa: D102
    @property
    def advice(self) -> str: ...  # noqa: D102
    @property
    def do_not(self) -> str: ...  # noqa: D102
    @property
    def after(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class RiskFinding:
    """A risk that the words reveal."""

    risk: str
    name: str
    severity: int
    active: bool
    """True when it may be happening now; False when it is over or only feared."""
    handover: tuple[str, ...]
    """Emergency lines to connect, empty when not active or when no line is needed."""
    words: str
    """The words that revealed it."""
    why: str
    ask_first: str
    advice: str
    do_not: str
    after: str


@dataclass(frozen=True)
class _Patterns:
    trigger: re.Pattern[str] | None
    need: re.Pattern[str] | None
    figurative: re.Pattern[str] | None
    past: re.Pattern[str] | None
    weak: re.Pattern[str] | None


class RiskRules:
    """Compiled risk rules.

    `risks` maps a risk's key to its row, `triggers` yields (risk, kind, pattern). A trigger counts when no
    denial stands right before it and no figurative phrase covers it. It is active unless the words around
    it say that it is over or only feared; a word for "now" makes it active again.
    """

    def __init__(self, risks: Mapping[str, RiskRow], triggers: Iterable[tuple[str, str, str]]) -> None:
        by_kind: dict[tuple[str, str], list[str]] = {}
        for risk, kind, pattern in triggers:
            by_kind.setdefault((risk, kind), []).append(f"(?:{pattern})")

        def compiled(risk: str, kind: str) -> re.Pattern[str] | None:
            patterns = by_kind.get((risk, kind))
            return re.compile("|".join(patterns)) if patterns else None

        def one(risk: str) -> _Patterns:
            return _Patterns(*(compiled(risk, k) for k in ("trigger", "need", "figurative", "past", "weak")))

        self._risks = dict(risks)
        self._patterns = {risk: one(risk) for risk in risks}
        self._common = one(ANY_RISK)

    def find(self, text: str) -> list[RiskFinding]:
        """Return the risks in normalised `text`, active ones first, then by falling severity."""
        found: dict[str, RiskFinding] = {}
        for sentence in sentences(text):
            for risk, row in self._risks.items():
                finding = self._find_one(risk, row, sentence)
                if finding and (risk not in found or finding.active > found[risk].active):
                    found[risk] = finding
        return sorted(found.values(), key=lambda f: (-f.active, -f.severity))

    def _find_one(self, risk: str, row: RiskRow, sentence: str) -> RiskFinding | None:
        patterns = self._patterns[risk]
        if patterns.trigger is None:
            return None
        if patterns.need and not patterns.need.search(sentence):
            return None
        figurative = [m.span() for m in patterns.figurative.finditer(sentence)] if patterns.figurative else []
        over: tuple[str, str] | None = None
        for match in patterns.trigger.finditer(sentence):
            if not match.group() or any(a < match.end() and match.start() < b for a, b in figurative):
                continue
            if _DENIAL.search(sentence[: match.start()]):
                continue
            inactive = self._inactive(patterns, sentence, match)
            if not inactive:
                return self._finding(risk, row, match.group(), True, f"话中提到“{match.group()}”")
            over = (match.group(), inactive)
        if over:
            return self._finding(risk, row, over[0], False, f"话中提到“{over[0]}”,但{over[1]}")
        return None

    def _inactive(self, patterns: _Patterns, sentence: str, match: re.Match[str]) -> str:
        start = max((c.start() for c in _CLAUSE.finditer(sentence) if c.start() <= match.start()), default=0)
        before, after = sentence[start : match.start()], sentence[match.end() :]
        if _NOW.search(sentence):
            return ""
        for kind, word in (("past", "说的是过去或已经处理"), ("weak", "只是担心或询问")):
            pattern, common = getattr(patterns, kind), getattr(self._common, kind)
            for p in (pattern, common):
                if p and (
                    p.search(before) or (kind == "past" and p.search(after)) or p.search(match.group() + after[:8])
                ):
                    return word
        return ""

    @staticmethod
    def _finding(risk: str, row: RiskRow, words: str, active: bool, why: str) -> RiskFinding:
        return RiskFinding(
            risk=risk,
            name=row.name,
            severity=row.severity,
            active=active,
            handover=tuple(row.handover) if active else (),
            words=words,
            why=why,
            ask_first=row.ask_first,
            advice=row.advice,
            do_not=row.do_not,
            after=row.after,
        )
