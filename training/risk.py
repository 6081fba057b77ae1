"""Training the net under the risk rules from written risk calls, with ordinary examples as calls without danger."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.catalog import Catalog
from models.classifier import CategoryClassifier
from models.embedder import Embedder
from models.features import WordCutter
from models.risk_net import NO_RISK, RiskNet
from models.taxonomy import Taxonomy
from training.tickets import prepare

ALARMS = 0.07
"""Share of calls that only resemble danger for which an alarm is tolerated in cross-validation. With the
everyday calls among them 0.06 would cost four points of recall in cross-validation, 0.07 two."""
DROPPED = 0.05
"""Share of the squared lexical weights that the net does without: nine in ten of its weights."""
_COLUMNS = ("text", "risk", "active")


@dataclass(frozen=True)
class RiskCall:
    """A written risk call: prepared `text`, the `risk` it tells of or resembles, whether it is `active`."""

    text: str
    risk: str
    active: bool


def read_risk_calls(path: Path, catalog: Catalog) -> list[RiskCall]:
    """Return the rows of a CSV; raises ValueError naming file, row and column of a fault."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in _COLUMNS if c not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(f"{path}: 缺少列 {'、'.join(missing)}")
        calls = []
        for row in reader:
            where = f"{path} 第{reader.line_num}行"
            if row["risk"] and row["risk"] not in catalog.risks:
                raise ValueError(f"{where} risk: 应为 risks.csv 里的风险,实为 {row['risk']}")
            if row["active"] not in ("yes", "no"):
                raise ValueError(f"{where} active: 应为 yes 或 no,实为 {row['active']}")
            calls.append(RiskCall(prepare(row["text"]), row["risk"], row["active"] == "yes"))
    return calls


def all_risk_calls(own: Path, catalog: Catalog, shipped: Path) -> list[RiskCall]:
    """Return a city's own calls, and those that ship with the program of the risks that the city's list has too.

    Fire is told of alike everywhere: a city that has written few calls yet must not hear less danger than before.
    Raises ValueError as `read_risk_calls` does.
    """
    calls = read_risk_calls(own, catalog)
    if not shipped.is_file() or own.resolve() == shipped.resolve():
        return calls
    known = {call.text for call in calls}
    with shipped.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.DictReader(file) if not r["risk"] or r["risk"] in catalog.risks]
    shared = [RiskCall(prepare(r["text"]), r["risk"], r["active"] == "yes") for r in rows]
    return [*calls, *(call for call in shared if call.text not in known)]


def train_risk(
    catalog: Catalog,
    embedder: Embedder,
    calls: Sequence[RiskCall],
    ordinary: Sequence[str],
    ordinary_vectors: NDArray[np.float32],
    cutter: WordCutter,
    *,
    folds: int = 3,
    seed: int = 0,
) -> tuple[RiskNet, dict[str, Any]]:
    """Return the net and its cross-validated figures.

    `ordinary` are prepared texts of categories that are no emergencies, `ordinary_vectors` (n, dimension) their
    embeddings. Those the risk calls alone already take for danger are left out: they may tell of one.
    """
    keys = (*catalog.risks, NO_RISK)
    taxonomy = Taxonomy(tuple((k,) for k in keys), {k: k for k in keys}, ("",) * len(keys))
    vectors = embedder.encode([c.text for c in calls], kind="query")
    labels = [c.risk if c.active else NO_RISK for c in calls]

    def fitted(texts: Sequence[str], names: Sequence[str], x: NDArray[np.float32]) -> CategoryClassifier:
        model = CategoryClassifier(
            cutter=cutter, keep=len(keys), text_weight=0.0, lexical_weight=0.5, penalty=0.3, dropped=DROPPED
        )
        return model.fit(texts, names, embeddings=x, taxonomy=taxonomy)

    first = fitted([c.text for c in calls], labels, vectors)
    calm = _margins(first, ordinary, ordinary_vectors)[0].max(1) < 0
    texts = [c.text for c in calls] + [t for t, keep in zip(ordinary, calm, strict=True) if keep]
    names = labels + [NO_RISK] * int(calm.sum())
    x = np.vstack([vectors, ordinary_vectors[calm]])
    fold = np.random.default_rng(seed).integers(0, folds, len(texts))
    margins = np.zeros((len(texts), len(keys) - 1))
    for k in range(folds):
        inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        model = fitted([texts[i] for i in inside], [names[i] for i in inside], x[inside])
        margins[outside], order = _margins(model, [texts[i] for i in outside], x[outside])
    alike = np.array([not c.active for c in calls] + [False] * (len(texts) - len(calls)))
    margin = round(float(np.quantile(margins[alike].max(1), 1 - ALARMS)), 4)
    needed = dict.fromkeys(order, margin)
    net = RiskNet(fitted(texts, names, x), needed, against_rule=0.0)
    return net, _figures(margins, names, order, needed, len(calls))


def _margins(
    model: CategoryClassifier, texts: Sequence[str], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.float32], list[str]]:
    """Return ((n, n_risks) margins over no risk, the risks in their order)."""
    labels = [str(c) for c in model.classes_]
    none = labels.index(NO_RISK)
    scores = model.decision_function(texts, vectors)
    kept = [i for i in range(len(labels)) if i != none]
    return scores[:, kept] - scores[:, [none]], [labels[i] for i in kept]


def _figures(
    margins: NDArray[np.float64], names: Sequence[str], order: Sequence[str], needed: dict[str, float], n_calls: int
) -> dict[str, Any]:
    best = margins.argmax(1)
    raised = margins.max(1) >= np.array([needed[order[i]] for i in best])
    danger = np.array(names) != NO_RISK
    right = raised & (np.array([order[i] for i in best]) == np.array(names))
    is_call = np.arange(len(names)) < n_calls
    return {
        "how": "cross-validation, the net alone without the rules",
        "dangerous": int(danger.sum()),
        "recall": round(float(raised[danger].mean()), 4),
        "recall_right_risk": round(float(right[danger].mean()), 4),
        "look_alikes": int((~danger & is_call).sum()),
        "false_alarms_look_alikes": round(float(raised[~danger & is_call].mean()), 4),
        "ordinary": int((~is_call).sum()),
        "false_alarms_ordinary": round(float(raised[~is_call].mean()), 4),
    }
