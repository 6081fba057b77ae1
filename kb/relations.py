"""Published entries that contradict or replace one another: found as entries come and go, told with every answer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.likeness import SAME_SUBJECT, contrast, overlap, plain, same_numbers

_UNITS = {
    "元": "元", "块钱": "元", "%": "%", "％": "%", "‰": "‰", "工作日": "工作日", "个工作日": "工作日", "天": "天",
    "日": "天", "个月": "月", "年": "年", "周": "周", "岁": "岁", "周岁": "岁", "小时": "小时", "个小时": "小时",
    "分钟": "分钟", "平方米": "平方米", "平米": "平方米", "度": "度", "℃": "度", "倍": "倍", "次": "次", "公里": "公里",
    "米": "米", "点": "点",
}  # fmt: skip
_LONGEST_FIRST = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_DIGITS = "零一二三四五六七八九"
_DATE = re.compile(r"(?:(\d{4})[年-])?(\d{1,2})[月-](\d{1,2})(?:日|(?!\d))")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[::](\d\d)(?!\d)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)年")
_NUMBER = re.compile(rf"(\d+(?:\.\d+)?|[{_DIGITS}两十百千]+)\s*(万|亿)?\s*({_LONGEST_FIRST})")
_REFERENCE = re.compile(r"[〔\[(（]?\d{4}[〕\])）]?\s*\d*\s*号|第[\d零一二三四五六七八九十百]+[条款章]")


@dataclass(frozen=True)
class Relation:
    """`kind` is conflict (冲突) or superseded (已被取代); `detail` holds the figures of both, or the new start."""

    kind: str
    entry: KnowledgeEntry
    detail: str

    @property
    def warning(self) -> str:
        """What the operator reads."""
        if self.kind == "conflict":
            return f"与条目 {self.entry.id} 的数字不一致({self.detail})"
        return f"已有更新的条目 {self.entry.id}({self.detail} 起)"


def figures(text: str) -> dict[str, frozenset[str]]:
    """Return the figures of a text by unit: amounts, shares, periods, dates; document numbers are none."""
    found: dict[str, set[str]] = defaultdict(set)
    text = _REFERENCE.sub(" ", text.replace(",", ""))
    for match in _DATE.finditer(text):
        found["日期"].add(f"{int(match[2])}月{int(match[3])}日")
        if match[1]:
            found["年份"].add(f"{match[1]}年")
    text = _DATE.sub(" ", text)
    found["点"] |= {f"{int(h)}点" if m == "00" else f"{int(h)}:{m}" for h, m in _CLOCK.findall(text)}
    found["年份"] |= {f"{y}年" for y in _YEAR.findall(text)}
    for number, scale, unit in _NUMBER.findall(_YEAR.sub(" ", text)):
        value = _value(number) * {"万": 1e4, "亿": 1e8}.get(scale, 1)
        found[_UNITS[unit]].add(f"{value:g}{_UNITS[unit]}" if value < 1e6 else f"{value:.0f}{_UNITS[unit]}")
    return {unit: frozenset(values) for unit, values in found.items() if values}


def find_relations(entries: Sequence[KnowledgeEntry], vectors: NDArray[np.float32]) -> dict[str, tuple[Relation, ...]]:
    """Return what must be told with each entry, by id; `vectors` of shape (n_entries, dimension) as for `Relations`."""
    place = {e.id: i for i, e in enumerate(entries)}
    found = Relations(lambda ids: vectors[[place[i] for i in ids]])
    found.update(entries)
    return dict(found.told)


class Relations:
    """What must be told with each entry, in `told` by id, kept as entries come and go.

    `vectors_of` gives the questions' unit vectors, shape (n, dimension), of the entries of some ids. Two entries have
    the same subject when they share a keyword or the second level of the category, their questions are alike (cosine
    from `SAME_SUBJECT`, or the same words) without a contrast, and one call could be answered from both. Other threads
    may read `told` meanwhile.
    """

    def __init__(self, vectors_of: Callable[[Sequence[str]], NDArray[np.float32]]) -> None:
        self.told: dict[str, tuple[Relation, ...]] = {}
        self._vectors_of = vectors_of
        self._entries: dict[str, KnowledgeEntry] = {}
        self._figures: dict[str, dict[str, frozenset[str]]] = {}
        self._plain: dict[str, str] = {}
        self._groups: dict[str, dict[str, None]] = defaultdict(dict)

    def update(self, entries: Iterable[KnowledgeEntry], gone: Iterable[str] = ()) -> None:
        """Take `entries` in their present form and forget those of the ids `gone`."""
        new = {e.id: e for e in entries}
        self._forget({*new, *gone})
        for entry in new.values():
            if entry.status == "published":
                self._entries[entry.id] = entry
                self._figures[entry.id], self._plain[entry.id] = figures(entry.answer), plain(entry.question)
                for key in _keys(entry):
                    self._groups[key][entry.id] = None
        for one, other in self._same_subject([i for i in new if i in self._entries]):
            self._tell(self._entries[one], self._entries[other])

    def _forget(self, ids: set[str]) -> None:
        for name in ids & self._entries.keys():
            for key in _keys(self._entries.pop(name)):
                del self._groups[key][name]
                if not self._groups[key]:
                    del self._groups[key]
            del self._figures[name], self._plain[name]
            self.told.pop(name, None)
            for other in [i for i, related in self.told.items() if any(r.entry.id == name for r in related)]:
                kept = tuple(r for r in self.told[other] if r.entry.id != name)
                if kept:
                    self.told[other] = kept
                else:
                    del self.told[other]

    def _tell(self, a: KnowledgeEntry, b: KnowledgeEntry) -> None:
        detail = _differ(self._figures[a.id], self._figures[b.id])
        if detail:
            self._add(a, Relation("conflict", b, f"{detail[0]} / {detail[1]}"))
            self._add(b, Relation("conflict", a, f"{detail[1]} / {detail[0]}"))
        for old, new in ((a, b), (b, a)):
            start = new.effective_from
            later = start and (old.effective_from is None or old.effective_from < start)
            if later and same_numbers(a.question, b.question):
                self._add(old, Relation("superseded", new, str(start)))

    def _add(self, entry: KnowledgeEntry, relation: Relation) -> None:
        self.told[entry.id] = (*self.told.get(entry.id, ()), relation)

    def _same_subject(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Return the pairs of entries on the same subject of which at least one is in `ids`, each once."""
        changed = set(ids)
        keys = dict.fromkeys(k for i in ids for k in _keys(self._entries[i]))
        seen: set[tuple[str, str]] = set()
        for key in keys:
            members = list(self._groups[key])
            vectors = self._vectors_of(members)
            rows = np.array([r for r, m in enumerate(members) if m in changed])
            for start in range(0, len(rows), 1000):
                part = rows[start : start + 1000]
                for k, m in zip(*np.nonzero(vectors[part] @ vectors.T >= SAME_SUBJECT), strict=True):
                    pair = (members[part[k]], members[m])
                    if pair[0] != pair[1] and pair not in seen:
                        seen.update((pair, pair[::-1]))
                        if self._one_call(*pair):
                            yield pair

    def _one_call(self, one: str, other: str) -> bool:
        a, b = self._entries[one], self._entries[other]
        same = self._plain[one] == self._plain[other] or not contrast(a.question, b.question)
        return same and overlap(a, b)


def _keys(entry: KnowledgeEntry) -> set[str]:
    return {f"类{entry.category[:4]}", *entry.keywords}


def _differ(a: Mapping[str, frozenset[str]], b: Mapping[str, frozenset[str]]) -> tuple[str, str] | None:
    """Return the figures of the first unit in which two answers have none in common."""
    for unit in a:
        if unit in b and not a[unit] & b[unit]:
            return "、".join(sorted(a[unit])), "、".join(sorted(b[unit]))
    return None


def _value(number: str) -> float:
    if number[0].isdigit():
        return float(number)
    total = digit = 0
    for ch in number:
        if ch in "十百千":
            total += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[ch]
            digit = 0
        else:
            digit = 2 if ch == "两" else _DIGITS.index(ch)
    return float(total + digit)
