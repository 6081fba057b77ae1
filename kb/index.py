"""Hybrid retrieval over entries: question, aliases and answer as vectors and as BM25, fused; entries come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
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
WASTE = 1000
"""Removed entries that the index always has room for."""


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
    whole. `upsert` and `delete` take effect at the next search and may run, one at a time, while other threads
    search: these wait only while an entry changes places, not while it is embedded. `make` makes the vector engine.
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
        self._ranker = Ranker(self._cache or embedder, fusion, make)
        self._slots: dict[str, int] = {}
        self._by_slot: dict[int, KnowledgeEntry] = {}
        self._guard = threading.Lock()
        self.upsert(entries)

    def __len__(self) -> int:
        """Number of entries that are searched."""
        return len(self._slots)

    @property
    def entries(self) -> tuple[KnowledgeEntry, ...]:
        """The entries that are searched, in the order they came."""
        return tuple(self._by_slot[slot] for slot in sorted(self._by_slot))

    def get(self, entry_id: str) -> KnowledgeEntry | None:
        """Return an entry that is searched."""
        slot = self._slots.get(entry_id)
        return None if slot is None else self._by_slot[slot]

    @property
    def lost(self) -> bool:
        """Whether the vector engine's server was gone at a search: make the index anew."""
        return self._ranker.lost

    @property
    def wasted(self) -> int:
        """Number of places that removed entries still take."""
        return self._ranker.slots - len(self)

    def upsert(self, entries: Iterable[KnowledgeEntry]) -> None:
        """Make `entries` findable in their present form."""
        new = list({e.id: e for e in entries}.values())
        for start in range(0, len(new), BATCH):
            batch = new[start : start + BATCH]
            prepared = self._ranker.prepare([searchable(e) for e in batch])
            with self._guard:
                self._forget([e.id for e in batch])
                for slot, entry in zip(self._ranker.add(prepared), batch, strict=True):
                    self._slots[entry.id] = int(slot)
                    self._by_slot[int(slot)] = entry
            if self._cache:
                self._cache.save()
        self._tidy()

    def delete(self, ids: Iterable[str]) -> None:
        """Stop finding the entries of `ids`; unknown ids are passed over."""
        with self._guard:
            self._forget(ids)
        self._tidy()

    def _forget(self, ids: Iterable[str]) -> None:
        gone = [self._slots.pop(i) for i in ids if i in self._slots]
        if gone:
            self._ranker.remove(gone)
        for slot in gone:
            del self._by_slot[slot]

    def _tidy(self) -> None:
        """Make the index anew, beside the running one, when most of it is what was removed."""
        if self.wasted <= max(len(self), WASTE):
            return
        old = self._ranker
        ranker, renamed = old.compacted()
        with self._guard:
            self._ranker = ranker
            self._slots = {i: int(renamed[s]) for i, s in self._slots.items()}
            self._by_slot = {int(renamed[s]): e for s, e in self._by_slot.items()}
            old.close()

    def question_vectors(self, ids: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Return the vectors of the questions of the entries `ids`, or of `entries`, shape (n, dimension)."""
        slots = sorted(self._by_slot) if ids is None else [self._slots[i] for i in ids]
        return self._ranker.first_questions(np.array(slots, np.int64))

    def close(self) -> None:
        """Release what the vector engine holds outside this process; the index is not searched afterwards."""
        with self._guard:
            self._ranker.close()

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Hit]:
        """Return the best entries for a query `text` with embedding `vector` (dimension,), the best first."""
        with self._guard:
            return [
                Hit(self._by_slot[r.slot], r.score, r.dense, r.question, r.lexical)
                for r in self._ranker.search(text, vector, top=top)
            ]

    def rarities(self, text: str) -> dict[int, float]:
        """Return how rare each character and pair of `text` is among the entries (IDF), by its code in `grams`."""
        with self._guard:
            return self._ranker.lexical.rarities(text)
