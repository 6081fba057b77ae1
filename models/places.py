"""Where it happens: district, street, community, road and landmark from the words of a call; it never guesses."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

from pypinyin import Style, lazy_pinyin, pinyin

KINDS = ("district", "street", "community", "village", "road", "estate", "landmark", "park")
"""Kinds of place, in the words of `places.csv`."""

_HOUSE = re.compile(r"(?:\d+|[零一二三四五六七八九十百]+)号(?:院|楼|附\d+)?")
_CORRECTION = re.compile(
    r"不对|不是不是|说错了?|讲错了?|搞错了?|错了|更正|应该是|我看看|准确(?:地|的)?说|哦不|噢不|啊不|呃不|"
    r"(?<=[,，。、 ])不(?=[,，。、 ]?是)"
)
_DENIED_BEFORE = re.compile(r"(?:不是|不在|并非|没在|不属于|不归)(?:在|我们|说|那个|什么)?$")
_ELSEWHERE_BEFORE = re.compile(r"(?:像|人家|隔壁|学|同样是|都是|比如|老家在?|户口在?|户籍在?|原来住在?|以前在?)$")
_LATIN_RUN = re.compile(r"[\u4e00-\u9fff]{2,}")


class Gazetteer(Protocol):
    """A row of the list of places."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def district(self) -> str: ...  # noqa: D102
    @property
    def street(self) -> str: ...  # noqa: D102
    @property
    def aliases(self) -> Sequence[str]: ...  # noqa: D102


@dataclass(frozen=True)
class Mention:
    """A place named in the text: `[start, end)` in characters, with every row of the list it may be."""

    text: str
    start: int
    end: int
    name: str
    kind: str
    options: tuple[tuple[str, str], ...]
    """(district, street) pairs the name may lie in; an empty string where the list does not say."""
    house_number: str = ""
    by_sound: bool = False
    """True when the name was recognised by its sound (a recognition slip), not by its characters."""

    @property
    def districts(self) -> frozenset[str]:
        """Districts the name may lie in."""
        return frozenset(d for d, _ in self.options if d)


@dataclass(frozen=True)
class Location:
    """Where a call says it happens; an empty string where it does not say or cannot be known."""

    district: str = ""
    street: str = ""
    community: str = ""
    road: str = ""
    landmark: str = ""
    house_number: str = ""
    candidates: tuple[str, ...] = ()
    """Districts that remain possible when `district` is empty."""
    mentions: tuple[Mention, ...] = field(default=(), repr=False)
    ask: str = ""
    """What to ask to find the place, or empty when the district is known."""


