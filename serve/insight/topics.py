"""Hot topics: clusters of like tickets of a week with a name, growth since the week before, districts and samples."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from serve.insight.cases import Case

LIKENESS = 0.89
"""Cosine at which clusters are cut (average linkage, within one level-4 node of the classification). On the written
examples, 240 leaves at once, pairs in one cluster share the leaf in 88 % and 81 % of the pairs of a leaf are found;
without the node, 57 % and 47 % (tests/serve/test_insight_topics.py measures a smaller mix)."""
SUBJECT_DIGITS = 8
"""Digits of the code that tickets of one topic share: level 4 of 5."""
MOST_AT_ONCE = 2_000
"""Tickets of one node that are clustered together; more are taken in order of time, each block on its own."""
LEAST = 3
"""Tickets that make a topic."""
_STOP = (
    "我们 你们 他们 这个 那个 一直 没有 现在 已经 怎么 什么 希望 反映 诉求 来电 市民 小区 问题 可以 还是 今天 "
    "昨天 几天 几次 都是 就是 不是"
)
"""Words that say nothing about a topic."""


@dataclass(frozen=True)
class Topic:
    """A cluster; `members` index the tickets it was made from, the nearest to its middle first."""

    name: str
    code: str
    count: int
    before: int
    districts: tuple[tuple[str, int], ...]
    callers: int
    """Different known callers; 0 when none is known."""
    samples: tuple[Case, ...]
    members: tuple[int, ...]

    @property
    def growth(self) -> float | None:
        """Relative growth since the period before; None when there was nothing then."""
        return self.count / self.before - 1 if self.before else None


def clusters(cases: Sequence[Case], vectors: NDArray[np.float32], likeness: float = LIKENESS) -> list[list[int]]:
    """Return groups of indices of like tickets; `vectors` are unit vectors of shape (n_cases, dimension)."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    by_subject: dict[str, list[int]] = defaultdict(list)
    for i, case in enumerate(cases):
        by_subject[case.code[:SUBJECT_DIGITS]].append(i)
    found: list[list[int]] = []
    for members in by_subject.values():
        for start in range(0, len(members), MOST_AT_ONCE):
            block = members[start : start + MOST_AT_ONCE]
            if len(block) == 1:
                found.append(block)
                continue
            distance = np.clip(1 - vectors[block] @ vectors[block].T, 0, 2)
            labels = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - likeness, "distance")
            groups: dict[int, list[int]] = defaultdict(list)
            for i, label in zip(block, labels, strict=True):
                groups[int(label)].append(i)
            found += groups.values()
    return found


def hot_topics(
    cases: Sequence[Case], vectors: NDArray[np.float32], earlier: Sequence[Case], earlier_vectors: NDArray[np.float32],
    catalog: Catalog, *, most: int = 20,
) -> list[Topic]:  # fmt: skip
    """Return the topics of `cases` by how many they gained over `earlier` (the period before), then by size.

    An earlier ticket counts for a topic when it has its level-4 node and lies within the likeness of its middle.
    """
    background = _document_counts(cases)
    topics = []
    for members in clusters(cases, vectors):
        if len(members) < LEAST:
            continue
        middle = vectors[members].mean(0)
        middle /= np.linalg.norm(middle)
        order = [members[i] for i in np.argsort(-(vectors[members] @ middle))]
        mine = [cases[i] for i in order]
        subject = mine[0].code[:SUBJECT_DIGITS]
        alike = [i for i, c in enumerate(earlier) if c.code[:SUBJECT_DIGITS] == subject]
        # a middle is nearer to its members than they are to one another, so the bar for joining it is the members' own
        bar = float(np.quantile(vectors[members] @ middle, 0.1))
        before = int((earlier_vectors[alike] @ middle >= bar).sum()) if alike else 0
        districts = Counter(c.district or "未注明" for c in mine)
        topics.append(
            Topic(
                name=_name(mine, background, len(cases), catalog),
                code=Counter(c.code for c in mine).most_common(1)[0][0],
                count=len(mine),
                before=before,
                districts=tuple(districts.most_common()),
                callers=len({c.caller for c in mine if c.caller}),
                samples=tuple(mine[:3]),
                members=tuple(order),
            )
        )
    return sorted(topics, key=lambda t: (-(t.count - t.before), -t.count, t.name))[:most]


def _words(text: str) -> set[str]:
    import jieba

    return {w for w in jieba.lcut(text) if len(w) > 1 and w not in _STOP.split() and not w.isascii()}


def _document_counts(cases: Sequence[Case]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for case in cases:
        counts.update(_words(case.text))
    return counts


def _name(mine: Sequence[Case], background: Counter[str], total: int, catalog: Catalog) -> str:
    """Return the leaf's name with the words that set the cluster apart from the other tickets."""
    code = Counter(c.code for c in mine).most_common(1)[0][0]
    leaf = catalog.nodes[code].name if code in catalog.nodes else ""
    inside = _document_counts(mine)

    def weight(word: str) -> float:
        share = inside[word] / len(mine)
        return share * float(np.log((total + 1) / background[word]))

    often = [w for w in inside if inside[w] >= max(2, len(mine) / 4) and w not in leaf]
    words = sorted(often, key=lambda w: (-weight(w), w))[:3]
    return f"{leaf}({'、'.join(words)})" if leaf and words else leaf or "、".join(words) or "未分类"
