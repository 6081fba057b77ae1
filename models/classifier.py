"""Complaint category and request type from words and embedding: calibrated over a tree, backed off, explained."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from models.calibration import level_sums, softmax
from models.compact import pack_weights, unpack_weights, write_arrays
from models.features import NgramVectorizer, WordCutter
from models.linear import drop_small, pruned_fit, solve_ridge
from models.taxonomy import Taxonomy

if TYPE_CHECKING:
    import scipy.sparse as sp

Floats = NDArray[np.float32]
_REMEMBERED = 8
"""Texts whose lexical scores are remembered."""
_ROWS_AT_ONCE = 4_000
"""Rows that are compared with the leaves' own texts at once."""


@dataclass(frozen=True)
class Category:
    """The category of a request.

    `path` and `names` go from level 1 to the leaf; `probabilities[i]` is that of level i + 1; `depth` is the
    deepest level (0 = none) whose probability passes that level's threshold.
    """

    code: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    depth: int
    words: tuple[str, ...] = ()
    """Stretches of the text that spoke for the leaf, strongest first."""
    alternatives: tuple[tuple[str, str, float], ...] = ()
    """Other leaves as (code, name, probability), most likely first."""

    @property
    def confidence(self) -> float:
        """Probability of the deepest safe level; of level 1 when none is safe."""
        return self.probabilities[max(self.depth, 1) - 1] if self.probabilities else 0.0


