"""How well a new collection is searched: TF-IDF, BM25, the encoder and the product, side by side."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from kb.fusion import Fusion
from kb.ranking import Ranker, Searchable
from models.embedder import Embedder
from training.tickets import prepare

TOP = 10
SYSTEMS = ("tfidf", "bm25", "dense", "yousu")
_LONGEST_CELL = 10_000_000


@dataclass(frozen=True)
class Collection:
    """`texts` are what can be found, without repetition; `right[i]` is the place in it of the answer to question i."""

    texts: tuple[str, ...]
    questions: tuple[str, ...]
    right: NDArray[np.int64]
    left_out: int
    """Rows without a question, or whose answer or document is blank or missing."""


def read_answers(file: Path, question: str, answer: str) -> Collection:
    """Return the collection of every distinct answer of `file`, and its questions.

    Raises ValueError that names the file and the column, and what columns there are.
    """
    rows = _rows(file, (question, answer))
    answers = tuple(dict.fromkeys(r[answer] for r in rows if r[answer]))
    return _collect(answers, ((r[question], r[answer]) for r in rows))


def read_documents(file: Path, question: str, identifier: str, documents: Path) -> Collection:
    """Return the collection of the texts of `documents` (columns docid, text); `identifier` names the right docid."""
    texts = {r["docid"]: r["text"] for r in _rows(documents, ("docid", "text")) if r["text"]}
    rows = _rows(file, (question, identifier))
    collection = _collect(
        tuple(dict.fromkeys(texts.values())), ((r[question], texts.get(r[identifier], "")) for r in rows)
    )
    if not len(collection.right):
        raise ValueError(f"{file}:列 {identifier} 的编号没有一个出现在 {documents} 的 docid 里")
    return collection


def measure(collection: Collection, embedder: Embedder, fusion: Fusion) -> dict[str, dict[str, float]]:
    """Return r1, r5 and mrr10 by the name of the system; nothing is fitted on the questions of the collection.

    `tfidf` and `dense` score a text by its best passage, `bm25` reads it whole; `yousu` is what the product does.
    """
    questions = [prepare(q) for q in collection.questions]
    ranker = Ranker(embedder, fusion)
    ranker.add([Searchable(t) for t in collection.texts])
    vectors = embedder.encode(questions, kind="query")
    found: dict[str, list[Sequence[int]]] = {name: [] for name in SYSTEMS}
    tfidf = _Tfidf(collection.texts)
    for text, vector in zip(questions, vectors, strict=True):
        found["tfidf"].append(_first(tfidf.scores(text)))
        found["bm25"].append(_first(ranker.lexical.scores(text)))
        found["dense"].append(_first(ranker.cosines(vector)))
        found["yousu"].append([r.slot for r in ranker.search(text, vector, top=TOP)])
    return {name: figures(rows, collection.right) for name, rows in found.items()}


def figures(found: Sequence[Sequence[int]], right: NDArray[np.int64]) -> dict[str, float]:
    """Return r1, r5 and mrr10 of ranked lists against the one right place of each."""
    ranks = np.array(
        [rows.index(r) + 1 if r in (rows := list(f)) else np.inf for f, r in zip(found, right, strict=True)]
    )
    return {
        "r1": round(float((ranks == 1).mean()), 4),
        "r5": round(float((ranks <= 5).mean()), 4),
        "mrr10": round(float(np.where(ranks <= TOP, 1 / ranks, 0).mean()), 4),
    }


class _Tfidf:
    """The usual baseline: cosine of sublinear TF-IDF over characters and their pairs, best passage of each text."""

    def __init__(self, texts: Sequence[str]) -> None:
        parts = [Searchable(t).parts for t in texts]
        self._starts = np.cumsum([0, *(len(p) for p in parts)])[:-1]
        self._vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
        self._matrix = self._vectorizer.fit_transform([p for ps in parts for p in ps]).tocsr()

    def scores(self, text: str) -> NDArray[np.float64]:
        cosines = (self._matrix @ self._vectorizer.transform([text]).T).toarray().ravel()
        return np.maximum.reduceat(cosines, self._starts)


def _first(scores: NDArray) -> list[int]:
    return np.argsort(-scores, kind="stable")[:TOP].tolist()


def _collect(texts: tuple[str, ...], pairs: Iterable[tuple[str, str]]) -> Collection:
    place = {t: i for i, t in enumerate(texts)}
    listed = list(pairs)
    kept = [(q, place[t]) for q, t in listed if q and t in place]
    right = np.array([i for _, i in kept], np.int64)
    return Collection(texts, tuple(q for q, _ in kept), right, len(listed) - len(kept))


def _rows(file: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    if not file.is_file():
        raise ValueError(f"{file}:没有这个文件")
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = list(reader.fieldnames or ())
            missing = [c for c in columns if c not in header]
            if missing:
                raise ValueError(f"{file}:缺少列 {'、'.join(missing)};现有列:{'、'.join(header) or '无'}")
            rows = [{c: (r[c] or "").strip() for c in columns} for r in reader]
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}:不是 UTF-8 编码的 CSV({error})") from error
    if not rows:
        raise ValueError(f"{file}:没有数据行")
    return rows
