"""How well a labelled table is learned: two usual baselines and the quick way, by cross-validation over groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.features import WordCutter
from models.taxonomy import Taxonomy
from training.errors import TrainError
from training.fit import Labelled
from training.measures import per_class
from training.quick import check_learnable, fit_quick, read_labelled, read_rows
from training.tables import open_table

SYSTEMS = ("char", "amsterdam", "yousu")
TEXT_COLUMNS = ("text_segmented", "question", "text", "诉求内容", "问题", "内容")
LABEL_COLUMNS = {
    "classify": ("level1", "label", "类别", "category"),
    "route": ("department", "承办单位", "unit", "label"),
}
"""Columns taken for the text, and for the label of each bench, when none is named; the first that exists."""
BESIDE_COLUMNS = ("answer", "reply", "答复", "回复", "答复内容")
"""Columns of `route` that teach beside the text, when none is named; the first that exists."""


@dataclass(frozen=True)
class Cases:
    """Rows to be measured on, in the form that `yousu train` gives them, and how many were left out and why."""

    rows: Labelled
    cutter: WordCutter
    left_out: dict[str, int]

    @property
    def asked(self) -> int:
        """Number of rows that are measured on."""
        return len(self.rows.only_asked(np.arange(len(self.rows.texts))))

    @property
    def classes(self) -> int:
        """Number of labels."""
        return len(set(self.rows.leaves))


def columns_of(source: str, text: str, label: str, bench: str) -> tuple[str, str]:
    """Return the text and the label column: the named ones, or the first known ones of the table.

    Raises TrainError, with the columns there are, when neither is named nor known.
    """
    there = open_table(source).columns
    for option, name, known in (("--text", text, TEXT_COLUMNS), ("--label", label, LABEL_COLUMNS[bench])):
        if not name and not set(known) & set(there):
            raise TrainError(f"{source}: 请用 {option} 指明列;现有列:{'、'.join(there)}")
    return (
        text or next(c for c in TEXT_COLUMNS if c in there),
        label or next(c for c in LABEL_COLUMNS[bench] if c in there),
    )


def beside_of(source: str, beside: str, taken: Sequence[str]) -> str:
    """Return the column that teaches beside the text: the named one, else the first known one not `taken`, or ""."""
    if beside:
        return beside
    there = open_table(source).columns
    return next((c for c in BESIDE_COLUMNS if c in there and c not in taken), "")


def read_cases(
    source: str, text: str, label: str, *, base: Path, cache: Path, beside: str = "", least: int = 2,
    progress: bool = True,
) -> Cases:  # fmt: skip
    """Read a table and prepare and embed all of it like a training, then leave out labels of under `least` rows."""
    raw = read_labelled(source, text, [label], beside=[beside] if beside else [])
    counts = Counter(raw.paths)
    kept = [i for i, path in enumerate(raw.paths) if counts[path] >= least]
    check_learnable(source, [raw.paths[i] for i in kept])
    left = {**raw.left_out, f"标签不足 {least} 行": len(raw.texts) - len(kept)}
    usable = replace(
        raw, texts=[raw.texts[i] for i in kept], paths=[raw.paths[i] for i in kept],
        beside=[raw.beside[i] for i in kept],
    )  # fmt: skip
    rows, _, cutter, _ = read_rows(usable, base, cache, progress)
    return Cases(rows, cutter, {why: n for why, n in left.items() if n})


def measure(cases: Cases, *, folds: int = 5, seed: int = 0) -> dict[str, dict[str, float]]:
    """Return accuracy and macro F1 over all rows asked, each predicted without its fold, by the name of the system.

    Every system learns from the same prepared texts, those beside the rows of the other folds among them; `yousu` is
    what `yousu train` makes of them.
    """
    rows = cases.rows
    names, truth = np.unique(np.array(rows.leaves), return_inverse=True)
    asked = rows.only_asked(np.arange(len(truth)))
    said = {name: np.zeros(len(truth), np.int64) for name in SYSTEMS}
    for _, place in grouped_folds(truth[asked], rows.groups[asked], folds, seed):
        test = asked[place]
        train = np.flatnonzero(~np.isin(rows.groups, rows.groups[test]))
        texts, learned = [rows.texts[i] for i in test.tolist()], rows.take(train)
        for name, learn in (("char", _char), ("amsterdam", _amsterdam(cases.cutter))):
            said[name][test] = learn(learned.texts, truth[train], texts)
        labels = _yousu(learned, texts, rows.vectors[test], cases.cutter, seed)
        said["yousu"][test] = np.searchsorted(names, labels)
    return {name: _figures(said[name][asked], truth[asked]) for name in SYSTEMS}


def grouped_folds(
    truth: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield (train, test) positions, labels spread evenly as far as groups, which stay whole, allow.

    Raises TrainError when there are fewer groups than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    there = len(np.unique(groups))
    if not 2 <= folds <= there:
        raise TrainError(f"--folds 应在 2 与互不重复的文字数 {there} 之间,实为 {folds}")
    # the smallest label may have fewer rows than folds: then some folds simply hold none of it
    splitter = StratifiedGroupKFold(min(folds, int(np.bincount(truth).max())), shuffle=True, random_state=seed)
    yield from splitter.split(truth, truth, groups)


def _char(texts: Sequence[str], y: NDArray[np.int64], asked: Sequence[str]) -> NDArray[np.int64]:
    """TF-IDF over characters and their pairs, linear support vectors."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 2), sublinear_tf=True)
    return LinearSVC(random_state=0).fit(vectorizer.fit_transform(texts), y).predict(vectorizer.transform(asked))


def _amsterdam(cutter: WordCutter) -> Callable[[Sequence[str], NDArray[np.int64], Sequence[str]], NDArray[np.int64]]:
    """The pipeline of Amsterdam's city classifier (`signals`), without its grid search; words by jieba."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def learn(texts: Sequence[str], y: NDArray[np.int64], asked: Sequence[str]) -> NDArray[np.int64]:
        vectorizer = TfidfVectorizer(analyzer=cutter.cut)
        model = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(texts), y)
        return model.predict(vectorizer.transform(asked))

    return learn


def _yousu(
    rows: Labelled, asked: Sequence[str], vectors: NDArray[np.float32], cutter: WordCutter, seed: int
) -> NDArray[np.str_]:
    taxonomy = Taxonomy.from_labels([(leaf,) for leaf in rows.leaves])
    return fit_quick(rows, taxonomy, cutter=cutter, seed=seed).model.predict(asked, vectors)


def _figures(said: NDArray[np.int64], truth: NDArray[np.int64]) -> dict[str, float]:
    return {
        "accuracy": round(float((said == truth).mean()), 4),
        "macro_f1": round(float(np.mean([c["f1"] for c in per_class(said, truth)])), 4),
    }
