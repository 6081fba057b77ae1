"""Reading labelled examples: columns, row faults and preparation, the same for training and evaluation."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from models.masking import mask
from models.text import has_words, normalise, strip_fillers

REQUEST_TYPES = ("咨询", "求助", "投诉", "举报", "建议", "表扬", "撤单", "无效")
_COLUMNS = ("text", "code", "request_type", "author", "split")


@dataclass(frozen=True)
class Example:
    """A written example: prepared `text`, leaf `code` (may be empty), `request_type`, who wrote it and for what."""

    text: str
    code: str
    request_type: str
    author: str
    split: str
    district: str = ""
    lead: tuple[str, ...] = ()
    """Units that must act, where the file says."""
    co: tuple[str, ...] = ()


def prepare(text: str) -> str:
    """Return `text` as the models see it: normalised, personal data masked, greetings and fillers removed."""
    return strip_fillers(mask(normalise(text)))


def read_examples(path: Path, leaves: Iterable[str]) -> list[Example]:
    """Return the rows of a CSV of written examples; raises ValueError naming file, row and column of a fault."""
    known = set(leaves)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}: 缺少列 {'、'.join(missing)}")
        examples = []
        for row in reader:
            where = f"{path} 第{reader.line_num}行"
            if not has_words(row["text"]):
                raise ValueError(f"{where} text: 应有文字,实为 {row['text']!r}")
            if row["code"] and row["code"] not in known:
                raise ValueError(f"{where} code: 应为目录里的末级代码,实为 {row['code']}")
            if row["request_type"] not in REQUEST_TYPES:
                raise ValueError(f"{where} request_type: 应为 {'、'.join(REQUEST_TYPES)},实为 {row['request_type']}")
            lead, co = (tuple(v for v in (row.get(c) or "").split(";") if v) for c in ("lead", "co"))
            examples.append(
                Example(
                    prepare(row["text"]), row["code"], row["request_type"], row["author"], row["split"],
                    row.get("district") or "", lead, co,
                )
            )  # fmt: skip
    return examples
