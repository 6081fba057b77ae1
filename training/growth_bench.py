"""What the category head costs as leaves and tickets grow: fit, memory, one call, disk; measured on synthetic tickets.

Nothing here says how well anything is predicted: tickets are grown from the written examples, vectors stand in for the
encoder's, and leaves beyond the catalogue are split off from its own.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.index_bench import ClusteredVectors, percentiles, timed
from models.catalog import Catalog, load_catalog
from models.classifier import CategoryClassifier
from models.features import WordCutter
from models.taxonomy import Taxonomy
from models.text import normalise, strip_fillers
from training.augment import grow, level_columns
from training.errors import TrainError
from training.fit import calibration
from training.laps import peak_bytes

ASKED = 200
"""Calls that are not learned from: they calibrate the head and are what a single call is timed on."""
DIMENSION = 384
_WORDS, _SAID = 4, 0.8
"""Made-up words of a leaf that was split off, and how often a ticket of it says one of them."""


class MadeLeaves:
    """`number` leaves: some of the catalogue's, evenly spread, or all of them and more that are split off.

    A leaf that is split off lies beside the one it came from, takes a share of its tickets and has words of its own:
    random characters, as frequent as in the names and descriptions of the catalogue.
    """

    def __init__(self, catalog: Catalog, number: int, seed: int) -> None:
        whole = Taxonomy.from_catalog(catalog)
        total = len(whole.leaves)
        rng = np.random.default_rng(seed)
        stock = np.array(list("".join(whole.texts).replace(" ", "")))

        def word() -> str:
            return "".join(stock[rng.integers(len(stock), size=int(rng.integers(2, 5)))])

        self.sources = np.linspace(0, total - 1, number).astype(int) if number <= total else np.arange(number) % total
        """Position in the catalogue of the leaf that each is, or was split off from."""
        self.words: list[tuple[str, ...]] = []
        self._copies: dict[str, list[int]] = {}
        paths, names, texts = [], dict(whole.names), []
        for i, source in enumerate(self.sources.tolist()):
            path = whole.paths[source]
            own = tuple(word() for _ in range(_WORDS if i >= total else 0))
            if own:
                key = f"{path[-1]}-{i // total}"
                names[key] = whole.names[path[-1]] + own[0]
                path = (*path[:-1], key)
            paths.append(path)
            texts.append(" ".join((whole.texts[source], *own)))
            self.words.append(own)
            self._copies.setdefault(whole.leaves[source], []).append(i)
        self.taxonomy = Taxonomy(tuple(paths), names, tuple(texts))

    def pick(self, code: str, rng: np.random.Generator) -> int:
        """Return one of the leaves that the catalogue's `code` stands for."""
        copies = self._copies[code]
        return copies[int(rng.integers(len(copies)))]

    @property
    def codes(self) -> tuple[str, ...]:
        """The catalogue's leaves whose tickets are used, in the order of the catalogue."""
        return tuple(self._copies)


def made_tickets(
    catalog: Catalog, examples: Path, leaves: MadeLeaves, rows: int, seed: int
) -> tuple[list[str], NDArray[np.int64]]:
    """Return `rows` texts as the head reads them and the (rows,) positions of their leaves.

    Raises TrainError when no example belongs to the leaves.
    """
    rng = np.random.default_rng(seed)
    codes = {tuple(node.name for node in catalog.path(code)): code for code in catalog.leaves}
    texts, labels, levels = [], [], level_columns(catalog)
    try:
        for row in grow(catalog, examples, rows, seed=seed, leaves=leaves.codes):
            leaf = leaves.pick(codes[tuple(row[column] for column in levels)], rng)
            text, own = row["诉求内容"], leaves.words[leaf]
            if own and rng.random() < _SAID:
                text = f"{own[int(rng.integers(len(own)))]}{text}"
            texts.append(strip_fillers(normalise(text)))
            labels.append(leaf)
    except ValueError as error:  # what the generator says when it has nothing to draw from
        raise TrainError(f"{examples}: 没有属于这 {len(leaves.codes)} 个末级的样例") from error
    return texts, np.array(labels)


def measure(catalog_folder: Path, examples: Path, base: Path, leaves: int, tickets: int, seed: int) -> dict[str, Any]:
    """Return the figures of one size; memory is the most that this process has held, so give it one of its own."""
    catalog = load_catalog(catalog_folder)
    made = MadeLeaves(catalog, leaves, seed)
    texts, labels = made_tickets(catalog, examples, made, tickets + ASKED, seed)
    clusters = ClusteredVectors(DIMENSION, seed, len(catalog.leaves))
    vectors, own = clusters.near(made.sources[labels]), clusters.near(made.sources)
    cutter = WordCutter(json.loads((base / "category" / "head.json").read_text(encoding="utf-8"))["words"] or ())
    cutter.cut("先读词典")
    wall, cpu = time.perf_counter(), time.process_time()
    head = CategoryClassifier(cutter=cutter).fit(
        texts[:tickets], [made.taxonomy.leaves[i] for i in labels[:tickets]], embeddings=vectors[:tickets],
        taxonomy=made.taxonomy, text_embeddings=own,
    )  # fmt: skip
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    asked, their = texts[tickets:], vectors[tickets:]
    scores = head.decision_function(asked, their)
    head.temperature_, head.exponents_ = calibration(scores, labels[tickets:], made.taxonomy)
    with tempfile.TemporaryDirectory() as folder:
        head.save(Path(folder))
        size = sum(f.stat().st_size for f in Path(folder).iterdir())
        head = CategoryClassifier.load(Path(folder), cutter)
    call = [timed(lambda t=t, v=v: head.categorise(t, v)) for t, v in zip(asked, their, strict=True)]  # type: ignore[misc]
    return {
        "leaves": leaves,
        "tickets": tickets,
        "terms": len(head.vectorizer_.vocabulary_),
        "fit_s": round(wall, 2),
        "fit_cpu_s": round(cpu, 2),
        "peak_mb": round(peak_bytes() / 1e6),
        "call_ms": percentiles(call),
        "size_mb": round(size / 1e6, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def measure_all(
    catalog: Path, examples: Path, base: Path, sizes: Sequence[tuple[int, int]], seed: int
) -> list[dict[str, Any]]:
    """Return the figures of every (leaves, tickets), each measured by a fresh process.

    Raises TrainError naming the size whose process was killed.
    """
    return [
        in_own_process(f"{leaves} 个末级、{tickets} 件工单", measure, catalog, examples, base, leaves, tickets, seed)
        for leaves, tickets in sizes
    ]


def in_own_process(what: str, function: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Return what `function` gives in a fresh process, whose memory is then its own.

    Raises TrainError with `what` was being done when the process was killed.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(function, *arguments).result()
        except (BrokenProcessPool, MemoryError) as error:
            raise TrainError(f"{what}:进程没有做完,多半是内存不够") from error


def ticket_sizes(tickets: Sequence[int], catalog: Path) -> list[tuple[int, int]]:
    """Return (leaves, tickets) of the curve over tickets: always all leaves of the catalogue."""
    total = len(load_catalog(catalog).leaves)
    return [(total, n) for n in tickets]
