"""What the command line works with: the store of this installation, its catalogue and index, opened when needed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from functools import cached_property

from kb.answering import Answerer
from kb.entry import KnowledgeEntry
from kb.fusion import FILE, Fusion
from kb.importing import Known
from kb.index import HybridIndex
from kb.likeness import NEAR, contrast
from kb.relations import Relation, find_relations
from kb.store import EntryStore, open_store
from models.catalog import load_catalog
from models.embedder import Embedder, load_embedder
from models.locations import bundle_dir, catalog_dir, data_dir, database_url, home_dir
from models.text import normalise


class Desk:
    """Opens each part once, at its first use."""

    @cached_property
    def store(self) -> EntryStore:
        """The store, in the database that is set or SQLite in home, with the shipped entries when it is new."""
        home_dir().mkdir(parents=True, exist_ok=True)
        return open_store(database_url(), data_dir() / "kb" / "entries.csv")

    @cached_property
    def known(self) -> Known:
        """What the catalogue knows."""
        return Known.of(load_catalog(catalog_dir()))

    @cached_property
    def embedder(self) -> Embedder:
        """The encoder of the bundle."""
        return load_embedder(bundle_dir() / "encoder", threads=2)

    @cached_property
    def working(self) -> HybridIndex:
        """The index over all working copies that are not retired."""
        return self._index([e for e in self.store.entries() if e.status != "retired"])

    @cached_property
    def published(self) -> HybridIndex:
        """The index over the live entries."""
        return self._index(self.store.entries(status="published"))

    def near(self, question: str) -> Sequence[tuple[KnowledgeEntry, float]]:
        """Return the entries that `question` nearly repeats, the nearest first."""
        return near_in(self.working, self.embedder, question)

    def relations(self, today: datetime.date) -> dict[str, tuple[Relation, ...]]:
        """Return the conflicting and superseding live entries that are not over."""
        index = self.published
        found = find_relations(index.entries, index.question_vectors())
        over = {e.id for e in index.entries if e.effective_to and e.effective_to < today}
        return {i: tuple(r for r in related if r.entry.id not in over) for i, related in found.items() if i not in over}

    def answerer(self) -> Answerer:
        """Return the answerer over the live entries."""
        calibration = json.loads((bundle_dir() / "answering.json").read_text(encoding="utf-8"))
        return Answerer(self.published, calibration)

    def _index(self, entries: Sequence[KnowledgeEntry]) -> HybridIndex:
        fusion = Fusion.load(bundle_dir() / FILE)  # ranked as in the service
        return HybridIndex(entries, self.embedder, home_dir() / "index" / "entries.vectors", fusion)


def near_in(index: HybridIndex, embedder: Embedder, question: str) -> Sequence[tuple[KnowledgeEntry, float]]:
    """Return the entries of `index` that `question` nearly repeats, with their likeness, the nearest first."""
    text = normalise(question)
    hits = index.search(text, embedder.encode([text], kind="query")[0], top=10)
    hits = [h for h in hits if h.dense >= NEAR and not contrast(question, h.entry.question)]
    return [(h.entry, h.dense) for h in sorted(hits, key=lambda h: -h.dense)]
