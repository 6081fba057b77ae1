"""Whether two entries answer the same thing: one written form, words that set questions apart, a threshold."""

from __future__ import annotations

import re

from kb.entry import KnowledgeEntry
from models.text import normalise

NEAR = 0.965
"""Cosine from which two questions are near duplicates: rewordings measured 0.975 and more, the nearest of the
shipped entries to one another 0.95 at the 95th percentile (those above differ by a contrast, below)."""

SAME_SUBJECT = 0.95
"""Cosine from which two questions of one category or keyword have the same subject."""

CONTRASTS: tuple[tuple[str, ...], ...] = (
    ("在职", "退休", "离休", "失业"),
    ("职工", "居民", "灵活就业", "新农合"),
    ("孩子", "小孩", "儿童", "未成年", "成人", "大人", "老人", "老年"),
    ("城市", "城镇", "农村"),
    ("结婚", "离婚", "复婚"),
    ("男", "女"),
    ("提取", "贷款", "缴存"),
    ("首套", "二套"),
    ("新办", "补办", "换", "注销", "变更", "过户"),
    ("个人", "单位", "企业"),
    ("本地", "外地", "本市", "异地", "省外"),
    ("新房", "二手房"),
    ("上班", "下班"),
    ("买", "卖", "租"),
    ("门诊", "住院"),
    ("小学", "初中", "高中", "幼儿园"),
    ("开通", "停止", "恢复"),
)
"""Groups of words of which one in a question and another in the next make them different questions."""

_FIGURE = re.compile(r"\d+")
_PUNCTUATION = re.compile(r"[^\w]+")


def plain(question: str) -> str:
    """Return a question without punctuation, spaces and case: equal forms are the same question."""
    return _PUNCTUATION.sub("", normalise(question)).lower()


def contrast(a: str, b: str) -> bool:
    """Whether two questions differ by a word of `CONTRASTS` or by a number (a year, a line, an age)."""
    figures_a, figures_b = set(_FIGURE.findall(a)), set(_FIGURE.findall(b))
    if not figures_a <= figures_b and not figures_b <= figures_a:
        return True
    for group in CONTRASTS:
        in_a, in_b = {w for w in group if w in a}, {w for w in group if w in b}
        if in_a and in_b and not in_a & in_b:
            return True
    return False


def same_numbers(a: str, b: str) -> bool:
    """Whether two questions name the same numbers (years, lines, ages)."""
    return set(_FIGURE.findall(a)) == set(_FIGURE.findall(b))


def overlap(a: KnowledgeEntry, b: KnowledgeEntry) -> bool:
    """Whether both could answer one call: the same place, and a day on which both are valid."""
    if a.region and b.region and a.region != b.region:
        return False
    starts = [e.effective_from for e in (a, b) if e.effective_from]
    ends = [e.effective_to for e in (a, b) if e.effective_to]
    return not starts or not ends or max(starts) <= min(ends)
