"""Hybrid retrieval over entries: question, aliases and answer as vectors and as BM25, fused; entries come and go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.fusion import Fusion
from kb.ranking import Ranker, Searchable
from models.embedder import Embedder, Kind


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

    `upsert` and `delete` take effect at the next search. Not to be changed while another thread searches.
    """

    def __init__(
        self,
        entries: Iterable[KnowledgeEntry],
        embedder: Embedder,
        cache: Path | None = None,
        fusion: Fusion | None = None,
    ) -> None:
        self._vectors = RememberingEmbedder(embedder, cache)
        self._ranker = Ranker(self._vectors, fusion)
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
        for slot, entry in zip(self._ranker.add([searchable(e) for e in new]), new, strict=True):
            self._slots[entry.id] = int(slot)
            self._by_slot[int(slot)] = entry
        self._vectors.save()

    def delete(self, ids: Iterable[str]) -> None:
        """Stop finding the entries of `ids`; unknown ids are passed over."""
        gone = [self._slots.pop(i) for i in ids if i in self._slots]
        if gone:
            self._ranker.remove(gone)
        for slot in gone:
            del self._by_slot[slot]

    def question_vectors(self) -> NDArray[np.float32]:
        """Return the vectors of the entries' questions, of shape (n_entries, dimension), in the order of `entries`."""
        return self._vectors.encode([e.question for e in self.entries], kind="query")

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Hit]:
        """Return the best entries for a query `text` with embedding `vector` (dimension,), the best first."""
        most = self._ranker.lexical.most(text)
        return [
            Hit(self._by_slot[r.slot], r.score, r.dense, r.question, r.lexical / most if most > 0 else 0.0)
            for r in self._ranker.search(text, vector, top=top)
        ]


class RememberingEmbedder:
    """An embedder that never embeds the same text twice; with a file, not even after a restart.

    The file holds a hash of each text, not the text; one that cannot be read is made anew.
    """

    def __init__(self, embedder: Embedder, file: Path | None = None) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimension = embedder.dimension
        self._file = file
        self._known = self._load()
        self._saved = len(self._known)

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension)."""
        keys = [hashlib.sha256(f"{self.name}\0{kind}\0{t}".encode("utf-8", "replace")).hexdigest() for t in texts]
        todo = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._known}
        if todo:
            made = self._embedder.encode(list(todo.values()), kind=kind, batch_size=batch_size)
            self._known.update(zip(todo, made, strict=True))
        return np.stack([self._known[k] for k in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def save(self) -> None:
        """Write what is known, when it is more than the file holds."""
        if self._file is None or len(self._known) == self._saved:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_name(f".{self._file.name}.tmp.npz")
        np.savez(temporary, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        temporary.replace(self._file)
        self._saved = len(self._known)

    def _load(self) -> dict[str, NDArray[np.float32]]:
        if self._file is None or not self._file.is_file():
            return {}
        try:
            with np.load(self._file, allow_pickle=False) as stored:
                return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        except (OSError, ValueError, KeyError):
            return {}
