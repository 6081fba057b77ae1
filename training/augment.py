"""Synthetic tickets grown from the written examples by a seeded augmenter; for measuring scale, never for accuracy."""

from __future__ import annotations

import csv
import datetime
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.catalog import Catalog

_NUMERALS = "一二三四五"
_BEFORE = ("喂你好", "哎你好我反映个事", "是12345吗", "嗯那个", "我想问一下", "你好同志", "就是说", "我跟你说啊", "")
_AFTER = (
    "麻烦你们管一下",
    "都好几天了",
    "打了几次电话没人管",
    "希望尽快处理",
    "谢谢",
    "你们到底管不管",
    "等着回话",
    "",
)
_WHEN = ("昨天", "今天早上", "上周开始", "这两天", "从前天晚上", "一个多月了", "刚才", "国庆以后", "")
_SWAPS = {
    "不": "部",
    "在": "再",
    "做": "作",
    "的": "得",
    "他": "她",
    "那": "哪",
    "是": "事",
    "有": "又",
    "没": "煤",
    "修": "休",
}


def level_columns(catalog: Catalog) -> list[str]:
    """Return the columns of the category, one a level of the catalogue."""
    return [f"{n}级分类" for n in _NUMERALS[: max(len(catalog.path(leaf)) for leaf in catalog.leaves)]]


def columns(catalog: Catalog) -> list[str]:
    """Return the columns of a synthetic ticket."""
    levels = level_columns(catalog)
    return ["工单号", "受理时间", "来电号码", "诉求内容", *levels, "承办单位", "最终承办单位", "办理结果", "来源"]


def grow(
    catalog: Catalog, examples: Path, rows: int, *, seed: int = 0, noise: float = 0.03, leaves: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """Yield `rows` tickets over six months, oldest first; only of `leaves` where some are given.

    A tenth of the examples is kept for the last month, so that its wording is new. `noise` is the share of
    tickets whose label is moved to another leaf; a twelfth was first sent to a wrong unit.
    """
    rng = np.random.default_rng(seed)
    with examples.open(encoding="utf-8-sig", newline="") as file:
        wanted = set(leaves or catalog.leaves)
        source = [(r["text"], r["code"]) for r in csv.DictReader(file) if r["code"] in wanted]
    late = rng.random(len(source)) < 0.1
    pools = (
        [s for s, x in zip(source, late, strict=True) if not x],
        [s for s, x in zip(source, late, strict=True) if x],
    )
    by_leaf: dict[str, list[str]] = defaultdict(list)
    for text, code in pools[0]:
        by_leaf[code].append(text)
    streets = [p.name for p in catalog.places if len(p.name) > 2]
    labels, units = leaves or catalog.leaves, [u.name for u in catalog.units.values()]
    start, names_of_columns = datetime.datetime(2026, 1, 1), columns(catalog)
    for n in range(rows):
        when = start + datetime.timedelta(seconds=int(n / rows * 181 * 86_400))
        pool = pools[when.month == 6] or pools[0]
        text, code = pool[rng.integers(len(pool))]
        if rng.random() < 0.3 and when.month < 6:
            text += ",还有就是" + by_leaf[code][rng.integers(len(by_leaf[code]))]
        said = _spoken(text, streets, rng)
        label = labels[int(rng.integers(len(labels)))] if rng.random() < noise else code
        lead = next((d.function for d in catalog.duties[code] if d.role == "lead"), "")
        unit = catalog.function_unit(lead, None, None) if lead else None
        final = unit.name if unit else lead
        first = units[rng.integers(len(units))] if rng.random() < 1 / 12 else final
        names = [node.name for node in catalog.path(label)]
        yield dict(
            zip(
                names_of_columns,
                (
                    f"S{n:07d}", f"{when:%Y-%m-%d %H:%M:%S}", f"139{int(rng.integers(10**8)):08d}", said, *names,
                    first, final, "已办理" if rng.random() < 0.9 else "已答复", "合成",
                ),
                strict=True,
            )
        )  # fmt: skip


def slips(text: str, rng: np.random.Generator, share: float = 0.3) -> str:
    """Return `text` as a recogniser may write it: no punctuation, `share` of the easily mistaken characters wrong."""
    bare = "".join(ch for ch in text if ch not in ",。、;:!?，；：！？ ")
    return "".join(_SWAPS[ch] if ch in _SWAPS and rng.random() < share else ch for ch in bare)


def with_fillers(text: str, rng: np.random.Generator) -> str:
    """Return `text` between words of greeting and of waiting, which say nothing of what it is about."""
    parts = (options[int(rng.integers(len(options)))] for options in (_BEFORE, _WHEN, (text,), _AFTER))
    return ",".join(p for p in parts if p)


def _spoken(text: str, streets: list[str], rng: np.random.Generator) -> str:
    def one(options: tuple[str, ...]) -> str:
        return options[rng.integers(len(options))]

    street = streets[rng.integers(len(streets))]
    parts = [one(_BEFORE), f"我在{street}这边" if rng.random() < 0.7 else "", one(_WHEN), text, one(_AFTER)]
    out = ",".join(p for p in parts if p)
    if rng.random() < 0.4:
        out = out.replace(",", "").replace("。", "")
    return "".join(_SWAPS[ch] if ch in _SWAPS and rng.random() < 0.08 else ch for ch in out)


def write_grown(catalog: Catalog, examples: Path, rows: int, out: Path, *, seed: int = 0) -> None:
    """Write `rows` synthetic tickets to a CSV file."""
    temporary = out.with_name(f".{out.name}.tmp")
    with temporary.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns(catalog))
        writer.writeheader()
        writer.writerows(grow(catalog, examples, rows, seed=seed))
    temporary.replace(out)
