"""The quick way: any labelled table in, a bundle out whose taxonomy is the table's own labels; no mapping file."""

from __future__ import annotations

import datetime
import difflib
import importlib.metadata
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.text import has_words
from models.textform import TextForm, learn_form
from training.errors import TrainError

if TYPE_CHECKING:
    from models.embedder import Embedder
    from models.features import WordCutter
    from models.taxonomy import Taxonomy
    from training.fit import Fitted, Labelled
    from training.spread import Spread

EMPTY_LIMIT = 0.2
"""Share of rows without text or label above which a table is refused."""
LEAST_ROWS = 10
LIMIT = 160
"""Characters of a text that are embedded."""
_TAKEN = ("request_type", "risk")
"""Measures of the parts that a bundle takes over from the one it starts from."""
BALANCE = 0.5
"""How far rare labels count as much as frequent ones; half way leaves accuracy as it is and finds more rare ones."""


@dataclass(frozen=True)
class RawRows:
    """Usable rows of a table: raw texts, label paths, and how many rows were left out and why."""

    texts: list[str]
    paths: list[tuple[str, ...]]
    left_out: dict[str, int]
    beside: list[tuple[str, ...]]
    """Further texts of each row, such as the reply to it: learned from, never asked for."""


def read_labelled(
    source: str, text: str, labels: Sequence[str], *, beside: Sequence[str] = (), encoding: str = "", sheet: str = "",
    skip_bad: bool = False,
) -> RawRows:  # fmt: skip
    """Read the text and label columns, and those `beside`, which may be empty in a row.

    Raises TrainError for what cannot be learned from, TableError for a bad file.
    """
    from training.tables import cell_text, open_table

    table = open_table(source, encoding=encoding, sheet=sheet)
    places = [_column(table.columns, name, source) for name in (text, *labels, *beside)]
    if len(set(places)) < len(places):
        raise TrainError(f"{source}: 文字列与标签列重复:{'、'.join((text, *labels, *beside))}")
    texts: list[str] = []
    paths: list[tuple[str, ...]] = []
    further: list[tuple[str, ...]] = []
    left: Counter[str] = Counter()
    for _, cells in table.rows:
        words, *said = (cell_text(cells[p]).strip() for p in places)
        path, more = said[: len(labels)], said[len(labels) :]
        if len(cells) > len(table.columns):
            left["格数多于表头"] += 1
        elif not has_words(words):
            left["没有文字"] += 1
        elif not all(path):
            left["没有标签"] += 1
        else:
            texts.append(words)
            paths.append(tuple(" ".join(p.split()) for p in path))
            further.append(tuple(m for m in more if has_words(m)))
    total = len(texts) + left.total()
    for why, n in left.items():
        if n > EMPTY_LIMIT * total and not skip_bad:
            raise TrainError(
                f"{source}: {total} 行中有 {n} 行{why}({n / total:.0%}),超过 {EMPTY_LIMIT:.0%};"
                "请先核对列名与数据,确要略过这些行请加 --skip-bad"
            )
    check_learnable(source, paths)
    return RawRows(texts, paths, dict(left), further)


def check_learnable(source: str, paths: Sequence[tuple[str, ...]]) -> None:
    """Raise TrainError when there are too few rows or classes."""
    if len(paths) < LEAST_ROWS:
        raise TrainError(f"{source}: 可用的只有 {len(paths)} 行,至少要 {LEAST_ROWS} 行才能训练")
    counts = Counter(paths)
    if len(counts) < 2:
        raise TrainError(f"{source}: 标签只有一种({' / '.join(next(iter(counts)))}),至少要两种才能训练")
    if sum(n >= 2 for n in counts.values()) < 2:
        raise TrainError(f"{source}: 几乎每行标签都不同({len(counts)} 种),请核对标签列是否选对")


def _column(columns: Sequence[str], name: str, source: str) -> int:
    if name in columns:
        return list(columns).index(name)
    near = difflib.get_close_matches(name, columns, 1, 0.3)
    guess = f";是否想用“{near[0]}”?" if near else ""
    raise TrainError(f"{source}: 没有列“{name}”,现有列:{'、'.join(columns)}{guess}")


