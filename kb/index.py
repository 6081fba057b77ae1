"""Hybrid retrieval over entries: question, aliases and answer as vectors and as BM25, fused; entries come and go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.fusion import Fusion
from kb.ranking import Ranker, Searchable
from kb.vector_cache import RememberingEmbedder
from kb.vectors import GrowingIndex, Make
from models.embedder import Embedder

BATCH = 4096
"""Entries that are embedded and indexed together."""


@dataclass(frozen=True)
class Hit:
    """An entry found.

    `dense` is the best cosine of its texts, `question` that of its question and aliases, `lexical` its BM25 score
    as a share of the best any entry could have for the query; `score` fuses them and orders within one query.
    """

    entry: KnowledgeEntry
    score: float
    dense: float
    question: float
    lexical: float


def searchable(entry: KnowledgeEntry) -> Searchable:
    """Return what of an entry is searched: its question, aliases and answer."""
    return Searchable(entry.answer, (entry.question, *entry.aliases))


class HybridIndex:
    """Finds entries by question, aliases and answer; `cache` is a file that keeps the vectors between starts.

    It is derived from the entries it is given: a start after a crash makes it anew, from the cache where that is
    whole. `upsert` and `delete` take effect at the next search. Not to be changed while another thread searches.
    `make` makes the vector engine.
    """

    def __init__(
        self,
        entries: Iterable[KnowledgeEntry],
        embedder: Embedder,
        cache: Path | None = None,
        fusion: Fusion | None = None,
        make: Make = GrowingIndex,
    ) -> None:
        self._cache = RememberingEmbedder(embedder, cache) if cache else None
        self._embedder = self._cache or embedder
        self._ranker = Ranker(self._embedder, fusion, make)
        self._slots: dict[str, int] = {}
        self._by_slot: dict[int, KnowledgeEntry] = {}
        self.upsert(entries)

    def __len__(self) -> int:
        """Number of entries that are searched."""
        return len(self._slots)

    @property
    def entries(self) -> tuple[KnowledgeEntry, ...]:
        """The entries that are searched, in the order they came."""
        return tuple(self._by_slot[slot] for slot in sorted(self._by_slot))

    def upsert(self, entries: Iterable[KnowledgeEntry]) -> None:
        """Make `entries` findable in their present form."""
        new = list({e.id: e for e in entries}.values())
        if not new:
            return
        self.delete([e.id for e in new])
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            for slot, entry in zip(self._ranker.add([searchable(e) for e in batch]), batch, strict=True):
                self._slots[entry.id] = int(slot)
                self._by_slot[int(slot)] = entry
            if self._cache:
                self._cache.save()

    def delete(self, ids: Iterable[str]) -> None:
        """Stop finding the entries of `ids`; unknown ids are passed over."""
        gone = [self._slots.pop(i) for i in ids if i in self._slots]
        if gone:
            self._ranker.remove(gone)
        for slot in gone:
            del self._by_slot[slot]

    def question_vectors(self) -> NDArray[np.float32]:
        """Return the vectors of the entries' questions, of shape (n_entries, dimension), in the order of `entries`."""
        return self._embedder.encode([e.question for e in self.entries], kind="query")

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Hit]:
        """Return the best entries for a query `text` with embedding `vector` (dimension,), the best first."""
        return [
            Hit(self._by_slot[r.slot], r.score, r.dense, r.question, r.lexical)
            for r in self._ranker.search(text, vector, top=top)
        ]