class CategoryClassifier:
    """A linear model over n-grams, words and the embedding, with every level of the tree as a target.

    A leaf's own text is one more training row, and where its weights start from, so that a leaf without examples
    can be predicted. Probabilities are a softmax over leaves, sharpened per level; a parent's is the sum of its
    children's.

    Parameters
    ----------
    lexical_weight : float in [0, 1]
        Share of the lexical kernel; the rest is the embedding's.
    penalty : float
        Ridge penalty.
    level_weight : float
        Weight of each level above the leaves as an extra target.
    text_weight : float
        Weight of a leaf's own text as a training row; 0 leaves it out.
    text_pull : float
        The weights of a leaf with n examples start from its own text times text_pull / (1 + n / 2); the fit
        learns what is missing.
    keep : int
        Lexical weights kept per term.
    risk : float
        Share of wrong answers tolerated at the depth that is reported; chooses among the fitted thresholds.
    balance : float in [0, 1]
        How far rare leaves count as much as frequent ones: a row weighs (rows of its leaf) ** -balance.
    dropped : float in [0, 1)
        Share of the squared lexical weights that is left out, the smallest weights first: half of all weights and
        more at a tenth. 0 keeps all.
    """

    def __init__(
        self,
        *,
        lexical_weight: float = 0.5,
        penalty: float = 0.2,
        level_weight: float = 0.4,
        text_weight: float = 1.0,
        text_pull: float = 3.0,
        keep: int = 32,
        risk: float = 0.1,
        longest: int = 3,
        balance: float = 0.0,
        dropped: float = 0.0,
        cutter: WordCutter | None = None,
    ) -> None:
        self.lexical_weight = lexical_weight
        self.penalty = penalty
        self.level_weight = level_weight
        self.text_weight = text_weight
        self.text_pull = text_pull
        self.keep = keep
        self.risk = risk
        self.longest = longest
        self.balance = balance
        self.dropped = dropped
        self.cutter = cutter
        self._known: dict[str, Floats] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, as scikit-learn's estimators do, so that its `clone` and searches work.

        None is an estimator of its own, so `deep` changes nothing. The base class is not used: importing it costs a
        start of the service more time than all of this module.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **parameters: Any) -> CategoryClassifier:
        """Set parameters by name and return the classifier; raises TypeError for a name there is not."""
        for name, value in parameters.items():
            if name not in inspect.signature(type(self)).parameters:
                raise TypeError(f"{name}: no parameter of {type(self).__name__}")
            setattr(self, name, value)
        return self

    def fit(
        self,
        texts: Sequence[str],
        y: Sequence[str],
        *,
        embeddings: Floats,
        taxonomy: Taxonomy,
        text_embeddings: Floats | None = None,
    ) -> CategoryClassifier:
        """Learn from prepared `texts` with leaf keys `y`.

        `embeddings` has shape (n_texts, dimension); `text_embeddings` (n_leaves, dimension) is needed when
        `taxonomy.texts` are used. Raises ValueError for a label outside the taxonomy.
        """
        unknown = sorted(set(y) - set(taxonomy.index))
        if unknown:
            raise ValueError(f"labels outside the taxonomy: {', '.join(unknown[:5])} ({len(unknown)} in all)")
        self.taxonomy_ = taxonomy
        self.classes_ = np.array(taxonomy.leaves)
        labels = np.array([taxonomy.index[c] for c in y])
        rows, vectors, weights = list(texts), [self._centre_fit(embeddings)], [self._row_weights(labels)]
        described = [i for i, t in enumerate(taxonomy.texts) if t]
        pull = self._text_pull(labels)
        if self.text_weight > 0 and described and text_embeddings is not None:
            rows += [taxonomy.texts[i] for i in described]
            about = text_embeddings[described]
            vectors.append(_unit(about - about.mean(0)))
            weights.append(np.full(len(described), self.text_weight, np.float32))
            labels = np.concatenate([labels, described])
        self.vectorizer_ = NgramVectorizer(self.cutter, longest=self.longest, min_df=_least_texts(len(rows)))
        terms, dense_rows, targets = self.vectorizer_.fit_transform(rows), np.vstack(vectors), self._targets(labels)
        at = np.array(described[: len(rows) - len(texts)], np.int64)
        self._leave_to_own(terms, dense_rows, targets, at, pull[at])
        shares = solve_ridge(
            terms,
            dense_rows,
            targets,
            lexical_weight=self.lexical_weight,
            penalty=self.penalty,
            row_weights=np.concatenate(weights),
        )
        shares[np.arange(len(texts), len(rows)), at] += pull[at]
        fitted = pruned_fit(terms, dense_rows, shares, lexical_weight=self.lexical_weight, keep=self.keep)
        self.weights_ = drop_small(fitted, self.dropped)
        self._known = {}
        self.temperature_ = 0.1
        self.exponents_ = np.ones(taxonomy.depth)
        self.thresholds_: dict[str, list[float]] = {str(self.risk): [0.5] * taxonomy.depth}
        return self

    def _leave_to_own(
        self, terms: sp.csr_matrix, dense: Floats, targets: Floats, at: NDArray[np.int64], pull: Floats
    ) -> None:
        """Take from `targets` what the own texts of the leaves `at`, the last rows, say of every row by themselves."""
        own_terms, own_dense = terms[terms.shape[0] - len(at) :], dense[len(dense) - len(at) :]
        for start in range(0, len(targets) if len(at) else 0, _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            said = self.lexical_weight * (terms[rows] @ own_terms.T).toarray()
            said += (1 - self.lexical_weight) * (dense[rows] @ own_dense.T)
            targets[rows][:, at] -= pull * said

    def _text_pull(self, labels: NDArray[np.int64]) -> Floats:
        """How strongly each leaf starts from its own text, by the examples it has."""
        return (self.text_pull / (1 + np.bincount(labels, minlength=len(self.classes_)) / 2)).astype(np.float32)

    def _row_weights(self, labels: NDArray[np.int64]) -> Floats:
        """Weights of the examples, 1 on average."""
        weights = np.bincount(labels, minlength=1)[labels].astype(np.float64) ** -self.balance
        return (weights / max(float(weights.mean()), 1e-9) if len(weights) else weights).astype(np.float32)

    def _targets(self, labels: NDArray[np.int64]) -> Floats:
        """One column per leaf: 1 for the leaf plus `level_weight` for every level it shares with the label."""
        ancestors = self.taxonomy_.ancestors
        shared = np.eye(len(ancestors), dtype=np.float32)
        for level in range(self.taxonomy_.depth - 1):
            same = ancestors[:, level][:, None] == ancestors[:, level][None, :]
            shared += self.level_weight * same
        return shared[labels]

    def _centre_fit(self, embeddings: Floats) -> Floats:
        self.centre_ = embeddings.mean(0).astype(np.float32)
        return _unit(embeddings - self.centre_)

    def decision_function(self, texts: Sequence[str], embeddings: Floats) -> Floats:
        """Return leaf scores of shape (n_texts, n_leaves)."""
        vectors = _unit(embeddings - self.centre_)
        scores = [self.lexical_scores(t) + v @ self.weights_.dense for t, v in zip(texts, vectors, strict=True)]
        return np.stack(scores) if scores else np.zeros((0, len(self.classes_)), np.float32)

    def predict_proba(self, texts: Sequence[str], embeddings: Floats) -> NDArray[np.float64]:
        """Return calibrated leaf probabilities of shape (n_texts, n_leaves); rows sum to 1."""
        return self.calibrate_scores(self.decision_function(texts, embeddings))

    def lexical_scores(self, text: str) -> Floats:
        """Return (n_leaves,) scores from the words of `text` alone: no embedding, so coarser; not to be written to.

        The last few are remembered: a served call asks while the encoder works, and again when the vector is there.
        """
        known = self._known.get(text)
        if known is None:
            known = self.weights_.of_terms(*self.vectorizer_.transform_one(text))
            known.flags.writeable = False
            self._known = dict([*self._known.items(), (text, known)][-_REMEMBERED:])  # in one step, for other threads
        return known

    def calibrate_scores(self, scores: Floats) -> NDArray[np.float64]:
        """Turn leaf scores into probabilities with the fitted temperature and exponents."""
        leaf = softmax(scores.astype(np.float64), self.temperature_)
        if (np.abs(self.exponents_ - 1) < 1e-6).all():
            return leaf
        return self.taxonomy_.tree.sharpen(leaf, self.exponents_)

    def predict(self, texts: Sequence[str], embeddings: Floats) -> NDArray[np.str_]:
        """Return the most likely leaf of each text."""
        return self.classes_[self.decision_function(texts, embeddings).argmax(1)]

    def categorise(self, text: str, embedding: Floats, *, top: int = 5, explain: bool = True) -> Category:
        """Return the category of one prepared text; `embedding` has shape (dimension,)."""
        proba = self.predict_proba([text], embedding[None, :])[0]
        return self.category_of(proba, text if explain else "", top=top)

    def category_of(self, proba: NDArray[np.float64], text: str = "", *, top: int = 5) -> Category:
        """Return the category of one text from its (n_leaves,) leaf probabilities; see `walk`."""
        leaves, depths, chances = self.walk(proba[None, :])
        leaf = int(leaves[0])
        path = self.taxonomy_.paths[leaf]
        order = [i for i in np.argsort(-proba)[: top + 1] if i != leaf][: top - 1]
        names = self.taxonomy_.names
        return Category(
            code=path[-1],
            path=path,
            names=tuple(names[key] for key in path),
            probabilities=tuple(map(float, chances[0])),
            depth=int(depths[0]),
            words=self.words_for(text, leaf) if text else (),
            alternatives=tuple((str(self.classes_[i]), names[str(self.classes_[i])], float(proba[i])) for i in order),
        )

    def walk(self, proba: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (leaf, safe depth, probability of each level of the leaf's path) of (n, n_leaves) probabilities.

        The walk goes down to the most likely child as long as that child is safe. Below, the most likely leaf of
        the last safe node is taken: the most likely child of an unsure parent often wins by many small leaves,
        none of which is right. Shapes are (n,), (n,) and (n, depth).
        """
        thresholds = self.thresholds_.get(str(self.risk)) or next(iter(self.thresholds_.values()))
        leaves, depths = np.zeros(len(proba), np.int64), np.zeros(len(proba), np.int64)
        chances = np.zeros((len(proba), self.taxonomy_.depth))
        for i, row in enumerate(proba):
            leaves[i], depths[i], chances[i] = self.taxonomy_.tree.walk(row, thresholds)
        return leaves, depths, np.minimum(chances, 1.0)

    def words_for(self, text: str, leaf: int, *, most: int = 3) -> tuple[str, ...]:
        """Return the stretches of `text` whose n-grams weighed most for `leaf`, strongest first."""
        vectorizer = self.vectorizer_
        places = [(i, n) for n in range(1, vectorizer.longest + 1) for i in range(len(text) - n + 1)]
        known = [(v, i, n) for i, n in places if (v := vectorizer.vocabulary_.get(text[i : i + n])) is not None]
        if not known:
            return ()
        indices, starts, sizes = np.array(known).T
        share = self.weights_.weights_of(indices, leaf).astype(np.float64) * vectorizer.idf_[indices] / sizes
        steps = np.bincount(starts, share, len(text) + 1) - np.bincount(starts + sizes, share, len(text) + 1)
        pull = np.cumsum(steps)[: len(text)]
        if pull.max(initial=0.0) <= 1e-9:
            return ()
        strong = pull > 0.35 * pull.max()
        spans: list[tuple[float, str]] = []
        edges = np.flatnonzero(np.diff([0, *strong.astype(int), 0]))
        for begin, end in edges.reshape(-1, 2):
            spans.append((float(pull[begin:end].sum()), text[begin:end].strip(" ,，。、!！?？")))
        return tuple(dict.fromkeys(w for _, w in sorted(spans, reverse=True)[:most] if len(w) > 1))

    # -- persistence ---------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write `head.safetensors`, `head.json` and `vocabulary.txt` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        idf = self.vectorizer_.idf_.astype(np.float16)
        arrays = {**pack_weights(self.weights_), "idf": idf, "centre": self.centre_}
        write_arrays(arrays, folder / "head.safetensors")
        (folder / "vocabulary.txt").write_text(
            "\n".join(json.dumps(t, ensure_ascii=False) for t in self.vectorizer_.vocabulary_), encoding="utf-8"
        )
        meta: dict[str, Any] = {
            "parameters": {k: v for k, v in self.get_params().items() if k != "cutter"},
            "words": list(self.cutter.words) if self.cutter else None,
            "temperature": self.temperature_,
            "exponents": list(map(float, self.exponents_)),
            "thresholds": self.thresholds_,
            "paths": self.taxonomy_.paths,
            "names": self.taxonomy_.names,
        }
        (folder / "head.json").write_text(json.dumps(meta, ensure_ascii=False, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, cutter: WordCutter | None = None) -> CategoryClassifier:
        """Read what `save` wrote; `cutter` replaces the word cutter (share one between heads to save memory)."""
        meta = json.loads((folder / "head.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "head.safetensors")
        terms = (folder / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
        words = meta["words"]
        model = cls(**meta["parameters"], cutter=cutter or (WordCutter(words) if words is not None else None))
        if words is None:
            model.cutter = None
        model.vectorizer_ = NgramVectorizer(model.cutter, longest=model.longest)
        model.vectorizer_.vocabulary_ = {t: i for i, t in enumerate(json.loads(f"[{','.join(terms)}]"))}
        model.vectorizer_.idf_ = arrays["idf"].astype(np.float32)
        model.weights_ = unpack_weights(arrays)
        model.centre_ = arrays["centre"]
        paths = tuple(tuple(p) for p in meta["paths"])
        model.taxonomy_ = Taxonomy(paths, meta["names"], tuple("" for _ in paths))
        model.classes_ = np.array(model.taxonomy_.leaves)
        model.temperature_ = meta["temperature"]
        model.exponents_ = np.array(meta["exponents"])
        model.thresholds_ = meta["thresholds"]
        return model


def level_probabilities(proba: NDArray[np.float64], taxonomy: Taxonomy, level: int) -> NDArray[np.float64]:
    """Sum leaf probabilities (n, n_leaves) to those of the nodes of `level` (0 = broadest)."""
    return level_sums(proba, taxonomy.ancestors[:, level])


def _least_texts(rows: int) -> int:
    """In how many of `rows` texts a term must occur: rarer ones fill memory faster than they teach anything."""
    return max(2, rows // 20_000)


def _unit(x: Floats) -> Floats:
    return (x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)).astype(np.float32)
