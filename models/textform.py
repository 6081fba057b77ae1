"""The form in which a trained head reads texts, learned from its training texts: what they lost, it ignores too."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.features import WordCutter

FILE = "form.json"
_GAP = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_CJK = re.compile(r"[\u3400-\u9fff]")
_SPACE = re.compile(r"(?<![A-Za-z0-9])\s+|\s+(?![A-Za-z0-9])")
_EXPECTED = 20
"""A word must be expected this often in texts of that length before its absence says anything."""
_RARE = 0.02
"""Share of its expected frequency below which a word counts as removed."""


@dataclass(frozen=True)
class TextForm:
    """How a prepared text is brought into the form of the training texts.

    `words` and `marks` were removed from the training texts (stop words, punctuation) and are removed here too;
    `numbers` says whether bare numbers were; `limit` is the number of characters that are embedded.
    """

    limit: int = 200
    words: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    numbers: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether nothing is removed but spaces."""
        return not (self.words or self.marks or self.numbers)

    def apply(self, text: str, cutter: WordCutter) -> str:
        """Return prepared `text` in the form of the training texts; `text` itself when nothing would be left."""
        if not self.is_plain:
            kept = [w for w in cutter.cut(text) if not self._is_lost(w)]
            bare = "".join(kept)
            text = bare if bare.strip() else text
        return _SPACE.sub("", text)

    def _is_lost(self, word: str) -> bool:
        return word in self.words or word in self.marks or (self.numbers and word.isdigit())

    def save(self, folder: Path) -> None:
        """Write `form.json` into `folder`."""
        record = {
            "limit": self.limit,
            "words": sorted(self.words),
            "marks": sorted(self.marks),
            "numbers": self.numbers,
        }
        (folder / FILE).write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> TextForm:
        """Read what `save` wrote."""
        r = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return cls(r["limit"], frozenset(r["words"]), frozenset(r["marks"]), r["numbers"])


def is_segmented(texts: Sequence[str]) -> bool:
    """Whether raw `texts` are words joined by spaces: more than one gap in eight between Chinese characters."""
    gaps = sum(len(_GAP.findall(t)) for t in texts)
    return gaps > 0.12 * max(1, sum(len(_CJK.findall(t)) for t in texts))


def learn_form(texts: Sequence[str], *, limit: int = 200) -> TextForm:
    """Return the form of raw training `texts`; natural texts give the plain form.

    A word of jieba's dictionary is lost when Chinese texts of this size would hold it at least 20 times and
    these texts hold it less than a fiftieth as often; punctuation and bare numbers likewise.
    """
    if not is_segmented(texts):
        return TextForm(limit)
    import jieba

    words = Counter(w for t in texts for w in t.split())
    total = words.total()
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    scale = total / max(1, tokenizer.total)
    lost = frozenset(
        w
        for w, n in tokenizer.FREQ.items()
        if n * scale >= _EXPECTED and len(w) <= 4 and words[w] < _RARE * n * scale and _CJK.search(w)
    )
    characters = Counter(ch for t in texts for ch in unicodedata.normalize("NFKC", t))
    size = characters.total()
    marks = frozenset(m for m in ",。、;:!?.\"'“”‘’()《》【】~-…—·/" if characters[m] < 0.001 * size)
    return TextForm(limit, lost, marks, sum(n for w, n in words.items() if w.isdigit()) < 0.001 * total)