def train_quick(
    source: str,
    text: str,
    labels: Sequence[str],
    out: Path,
    *,
    base: Path,
    cache: Path,
    beside: Sequence[str] = (),
    encoding: str = "",
    sheet: str = "",
    skip_bad: bool = False,
    seed: int = 0,
    progress: bool = True,
    search_minutes: float = 0.0,
    spread: Spread | None = None,
) -> dict[str, Any]:
    """Train on a labelled table and write a bundle to `out`; return its manifest."""
    from training.packing import check_target, pack, training_lock

    check_target(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with training_lock(out.parent / f".{out.name}.lock"):
        rows = read_labelled(source, text, labels, beside=beside, encoding=encoding, sheet=sheet, skip_bad=skip_bad)
        return pack(
            out, base, lambda folder: _fill(folder, source, rows, base, cache, seed, progress, search_minutes, spread)
        )


def _fill(
    folder: Path,
    source: str,
    rows: RawRows,
    base: Path,
    cache: Path,
    seed: int,
    progress: bool,
    search_minutes: float,
    spread: Spread | None,
) -> dict[str, Any]:
    from models.catalog import load_catalog
    from models.locations import catalog_dir, data_dir
    from models.taxonomy import Taxonomy
    from training.risk_check import FILE as CHECK
    from training.risk_check import risk_figures

    taxonomy = Taxonomy.from_labels(rows.paths)
    data, form, cutter, embedder = read_rows(rows, base, cache, progress, spread)
    try:
        fitted = fit_quick(data, taxonomy, cutter=cutter, seed=seed, search_minutes=search_minutes, spread=spread)
    except TrainError as error:
        raise TrainError(f"{source}: {error}") from error
    fitted.model.save(folder / "category")
    form.save(folder)
    made = record(
        source, base, embedder.name, seed, rows=len(rows.texts), beside=len(data.texts) - len(rows.texts),
        held=len(fitted.held), left_out=rows.left_out,
        metrics={
            "held_out": fitted.metrics, "groups": len(set(data.groups.tolist())), "refitted": fitted.refitted,
        },
        taxonomy="labels",
        risk=risk_figures(base, load_catalog(catalog_dir()), data_dir() / "tickets" / CHECK, embedder, cache),
    )  # fmt: skip
    return {**made, "search": fitted.search} if fitted.search else made


def read_rows(
    rows: RawRows, base: Path, cache: Path, progress: bool, spread: Spread | None = None
) -> tuple[Labelled, TextForm, WordCutter, Embedder]:
    """Return rows as the head learns them, the form of their texts, the word cutter and the encoder.

    What stands beside the rows comes after them: its beginning, without what is boilerplate.
    """
    from models.embedder import load_embedder
    from models.features import WordCutter
    from training.beside import telling
    from training.duplicates import near_duplicates
    from training.embedding import embed_all
    from training.fit import Labelled

    cutter = WordCutter(json.loads((base / "category" / "head.json").read_text(encoding="utf-8"))["words"] or ())
    form = learn_form(rows.texts, limit=LIMIT)
    texts = in_form(rows.texts, form, cutter)
    leaves, groups = [" / ".join(path) for path in rows.paths], near_duplicates(texts)
    further = telling(rows.beside, leaves, groups)
    texts += [t[:LIMIT] for t in in_form([text for text, _ in further], form, cutter)]
    owners = [*range(len(leaves)), *(row for _, row in further)]
    embedder = load_embedder(base / "encoder", threads=1)
    vectors = embed_all(
        texts, embedder, cache, limit=form.limit, progress=progress, spread=spread, folder=base / "encoder"
    )
    asked = np.arange(len(texts)) < len(leaves)
    data = Labelled(texts, vectors, [leaves[row] for row in owners], groups.labels()[owners], asked)
    return data, form, cutter, embedder


def fit_quick(
    data: Labelled, taxonomy: Taxonomy, *, cutter: WordCutter, seed: int = 0, search_minutes: float = 0.0,
    spread: Spread | None = None,
) -> Fitted:  # fmt: skip
    """Fit a head on a table's own labels; raises TrainError when no row can be held out to calibrate on."""
    from training.duplicates import grouped_holdout
    from training.fit import fit_category
    from training.share import lexical_share

    held = grouped_holdout(data.groups, data.leaves, 0.2, seed)
    if not held.any():
        raise TrainError("每种标签都只有彼此重复的文字,留不出检验用的行")
    rows = np.flatnonzero(~held)
    learned = data.take(rows)
    share = lexical_share(learned, cutter=cutter, balance=BALANCE, seed=seed)
    parameters = {"balance": BALANCE, "lexical_weight": share}
    found = None
    if search_minutes > 0:
        from training.search import search

        parameters, found = search(
            learned, taxonomy, cutter=cutter, minutes=search_minutes, start=parameters, seed=seed, spread=spread
        )
    fitted = fit_category(data, taxonomy, held, cutter=cutter, parameters=parameters)
    return replace(fitted, search=found)


def in_form(raw: Sequence[str], form: TextForm, cutter: Any) -> list[str]:
    """Return raw texts as the head reads them: prepared like a call, then in the form of the training texts."""
    from training.tickets import prepare

    return [form.apply(prepare(t), cutter) for t in raw]


def record(
    source: str, base: Path, encoder: str, seed: int, *, rows: int, beside: int = 0, held: int,
    left_out: dict[str, int], metrics: dict[str, Any], taxonomy: str, risk: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the manifest's record of a training on a city's own rows."""
    from models.bundle import file_hash
    from training.packing import base_record

    start = base_record(base)
    path = Path(source)
    checked = {"risk_check": risk} if risk else {}
    return {
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "taxonomy": taxonomy,
        "catalog": start["catalog"],
        "examples": {
            "file": path.name if path.is_file() else source.split("@")[-1],
            "sha256": file_hash(path) if path.is_file() else "",
            "rows": rows,
            "beside": beside,
            "held_out": held,
            "left_out": left_out,
            "what": "labelled rows of the given table",
        },
        "base": start["version"],
        "encoder": encoder,
        "seed": seed,
        "versions": {p: importlib.metadata.version(p) for p in ("numpy", "scikit-learn", "jieba", "onnxruntime")},
        "metrics": {"category": metrics, **{k: v for k in _TAKEN if (v := start["metrics"].get(k))}, **checked},
    }
