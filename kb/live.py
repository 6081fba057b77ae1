"""The published entries as they are answered from: index and relations that follow the store, change by change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kb.fusion import Fusion
from kb.index import HybridIndex
from kb.relations import Relation, Relations
from kb.store import EntryStore
from kb.vectors import GrowingIndex, Make
from models.embedder import Embedder


class LiveEntries:
    """Index and relations over what `store` publishes; `revision` is the last change they hold.

    Made anew at every start, from the vectors that `cache` remembers: whatever a crash left half done between store
    and index is whole again. `catch_up` runs in one thread at a time, while others search.
    """

    def __init__(
        self,
        store: EntryStore,
        embedder: Embedder,
        cache: Path | None = None,
        fusion: Fusion | None = None,
        make: Make = GrowingIndex,
    ) -> None:
        self._store = store
        self.revision = store.revision  # read before the entries: what changes meanwhile is taken in again, unharmed
        self.index = HybridIndex(store.entries(status="published"), embedder, cache, fusion, make)
        self._relations = Relations(self.index.question_vectors)
        self._relations.update(self.index.entries)

    @property
    def relations(self) -> Mapping[str, Sequence[Relation]]:
        """The conflicting and superseding entries by id; it follows every change."""
        return self._relations.told

    def catch_up(self) -> bool:
        """Take in what the store changed since; False when this cannot be done and all must be made anew.

        That is when the store has gone back (a backup was restored) or the vector engine has been lost. Nothing counts
        as taken in before all of it is: after an error the same changes come again.
        """
        if self.index.lost or self._store.revision < self.revision:
            return False
        changes = self._store.changes_since(self.revision)
        new = [c.entry for c in changes if c.entry is not None and c.entry != self.index.get(c.entry_id)]
        gone = [c.entry_id for c in changes if c.entry is None]
        self.index.delete(gone)
        self.index.upsert(new)
        self._relations.update(new, gone)
        if changes:
            self.revision = changes[-1].revision
        return True
