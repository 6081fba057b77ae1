"""Lexical features of a text: character n-grams and jieba words, weighted by TF-IDF; one text in microseconds."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import jieba
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import scipy.sparse as sp

jieba.setLogLevel(60)
_REMEMBERED = 32
"""Texts whose words are remembered."""
Counted = tuple[tuple[str, ...], NDArray[np.float32]]
"""Different terms, and how often each comes, shape (n_terms,)."""


class WordCutter:
    """jieba with a domain dictionary, so that 人民路路灯 is cut as 人民路 / 路灯.

    `words` are the terms of the domain (place names, names of duties); `cache_dir` is where jieba keeps its
    compiled general dictionary.
    """

    def __init__(self, words: Iterable[str] = (), cache_dir: Path | None = None) -> None:
        self.words = tuple(dict.fromkeys(w for w in words if len(w) > 1))
        self._tokenizer = jieba.Tokenizer()
        self._tokenizer.tmp_dir = str(cache_dir or tempfile.gettempdir())
        self._ready = False
        # heads that share a cutter ask for the same few texts, a call and its clauses, one after another
        self._cut = lru_cache(_REMEMBERED)(self._tokenizer.lcut)
        self._counted: dict[tuple[str, int], Counted] = {}

    def cut(self, text: str) -> list[str]:
        """Return the words of `text`, in order; joined again they give `text`."""
        if not self._ready:
            self._tokenizer.initialize()
            for word in self.words:
                self._tokenizer.add_word(word, freq=20000)
            self._ready = True
        return self._cut(text)

    def counted(self, text: str, longest: int) -> Counted:
        """Return the different terms of `text`, n-grams up to `longest` and words, and how often each comes."""
        known = self._counted.get((text, longest))
        if known is None:
            known = _counted(_terms(text, longest, self))
            latest = [*self._counted.items(), ((text, longest), known)][-_REMEMBERED:]
            self._counted = dict(latest)  # in one step, for other threads
        return known


def _terms(text: str, longest: int, cutter: WordCutter | None) -> list[str]:
    grams = [text[i : i + n] for n in range(1, longest + 1) for i in range(len(text) - n + 1)]
    if cutter is not None:
        grams += ["w:" + w for w in cutter.cut(text) if len(w) > 1]
    return grams


def _counted(terms: Iterable[str]) -> Counted:
    counts = Counter(terms)
    return tuple(counts), np.fromiter(counts.values(), np.float32, len(counts))


class NgramVectorizer:
    """Character 1- to `longest`-grams and words of two characters or more, sublinear TF, smoothed IDF, L2 norm.

    Parameters
    ----------
    cutter : WordCutter or None
        Word features are left out when None.
    longest : int
        Longest character n-gram.
    min_df : int
        An n-gram of two characters or more, or a word, must occur in at least this many texts.
    """

    def __init__(self, cutter: WordCutter | None = None, *, longest: int = 3, min_df: int = 2) -> None:
        self.cutter = cutter
        self.longest = longest
        self.min_df = min_df
        self.vocabulary_: dict[str, int] = {}
        self.idf_: NDArray[np.float32] = np.zeros(0, np.float32)

    def terms(self, text: str) -> list[str]:
        """Return the terms of `text`; words carry the prefix `w:`."""
        return _terms(text, self.longest, self.cutter)

    def fit(self, texts: Sequence[str]) -> NgramVectorizer:
        """Learn vocabulary and IDF from `texts`."""
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Learn vocabulary and IDF from `texts` and return their weights as `transform` does; each is cut once."""
        places: dict[str, int] = {}
        rows: list[NDArray[np.int32]] = []
        times: list[NDArray[np.float32]] = []
        for text in texts:
            counts = Counter(self.terms(text))
            rows.append(np.fromiter((places.setdefault(t, len(places)) for t in counts), np.int32, len(counts)))
            times.append(np.fromiter(counts.values(), np.float32, len(counts)))
        lengths = np.array([len(r) for r in rows], np.int64)
        indices = np.concatenate([*rows, np.zeros(0, np.int32)])
        document_frequency = np.bincount(indices, minlength=len(places))
        kept = sorted(t for t, i in places.items() if document_frequency[i] >= self.min_df or len(t) == 1)
        self.vocabulary_ = {t: i for i, t in enumerate(kept)}
        total = len(texts)
        idf = [math.log((1 + total) / (1 + document_frequency[places[t]])) + 1 for t in kept]
        self.idf_ = np.asarray(idf, np.float32)
        column = np.full(len(places), -1, np.int32)
        column[[places[t] for t in kept]] = np.arange(len(kept))
        return self._weighted(column[indices], np.concatenate([*times, np.zeros(0, np.float32)]), lengths)

    def _weighted(
        self, columns: NDArray[np.int32], times: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> sp.csr_matrix:
        """Weights of rows whose terms lie one after another; a column of -1 is a term outside the vocabulary."""
        import scipy.sparse as sp

        row = np.repeat(np.arange(len(lengths)), lengths)
        known = columns >= 0
        row, columns = row[known], columns[known]
        data = (1 + np.log(times[known])) * self.idf_[columns]
        norms = np.sqrt(np.bincount(row, data.astype(np.float64) ** 2, len(lengths)))
        data /= np.maximum(norms, 1e-30)[row].astype(np.float32)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(lengths)))])
        return sp.csr_matrix((data, columns, indptr), shape=(len(lengths), len(self.vocabulary_)), dtype=np.float32)

    def transform_one(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return (term indices, weights) of `text`; the weights have norm 1, or are empty."""
        if self.cutter is None:
            terms, times = _counted(self.terms(text))
        else:
            terms, times = self.cutter.counted(text, self.longest)
        places = np.fromiter(map(self.vocabulary_.get, terms, repeat(-1)), np.int32, len(terms))
        known = places >= 0
        indices = places[known]
        weights = (1 + np.log(times[known])) * self.idf_[indices]
        norm = float(np.linalg.norm(weights))
        return indices, (weights / norm if norm else weights).astype(np.float32)

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Return the weights of `texts`, sparse, of shape (n_texts, n_terms)."""
        import scipy.sparse as sp

        rows = [self.transform_one(t) for t in texts]
        indptr = np.concatenate([[0], np.cumsum([len(i) for i, _ in rows])])
        indices = np.concatenate([i for i, _ in rows]) if rows else np.zeros(0, np.int32)
        data = np.concatenate([w for _, w in rows]) if rows else np.zeros(0, np.float32)
        return sp.csr_matrix((data, indices, indptr), shape=(len(rows), len(self.vocabulary_)), dtype=np.float32)
