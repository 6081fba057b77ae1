"""Lexical features of a text: character n-grams and jieba words, weighted by TF-IDF; one text in microseconds."""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import jieba
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

jieba.setLogLevel(60)


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
        self._last: tuple[str, list[str]] = ("", [])

    def cut(self, text: str) -> list[str]:
        """Return the words of `text`, in order; joined again they give `text`."""
        if not self._ready:
            self._tokenizer.initialize()
            for word in self.words:
                self._tokenizer.add_word(word, freq=20000)
            self._ready = True
        last = self._last
        if last[0] != text:  # the heads that share a cutter ask for the same text one after another
            last = self._last = (text, self._tokenizer.lcut(text))
        return last[1]


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
        grams = [text[i : i + n] for n in range(1, self.longest + 1) for i in range(len(text) - n + 1)]
        if self.cutter is not None:
            grams += ["w:" + w for w in self.cutter.cut(text) if len(w) > 1]
        return grams

    def fit(self, texts: Sequence[str]) -> NgramVectorizer:
        """Learn vocabulary and IDF from `texts`."""
        document_frequency: Counter[str] = Counter()
        for text in texts:
            document_frequency.update(set(self.terms(text)))
        kept = sorted(t for t, n in document_frequency.items() if n >= self.min_df or len(t) == 1)
        self.vocabulary_ = {t: i for i, t in enumerate(kept)}
        total = len(texts)
        idf = [math.log((1 + total) / (1 + document_frequency[t])) + 1 for t in kept]
        self.idf_ = np.asarray(idf, np.float32)
        return self

    def transform_one(self, text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return (term indices, weights) of `text`; the weights have norm 1, or are empty."""
        counts = Counter(map(self.vocabulary_.get, self.terms(text)))
        counts.pop(None, None)
        indices = np.fromiter(counts, np.int32, len(counts))
        weights = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.idf_[indices]
        norm = float(np.linalg.norm(weights))
        return indices, (weights / norm if norm else weights).astype(np.float32)

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Return the weights of `texts`, sparse, of shape (n_texts, n_terms)."""
        rows = [self.transform_one(t) for t in texts]
        indptr = np.concatenate([[0], np.cumsum([len(i) for i, _ in rows])])
        indices = np.concatenate([i for i, _ in rows]) if rows else np.zeros(0, np.int32)
        data = np.concatenate([w for _, w in rows]) if rows else np.zeros(0, np.float32)
        return sp.csr_matrix((data, indices, indptr), shape=(len(rows), len(self.vocabulary_)), dtype=np.float32)
