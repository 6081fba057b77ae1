"""Hybrid retrieval over entries: FAISS on questions, aliases and answers, character TF-IDF beside it, fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from kb.entry import KnowledgeEntry
from models.embedder import Embedder

DENSE_SHARE = 0.7
"""Weight of the embedding against the characters; the best measured for short entries with spoken questions."""


@dataclass(frozen=True)
class Hit:
    """An entry found; `dense` is a cosine, `lexical` a TF-IDF cosine, both of its best text; `score` fuses them."""

    entry: KnowledgeEntry
    score: float
    dense: float
    lexical: float


class HybridIndex:
    """Finds entries by question, aliases and answer; `cache` keeps the vectors between starts."""

    def __init__(self, entries: Sequence[KnowledgeEntry], embedder: Embedder, cache: Path | None = None) -> None:
        self.entries = tuple(entries)
        texts, owners, kinds = [], [], []
        for i, entry in enumerate(self.entries):
            for text in (entry.question, *entry.aliases):
                texts.append(text)
                owners.append(i)
                kinds.append("query")
            texts.append(f"{entry.question} {entry.answer}")
            owners.append(i)
            kinds.append("passage")
        self._owners = np.array(owners, np.int64)
        vectors = _vectors(texts, kinds, embedder, cache)
        self._index = faiss.IndexFlatIP(embedder.dimension)
        if len(vectors):
            self._index.add(vectors)
        self._tfidf = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
        self._lexical = self._tfidf.fit_transform(texts).tocsr() if texts else sp.csr_matrix((0, 0))

    def question_vectors(self) -> NDArray[np.float32]:
        """Return the vectors of the entries' questions, of shape (n_entries, dimension)."""
        firsts = np.unique(self._owners, return_index=True)[1]
        if not len(firsts):
            return np.zeros((0, self._index.d), np.float32)
        return self._index.reconstruct_n(0, self._index.ntotal)[firsts]

    def search(self, text: str, vector: NDArray[np.float32], *, top: int = 10) -> list[Hit]:
        """Return the best entries for a query `text` with embedding `vector` (dimension,), the best first."""
        if not self.entries:
            return []
        n = self._index.ntotal
        similar, rows = self._index.search(vector[None, :].astype(np.float32), n)
        dense = np.full(len(self.entries), -1.0)
        np.maximum.at(dense, self._owners[rows[0]], similar[0])
        lexical = np.zeros(len(self.entries))
        np.maximum.at(lexical, self._owners, (self._lexical @ self._tfidf.transform([text]).T).toarray().ravel())
        fused = DENSE_SHARE * _spread(dense) + (1 - DENSE_SHARE) * _spread(lexical)
        best = np.argsort(-fused)[:top]
        return [Hit(self.entries[i], float(fused[i]), float(dense[i]), float(lexical[i])) for i in best]


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _vectors(texts: list[str], kinds: list[str], embedder: Embedder, cache: Path | None) -> NDArray[np.float32]:
    known: dict[str, NDArray[np.float32]] = {}
    keys = [f"{embedder.name}\0{k}\0{t}" for k, t in zip(kinds, texts, strict=True)]
    if cache is not None and cache.is_file():
        stored = np.load(cache, allow_pickle=False)
        known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    for kind in ("query", "passage"):
        todo = [i for i, k in enumerate(kinds) if k == kind and keys[i] not in known]
        if todo:
            made = embedder.encode([texts[i] for i in todo], kind=kind)
            known.update({keys[i]: v for i, v in zip(todo, made, strict=True)})
    vectors = np.stack([known[k] for k in keys]) if keys else np.zeros((0, embedder.dimension), np.float32)
    if cache is not None and keys:
        cache.parent.mkdir(parents=True, exist_ok=True)
        temporary = cache.with_suffix(".tmp.npz")
        np.savez(temporary, keys=np.array(keys), vectors=vectors)
        temporary.replace(cache)
    return vectors.astype(np.float32)
