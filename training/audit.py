"""Label audit: which labels the model, not having seen the ticket, believes to be wrong; corrections are read back."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainError

COLUMNS = ("工单号", "行号", "可疑程度", "现有标签", "模型认为", "模型把握", "诉求文字", "改为", "复核人")


@dataclass(frozen=True)
class Suspect:
    """A ticket whose label may be wrong; `doubt` is from 0 to 1."""

    position: int
    given: int
    believed: int
    doubt: float
    confidence: float


def find_suspects(proba: NDArray[np.float64], given: NDArray[np.int64]) -> list[Suspect]:
    """Return suspicious rows, most doubtful first (confident learning, Northcutt et al., JAIR 2021).

    `proba` (n, n_classes) must come from models that had not seen the row. A row is suspicious when another
    class reaches the mean probability that rows labelled so give to it, and is likelier than the given one.
    """
    n, classes = proba.shape
    bars = np.full(classes, 1.01)
    for c in np.unique(given):
        bars[c] = proba[given == c, c].mean()
    above = proba >= bars[None, :]
    masked = np.where(above, proba, -1.0)
    believed = masked.argmax(1)
    own = proba[np.arange(n), given]
    best = proba[np.arange(n), believed]
    rows = np.flatnonzero(above.any(1) & (believed != given) & (best > own))
    found = [
        Suspect(int(i), int(given[i]), int(believed[i]), round(float(1 - own[i] / best[i]) * float(best[i]), 4),
                round(float(best[i]), 4))
        for i in rows
    ]  # fmt: skip
    return sorted(found, key=lambda s: (-s.doubt, s.position))


def by_cleanlab(proba: NDArray[np.float64], given: NDArray[np.int64]) -> list[Suspect]:
    """Return suspicious rows as cleanlab finds and ranks them; arguments as for `find_suspects`."""
    from cleanlab.filter import find_label_issues

    seen, labels = np.unique(given, return_inverse=True)
    inside = proba[:, seen] / np.maximum(proba[:, seen].sum(1, keepdims=True), 1e-12)
    ranked = find_label_issues(labels, inside, return_indices_ranked_by="normalized_margin", n_jobs=1)
    found = []
    for i in ranked:
        believed, own, best = int(seen[inside[i].argmax()]), float(inside[i, labels[i]]), float(inside[i].max())
        if believed != given[i]:
            doubt = round((1 + best - own) / 2, 4)
            found.append(Suspect(int(i), int(given[i]), believed, doubt, round(best, 4)))
    return found


def method_for(name: str) -> tuple[Callable[..., list[Suspect]], str]:
    """Return the finder of `own`, `cleanlab` or `auto` (cleanlab where it is installed), and its name."""
    if name not in {"own", "cleanlab", "auto"}:
        raise TrainError(f"--method 应为 own、cleanlab 或 auto,实为 {name}")
    if name != "own":
        if importlib.util.find_spec("cleanlab") is not None:
            return by_cleanlab, "cleanlab"
        if name == "cleanlab":
            raise TrainError("--method cleanlab 需要附加依赖:pip install 'yousu[audit]'")
    return find_suspects, "own"


def cross_probabilities(
    fit_and_score: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]],
    groups: NDArray[np.int64],
    classes: int,
    folds: int = 4,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return (n, classes) probabilities, each row's from a model fitted on the other folds; groups stay whole."""
    unique = np.unique(groups)
    fold_of = dict(zip(unique, np.random.default_rng(seed).permutation(len(unique)) % folds, strict=True))
    fold = np.array([fold_of[g] for g in groups])
    out = np.zeros((len(groups), classes))
    for f in range(folds):
        test = np.flatnonzero(fold == f)
        if len(test):
            out[test] = fit_and_score(np.flatnonzero(fold != f), test)
    return out


def write_suspects(file: Path, rows: Sequence[Sequence[object]]) -> None:
    """Write the ranked list as a workbook in which a person fills `改为`; `rows` hold the first seven columns."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet("可疑标签")
    sheet.freeze_panes = "A2"
    for letter, width in zip("ABCDEFGHI", (14, 8, 10, 36, 36, 10, 80, 36, 10), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append(COLUMNS)
    for row in rows:
        cells = [ILLEGAL_CHARACTERS_RE.sub(" ", c).lstrip("=") if isinstance(c, str) else c for c in row]
        sheet.append([*cells, "", ""])
    temporary = file.with_name(f".{file.name}.tmp.xlsx")
    book.save(temporary)
    temporary.replace(file)


def read_corrections(file: Path) -> dict[str, tuple[str, ...]]:
    """Return ticket key -> corrected label path from a list that people filled in; blank rows say nothing."""
    from training.tables import cell_text, open_table

    table = open_table(file)
    missing = [c for c in ("工单号", "改为") if c not in table.columns]
    if missing:
        raise TrainError(f"{file}: 更正表缺少列 {'、'.join(missing)}")
    key, new = table.columns.index("工单号"), table.columns.index("改为")
    found: dict[str, tuple[str, ...]] = {}
    for number, cells in table.rows:
        if len(cells) > len(table.columns):
            raise TrainError(f"{file}: 第 {number} 行 应为 {len(table.columns)} 格,实为 {len(cells)} 格")
        label = cell_text(cells[new]).strip()
        if label:
            found[cell_text(cells[key]).strip()] = tuple(p.strip() for p in label.split(" / "))
    return found
