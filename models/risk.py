"""Risk before any model: rules from data say what must go to an emergency line now, and why; recall comes first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from models.text import sentences

ANY_RISK = "*"
"""The row key of `past` and `weak` patterns that hold for every risk."""

_CLAUSE_END = re.compile(r"[,、]")
_DENIAL = re.compile(
    r"(?<!不是)(?<!并非)(?:没有?|并没有?|不是|并非|未|不会|不能|从没|从未|又没|还没|防)"
    r"(?:发生|出现|出过|出|什么|人|人去|再|有|被|闻到|闻见|看到|看见|见|听到|听见|说过?|要){0,2}$|(?:闻|看|听)不[到见]$"
)
"""A denial right before the words; a denied denial (`不是没着火`) is none."""
_LONG_AGO = re.compile(
    r"(?:大?前年|去年|早些年|头两年|小时候|当时|那[次回年时]|上上?个?(?:月|周|礼拜|星期|学期|季度)|上[次回]|前段时间|"
    r"前阵子?|前(?:几|些|两)(?:天|年|个月)|大前天|之前|以前|原来|[一二两三四五六七八九十几半\d]+个?[年月天周](?:多)?(?:以|之)?前|"
    r"(?:19|20)\d\d年)"
    r"(?![^,。]{0,6}(?:打过?了?\d*次?(?:电话|热线|1\d{2,4})|反映|投诉|报修|说过|报过|找过|问过))"
)
"""The event is over, unless the time is that of an earlier complaint."""
_FEARED = re.compile(
    r"(?:(?:如果|要是|假如|万一|一旦|若是?)(?!.*我们?(?:就|只能|只好|一定|非得?|真|也))|怕(?!我(?:会|自己|控制|忍|真))|"
    r"担心|恐怕|生怕|可能[会要]|容易|会不会|防止|避免|预防|以免|免得|禁止|严禁|哪天|早晚|迟早|总有一天|有没有可能|"
    r"差一?点儿?|险些|感觉像|就像|跟[^,。]{1,4}似的)"
)
"""The event is only feared, supposed or narrowly missed. `要是不解决,我就…` is a vow and no supposition."""
_SUPPOSING = ("如果", "要是", "万一", "假如", "一旦")
_NOW = re.compile(
    r"正在|还在(?:烧|着|打|漏|冒|里|水|车|屋|掉|塌|流|响|叫|闹|堵|砍|追|家|楼|上面|下面|外面|现场|往)|快来|快点[来派叫]|"
    r"(?:赶紧|赶快|马上)[来派叫]|救命|越来越|更[大宽深]|止不住|来不及了|还有[^,。]{0,6}(?:没出|没救|没找|埋|困|里面)|"
    r"又(?:开始|来|在)"
)
"""It goes on: stronger than any word for the past or for fear in the same sentence."""
_NOW_NEAR = re.compile(r"现在|刚刚?|刚才|这会儿?|眼看|今[天早晚]|昨[天晚]|突然|又(?![怕担])")
"""It goes on when the word stands in the same clause, before the words, after any word for past or fear."""
_REACH = 18
"""Characters before the words in which fear is looked for; calls often come without punctuation."""


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

    `risks` maps a risk's key to its row, `triggers` yields (risk, kind, pattern). A trigger counts when the
    sentence holds a `need`, no denial stands right before it and no `figurative` phrase overlaps it. It is
    active unless the words around it say that it is over (grammar here, `past` patterns in the data) or only
    feared, supposed or asked about (grammar here, `weak` patterns in the data); words for "now" make it
    active again.
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
        pieces = sentences(text)
        for sentence, following in zip(pieces, [*pieces[1:], ""], strict=False):
            for risk, row in self._risks.items():
                finding = self._find_one(risk, row, sentence, following[:_REACH])
                if finding and (risk not in found or finding.active > found[risk].active):
                    found[risk] = finding
        return sorted(found.values(), key=lambda f: (-f.active, -f.severity))

    def _find_one(self, risk: str, row: RiskRow, sentence: str, following: str) -> RiskFinding | None:
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
            inactive = self._inactive(patterns, sentence, following, match)
            if not inactive:
                return self._finding(risk, row, match.group(), True, f"话中提到“{match.group()}”")
            over = (match.group(), inactive)
        if over:
            return self._finding(risk, row, over[0], False, f"话中提到“{over[0]}”,但{over[1]}")
        return None

    def _inactive(self, patterns: _Patterns, sentence: str, following: str, match: re.Match[str]) -> str:
        """Return why the words of `match` are no danger now; empty when they are one."""
        if _NOW.search(sentence):
            return ""
        ends = [0, 0, *(c.end() for c in _CLAUSE_END.finditer(sentence, 0, match.start()))]
        clause, earlier = sentence[ends[-1] : match.start()], sentence[ends[-2] : ends[-1]]
        if earlier.startswith(_SUPPOSING) or (len(earlier) <= 7 and _LONG_AGO.search(earlier)):
            clause = earlier + clause
        said = clause + match.group()
        now = max((m.start() for m in _NOW_NEAR.finditer(clause)), default=-1)
        rest = sentence[match.end() :]
        near = match.group() + _CLAUSE_END.split(rest, maxsplit=1)[0][:10]
        if any(m.start() > now for m in _LONG_AGO.finditer(said)):
            return "说的是过去的事"
        if any(m.start() > now for m in _FEARED.finditer(said, max(0, len(clause) - _REACH))):
            return "只是担心或假设"
        for past in (patterns.past, self._common.past):
            if past and (past.search(match.group() + rest) or past.search(following) or past.search(clause)):
                return "说的是过去或已经处理"
        for weak in (patterns.weak, self._common.weak):
            if weak and (weak.search(clause) or weak.search(near)):
                return "只是询问或说别的事"
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