class PlaceFinder:
    """Finds places of a list in texts: longest name first, the last correction wins, homonyms stay candidates."""

    def __init__(self, places: Iterable[Gazetteer], *, shortest_by_sound: int = 3) -> None:
        rows: dict[str, list[Gazetteer]] = defaultdict(list)
        for place in places:
            for name in dict.fromkeys((place.name, *place.aliases, *_short_names(place))):
                rows[name].append(place)
        self._rows = dict(rows)
        self._first: dict[str, list[str]] = defaultdict(list)
        self._sounds: dict[tuple[str, ...], str] = {}
        ambiguous: set[tuple[str, ...]] = set()
        for name in sorted(self._rows, key=len, reverse=True):
            self._first[name[0]].append(name)
            if len(name) >= shortest_by_sound and re.fullmatch(r"[\u4e00-\u9fff]+", name):
                sound = _sound(name)
                if sound in self._sounds:
                    ambiguous.add(sound)
                self._sounds[sound] = name
        for sound in ambiguous:
            self._sounds.pop(sound, None)
        self._sound_first = {sound[0] for sound in self._sounds}
        self._by_sound: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for sound in self._sounds:
            self._by_sound[sound[0]].append(sound)
        self._sound_lengths = sorted({len(s) for s in self._sounds}, reverse=True)
        self.districts = tuple(dict.fromkeys(p.name for p in places_of(self._rows, "district")))

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in `text` (normalised) from left to right; they do not overlap."""
        mentions: list[Mention] = []
        position = 0
        while position < len(text):
            name = next((n for n in self._first.get(text[position], ()) if text.startswith(n, position)), None)
            if name is None or not self._plausible(text, position, name):
                position += 1
                continue
            mentions.append(self._mention(text, position, name, name, by_sound=False))
            position = mentions[-1].end
        if any(m.kind != "district" for m in mentions):
            return mentions
        taken = [(m.start, m.end) for m in mentions]
        return sorted([*mentions, *self._find_by_sound(text, taken)], key=lambda m: m.start)

    def _plausible(self, text: str, start: int, name: str) -> bool:
        """Reject a short name inside a longer word, such as a district's short name inside a street name."""
        if len(name) > 2 or name in {r.name for r in self._rows[name]}:
            return True
        after = text[start + len(name) : start + len(name) + 1]
        return after not in {"路", "街", "桥", "巷", "镇", "村", "乡", "河", "寺", "山", "关"}

    def _mention(self, text: str, start: int, name: str, said: str, *, by_sound: bool) -> Mention:
        end = start + len(said)
        rows = self._rows[name]
        house = _HOUSE.match(text, end)
        return Mention(
            text=said,
            start=start,
            end=house.end() if house else end,
            name=rows[0].name,
            kind=rows[0].kind,
            options=tuple(dict.fromkeys((r.name if r.kind == "district" else r.district, r.street) for r in rows)),
            house_number=house.group() if house else "",
            by_sound=by_sound,
        )

    def _find_by_sound(self, text: str, taken: list[tuple[int, int]]) -> list[Mention]:
        found = []
        for run in _LATIN_RUN.finditer(text):
            if not self._may_sound(run.group()):
                continue
            syllables = _sound(run.group())
            if len(syllables) != len(run.group()):
                continue
            i = 0
            while i < len(syllables):
                step = 1
                if syllables[i] in self._sound_first:
                    for length in self._sound_lengths:
                        name = self._sounds.get(syllables[i : i + length])
                        start = run.start() + i
                        if name is None or any(a < start + length and start < b for a, b in taken):
                            continue
                        said = text[start : start + length]
                        if said[-1] == name[-1] or name[-1] not in "路街巷区镇村":
                            found.append(self._mention(text, start, name, said, by_sound=True))
                            step = length
                            break
                i += step
        return found

    def _may_sound(self, run: str) -> bool:
        """Whether a place may sound in `run`, by every reading of each character; far cheaper than reading it whole."""
        readings = [_readings(character) for character in run]
        return any(
            len(sound) <= len(run) - i and all(s in readings[i + k] for k, s in enumerate(sound))
            for i, firsts in enumerate(readings)
            for first in firsts
            for sound in self._by_sound.get(first, ())
        )

    def locate(self, text: str) -> Location:
        """Return where `text` says it happens.

        Mentions that the caller denies or replaces ("不是…", "…,不对,…") are left out; what remains is
        combined: a named district decides, otherwise the districts that all mentions allow.
        """
        mentions = self._current(text, self.find(text))
        if not mentions:
            return Location(candidates=(), ask="请问具体在哪个区、哪条路或哪个小区?")
        options = _agree(mentions)
        districts = tuple(sorted({d for d, _ in options if d}))
        district = districts[0] if len(districts) == 1 else ""
        streets = {s for d, s in options if s and (not district or d == district)}
        street_named = _last(mentions, "street")
        street = street_named.name if street_named else (streets.pop() if len(streets) == 1 and district else "")
        road = _last(mentions, "road")
        community = _last(mentions, "community") or _last(mentions, "village")
        landmark = _last(mentions, "estate") or _last(mentions, "landmark") or _last(mentions, "park")
        return Location(
            district=district,
            street=street if district else "",
            community=community.name if community else "",
            road=road.name if road else "",
            landmark=landmark.name if landmark else "",
            house_number=next((m.house_number for m in reversed(mentions) if m.house_number), ""),
            candidates=() if district else districts,
            mentions=tuple(mentions),
            ask="" if district else self._question(mentions, districts),
        )

    def _current(self, text: str, mentions: list[Mention]) -> list[Mention]:
        kept: list[Mention] = []
        for mention in mentions:
            before = text[: mention.start]
            if _DENIED_BEFORE.search(before) or _ELSEWHERE_BEFORE.search(before):
                continue
            previous_end = kept[-1].end if kept else 0
            if kept and _CORRECTION.search(text[previous_end : mention.start]):
                kept = [
                    m
                    for m in kept
                    if m.kind == "district"
                    and mention.kind != "district"
                    and m.districts & (mention.districts or m.districts)
                ]
            kept.append(mention)
        return kept

    def _question(self, mentions: list[Mention], districts: Sequence[str]) -> str:
        if len(districts) > 1:
            name = next((m.text for m in mentions if len(m.districts) > 1), mentions[-1].text)
            return f"“{name}”在{'、'.join(districts)}都有,请问门牌号是多少,或者旁边有什么标志性地方?"
        return f"“{mentions[-1].text}”在哪个区?附近有什么路或小区?"


def _short_names(place: Gazetteer) -> tuple[str, ...]:
    """A street or town is said without its suffix, when three characters or more remain."""
    match = re.fullmatch(r"(.{3,})(?:街道|镇|乡)", place.name) if place.kind == "street" else None
    return (match.group(1),) if match else ()


def places_of(rows: dict[str, list[Gazetteer]], kind: str) -> list[Gazetteer]:
    """Return the rows of one `kind`, in the order of the list."""
    return [row for group in rows.values() for row in group if row.kind == kind]


def _sound(name: str) -> tuple[str, ...]:
    """Toneless syllables, with the pairs that recognition and local accents confuse made equal (n/l, in/ing, z/zh)."""
    return tuple(map(_blurred, lazy_pinyin(name)))


def _blurred(syllable: str) -> str:
    return re.sub(r"(in|en)g$", r"\1", re.sub(r"^(z|c|s)h", r"\1", syllable))


@lru_cache(8192)
def _readings(character: str) -> frozenset[str]:
    """Every way a character may sound."""
    return frozenset(_blurred(s) for s in pinyin(character, style=Style.NORMAL, heteronym=True)[0])


def _agree(mentions: Sequence[Mention]) -> list[tuple[str, str]]:
    """Return the (district, street) pairs that the mentions allow together; a named district comes first."""
    ordered = sorted(mentions, key=lambda m: (m.kind != "district", len(m.districts) or 99, -m.start))
    named = [m for m in ordered if m.kind == "district"]
    if len({m.name for m in named}) > 1 and all(b.start - a.end <= 1 for a, b in pairwise(sorted(named, key=_start))):
        return [option for m in sorted(named, key=_start) for option in m.options]
    if named:
        ordered = [named[0], *[m for m in ordered if m.kind != "district"]]
    options = list(ordered[0].options)
    for mention in ordered[1:]:
        both = [
            (d or d2, s2 or s)
            for d, s in options
            for d2, s2 in mention.options
            if (not d or not d2 or d == d2) and (not s or not s2 or s == s2)
        ]
        options = list(dict.fromkeys(both)) or options
    return options


def _start(mention: Mention) -> int:
    return mention.start


def _last(mentions: Sequence[Mention], kind: str) -> Mention | None:
    return next((m for m in reversed(mentions) if m.kind == kind), None)
