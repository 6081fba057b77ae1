"""Published entries that contradict or replace one another: found once per index build, told with every answer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    """Return what must be told with each entry, by id.

    `vectors` of shape (n_entries, dimension) are the questions' unit vectors. Two entries have the same subject
    when they share a keyword or the second level of the category, their questions are alike (cosine from
    `SAME_SUBJECT`, or the same words) without a contrast, and one call could be answered from both.
    """
    related: dict[str, list[Relation]] = defaultdict(list)
    known = [figures(e.answer) for e in entries]
    for i, j in _same_subject(entries, vectors):
        a, b = entries[i], entries[j]
        detail = _differ(known[i], known[j])
        if detail:
            related[a.id].append(Relation("conflict", b, f"{detail[0]} / {detail[1]}"))
            related[b.id].append(Relation("conflict", a, f"{detail[1]} / {detail[0]}"))
        for old, new in ((a, b), (b, a)):
            start = new.effective_from
            if (
                start
                and same_numbers(a.question, b.question)
                and (old.effective_from is None or old.effective_from < start)
            ):
                related[old.id].append(Relation("superseded", new, str(start)))
    return {entry_id: tuple(found) for entry_id, found in related.items()}


def _same_subject(entries: Sequence[KnowledgeEntry], vectors: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    groups: Mapping[str, list[int]] = defaultdict(list)
    for i, entry in enumerate(entries):
        if entry.status == "published":
            for key in {f"类{entry.category[:4]}", *entry.keywords}:
                groups[key].append(i)
    seen: set[tuple[int, int]] = set()
    asked = [plain(e.question) for e in entries]
    for members in groups.values():
        rows = np.array(members)
        for start in range(0, len(rows), 1000):
            alike = vectors[rows[start : start + 1000]] @ vectors[rows].T
            for k, m in zip(*np.nonzero(alike >= SAME_SUBJECT), strict=True):
                i, j = int(rows[start + k]), int(rows[m])
                if i < j and (i, j) not in seen:
                    seen.add((i, j))
                    same = asked[i] == asked[j] or not contrast(entries[i].question, entries[j].question)
                    if same and overlap(entries[i], entries[j]):
                        yield i, j


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
