"""The held-out tickets of a training as later comparisons replay them, with what its model said before it had them.

Where there are few tickets the bundle that ships is fitted once more on all of them. What it says of the held-out ones
afterwards is recitation; so what it said before is kept beside them, and which tickets it has learned from.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainError
from training.tickets import prepare

if TYPE_CHECKING:
    from training.fit import Fitted
    from training.prepared import Prepared

REPLAY, LEARNED = "replay.csv", "learned.npy"
COLUMNS = ("key", "text", "leaf", "names", "unit", "final_unit", "said", "leaves")
TOP = 5
"""Most likely leaves that are kept of a ticket: as many as the router looks at."""


@dataclass(frozen=True)
class Said:
    """What a bundle gives a ticket: the path of names, and (leaf, probability) of the likeliest leaves."""

    names: tuple[str, ...]
    leaves: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class HeldOut:
    """Held-out tickets: masked texts, the same as the models see them, labels, units that handled them."""

    texts: list[str]
    prepared: list[str]
    names: list[tuple[str, ...]]
    units: list[str]
    said: list[Said | None]
    """What the model said of each before it had learned from it; None where it never did and can be asked."""

    def take(self, rows: Sequence[int]) -> HeldOut:
        """Return some of the rows."""
        columns = (self.texts, self.prepared, self.names, self.units, self.said)
        return HeldOut(*([column[i] for i in rows] for column in columns))  # type: ignore[arg-type]


def write_heldout(folder: Path, p: Prepared, fitted: Fitted) -> None:
    """Write the held-out tickets (masked), what was said of them, and which tickets the bundle has learned from."""
    temporary = folder / f".{REPLAY}.tmp"
    model, names = fitted.model, p.taxonomy.names
    with temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for i, proba in zip(fitted.held, fitted.proba, strict=True):
            t, leaf = p.tickets[i], p.resolved.leaves[i]
            wanted = [names[k] for k in p.taxonomy.paths[p.taxonomy.index[leaf]]]
            said = ("", "")
            if fitted.refitted:
                one = said_of(model.category_of(proba).names, model.classes_, proba)
                said = (" / ".join(one.names), json.dumps(one.leaves, ensure_ascii=False))
            writer.writerow((t.key, t.text, leaf, " / ".join(wanted), t.unit, t.final_unit, *said))
    temporary.replace(folder / REPLAY)
    kept = range(len(p.tickets)) if fitted.refitted else np.flatnonzero(~p.held).tolist()
    marks = np.unique(np.array([mark(p.tickets[i].text) for i in kept], np.uint64))
    temporary = folder / f".{LEARNED}.tmp"
    with temporary.open("wb") as binary:
        np.save(binary, marks)
    temporary.replace(folder / LEARNED)


def said_of(names: Sequence[str], classes: NDArray[np.str_], proba: NDArray[np.float64]) -> Said:
    """Return what a model says of one ticket, given its (n_leaves,) probabilities."""
    return Said(tuple(names), tuple((str(classes[i]), float(proba[i])) for i in np.argsort(-proba)[:TOP]))


def read_heldout(file: Path) -> HeldOut:
    """Read held-out tickets; raises TrainError when there are none."""
    if not file.is_file():
        raise TrainError(f"{file}: 没有可重放的工单(由 yousu train 生成)")
    with file.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    return HeldOut(
        [r["text"] for r in rows],
        [prepare(r["text"]) for r in rows],
        [tuple(r["names"].split(" / ")) for r in rows],
        [r["final_unit"] for r in rows],
        [_said(r) for r in rows],
    )


def _said(row: dict[str, str]) -> Said | None:
    if not row.get("said"):
        return None
    return Said(tuple(row["said"].split(" / ")), tuple((str(k), float(p)) for k, p in json.loads(row["leaves"])))


def known_to(run: Path, rows: HeldOut) -> tuple[list[Said | None], NDArray[np.bool_]]:
    """Return what a bundle said of `rows` before it learned from them, and which of them it may not be asked about.

    `run` is the folder of its own training. Of what it held out there it said something then; what it learned from
    otherwise tells nothing. A bundle whose run is gone, or that was trained elsewhere, is taken to know none.
    """
    before: dict[str, Said | None] = {}
    if (run / REPLAY).is_file():
        own = read_heldout(run / REPLAY)
        before = dict(zip(own.texts, own.said, strict=True))
    said = [before.get(text) for text in rows.texts]
    if not (run / LEARNED).is_file():
        return said, np.zeros(len(said), bool)
    marks = np.array([mark(text) for text in rows.texts], np.uint64)
    learned = np.isin(marks, np.load(run / LEARNED, allow_pickle=False))
    return said, learned & np.array([one is None for one in said], bool)


def mark(text: str) -> int:
    """Return 64 bits that stand for a masked text and do not give it away."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "little")
