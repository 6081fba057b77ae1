"""Champion and challenger on the same held-out tickets: categories, first dispatch, answers, dangerous calls."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from models.bundle import check_files, taxonomy_of
from models.catalog import Catalog
from models.classifier import CategoryClassifier
from models.embedder import Embedder, load_embedder
from models.textform import FILE, TextForm
from training.embedding import embed_all
from training.errors import TrainError
from training.heldout import HeldOut, Said, known_to, read_heldout, said_of
from training.risk_check import WHOLE, risk_figures

_MOST = 3000
"""Replayed tickets that are routed and answered; more change the intervals little and the time much."""
Interval = tuple[float, float, float]
"""Mean and 95 % interval."""


@dataclass(frozen=True)
class Comparison:
    """Both bundles on the same replayed tickets; pairs are (champion, challenger)."""

    rows: int
    level1: tuple[float, float]
    """Accuracy on the broadest level."""
    path: tuple[float, float]
    """Accuracy of the whole path."""
    difference: Interval
    """Challenger minus champion on the whole path, by the paired bootstrap."""
    classes: tuple[tuple[str, int, float, float], ...]
    """(class, tickets, recall of the champion, recall of the challenger), greatest loss first."""
    comparable: bool
    """False when the champion knows none of the replayed labels."""
    risk_recall: tuple[float | None, float | None] = (None, None)
    """Share of the measuring calls of danger that are handed over; None where there are no such calls."""
    same_danger: bool = False
    """Whether the parts that hear danger are the same, so that the risk recall cannot differ."""
    dispatch: tuple[float, float] | None = None
    """Share of tickets that would first go to the unit that handled them; None where no unit is recorded."""
    dispatch_difference: Interval | None = None
    dispatched: int = 0
    """Tickets that `dispatch` was measured on."""
    same_answers: bool = False
    """Whether the part that answers is the same, so that the answer rate cannot differ and is not measured."""
    answered: tuple[float, float] | None = None
    """Share of tickets that get an answer from the knowledge base."""
    answer_difference: Interval | None = None
    learned: int = 0
    """Tickets left out because the champion has learned from them."""


@dataclass(frozen=True)
class Ground:
    """What the replay is held against besides the tickets: catalogue, entries, measuring calls of danger."""

    catalog: Catalog
    entries: Sequence[KnowledgeEntry] = ()
    risk_calls: Path | None = None


def compare(
    champion: Path,
    challenger: Path,
    replay: Path,
    cache: Path,
    *,
    ground: Ground | None = None,
    champion_run: Path | None = None,
    seed: int = 0,
) -> Comparison:
    """Replay tickets through both bundles; without a `ground` only their categories are compared.

    Neither is asked about what it has learned from: what it said before counts, and tickets of which that is unknown
    are left out. `champion_run` is the folder of the champion's own training, where that is known.
    """
    rows = read_heldout(replay)
    _check_unlearned(challenger, rows, replay)
    before: list[Said | None] = [None] * len(rows.texts)
    learned = np.zeros(len(rows.texts), bool)
    if champion_run is not None:
        before, learned = known_to(champion_run, rows)
    kept = np.flatnonzero(~learned).tolist()
    if not kept:
        raise TrainError(f"{replay}: 现用的模型包学过这里的全部 {len(rows.texts)} 件工单,比不出高下;请用更新的工单训练")
    rows, before = rows.take(kept), [before[i] for i in kept]
    both = ((champion, before), (challenger, rows.said))
    said = [_predictions(folder, rows, known, cache) for folder, known in both]
    top = [np.array([s.names[:1] == w[:1] for s, w in zip(one, rows.names, strict=True)]) for one in said]
    whole = [np.array([s.names == w for s, w in zip(one, rows.names, strict=True)]) for one in said]
    known = known_paths(champion)
    broad = np.array([w[0] for w in rows.names])
    classes = [
        (str(c), int((broad == c).sum()), float(top[0][broad == c].mean()), float(top[1][broad == c].mean()))
        for c in np.unique(broad)
    ]
    picked = np.sort(np.random.default_rng(seed).permutation(len(rows.texts))[:_MOST])
    dispatch = _dispatch((champion, challenger), said, rows, picked, ground.catalog) if ground else None
    alike = same_answers(champion, challenger)
    asked = ground is not None and bool(ground.entries) and not alike
    answered = _answered((champion, challenger), rows, picked, ground, cache) if ground and asked else None
    return Comparison(
        rows=len(rows.texts),
        learned=int(learned.sum()),
        level1=(float(top[0].mean()), float(top[1].mean())),
        path=(float(whole[0].mean()), float(whole[1].mean())),
        difference=paired_bootstrap(whole[0], whole[1], seed=seed),
        classes=tuple(sorted(classes, key=lambda c: c[3] - c[2])),
        comparable=any(w in known for w in rows.names),
        risk_recall=_risk((champion, challenger), ground, cache),
        same_danger=same_danger(champion, challenger),
        dispatch=(float(dispatch[0].mean()), float(dispatch[1].mean())) if dispatch else None,
        dispatch_difference=paired_bootstrap(*dispatch, seed=seed) if dispatch else None,
        dispatched=len(dispatch[0]) if dispatch else 0,
        same_answers=alike,
        answered=(float(answered[0].mean()), float(answered[1].mean())) if answered else None,
        answer_difference=paired_bootstrap(*answered, seed=seed) if answered else None,
    )


def _check_unlearned(folder: Path, rows: HeldOut, replay: Path) -> None:
    """Raise TrainError for a bundle that learned from the held-out tickets and did not keep what it said before."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if manifest["metrics"]["category"].get("refitted") and None in rows.said:
        raise TrainError(f"{replay}: 模型包 {manifest['version']} 学过这些工单,没有存下学之前的判断;请重新训练再比较")


def _predictions(folder: Path, rows: HeldOut, known: Sequence[Said | None], cache: Path) -> list[Said]:
    """What a bundle says of every ticket: what is `known`, and of the others what it says now."""
    asked = [i for i, one in enumerate(known) if one is None]
    new = iter(predicted(folder, [rows.prepared[i] for i in asked], cache) if asked else ())
    return [one or next(new) for one in known]


def known_paths(folder: Path) -> set[tuple[str, ...]]:
    """Return the paths of names of a bundle's categories; a broad name alone may stand in any city's taxonomy."""
    meta = json.loads((folder / "category" / "head.json").read_text(encoding="utf-8"))
    return {tuple(meta["names"][k] for k in p) for p in meta["paths"]}


def predicted(folder: Path, prepared: Sequence[str], cache: Path) -> list[Said]:
    """Return what a bundle says of every prepared text."""
    from models.features import WordCutter

    check_files(folder)
    head = CategoryClassifier.load(folder / "category")
    form = TextForm.load(folder) if (folder / FILE).is_file() else None
    texts = list(prepared)
    if form is not None:
        texts = [form.apply(t, head.cutter or WordCutter()) for t in texts]
    vectors = _vectors(folder, texts, cache, form.limit if form else WHOLE)
    proba = head.predict_proba(texts, vectors)
    return [said_of(head.category_of(p).names, head.classes_, p) for p in proba]


def _vectors(folder: Path, texts: Sequence[str], cache: Path, limit: int = WHOLE) -> NDArray[np.float32]:
    encoder = folder / "encoder"
    return embed_all(texts, _encoder(folder), cache, limit=limit, progress=False, folder=encoder)


def _encoder(folder: Path) -> Embedder:
    return load_embedder(folder / "encoder", threads=1)


def _dispatch(
    folders: tuple[Path, Path],
    said: Sequence[Sequence[Said]],
    rows: HeldOut,
    picked: NDArray[np.int64],
    catalog: Catalog,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Whether either bundle would first send each ticket to the unit that handled it; None when it cannot be told.

    A bundle of another catalogue (the shipped one, in a new city) names leaves to which this one gives no duty.
    """
    if not all(_of_catalog(folder, catalog) for folder in folders):
        return None
    picked = np.array([i for i in picked if rows.units[i]], np.int64)
    if not len(picked):
        return None
    units = [_units(folder, one, rows, picked, catalog) for folder, one in zip(folders, said, strict=True)]
    recorded = [rows.units[i] for i in picked]
    if not (set(units[0]) | set(units[1])) & set(recorded):
        return None
    first, second = (np.array([u == w for u, w in zip(one, recorded, strict=True)]) for one in units)
    return first, second


def _of_catalog(folder: Path, catalog: Catalog) -> bool:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if taxonomy_of(manifest) == "labels":
        return True
    head = json.loads((folder / "category" / "head.json").read_text(encoding="utf-8"))
    return {path[-1] for path in head["paths"]} <= set(catalog.leaves)


def _units(folder: Path, said: Sequence[Said], rows: HeldOut, picked: NDArray[np.int64], catalog: Catalog) -> list[str]:
    """The unit each picked ticket would first go to: the route's first lead, or the label where labels are units."""
    from models.bundle import HISTORY, read_history
    from models.places import PlaceFinder
    from models.router import Router

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    if taxonomy_of(manifest) == "labels":
        return [said[i].names[-1] for i in picked]
    router, places = Router(catalog, read_history(folder / HISTORY)), PlaceFinder(catalog.places)
    leads = [router.route(said[i].leaves, rows.texts[i], places.locate(rows.texts[i])).leads for i in picked]
    return [lead[0].unit if lead else "" for lead in leads]


def _answered(
    folders: tuple[Path, Path], rows: HeldOut, picked: NDArray[np.int64], ground: Ground, cache: Path
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether either bundle answers each picked ticket from the entries."""
    texts = [rows.prepared[i] for i in picked]
    first, second = (_answers(folder, texts, ground, cache) for folder in folders)
    return first, second


def same_answers(first: Path, second: Path) -> bool:
    """Whether two bundles answer alike by construction: the same encoder, fusion and calibration."""
    files = ("encoder/encoder.json", "answering.json", "retrieval.json")
    return all((first / f).read_bytes() == (second / f).read_bytes() for f in files)


def _answers(folder: Path, texts: Sequence[str], ground: Ground, cache: Path) -> NDArray[np.bool_]:
    from kb.answering import Answerer
    from kb.fusion import Fusion
    from kb.index import HybridIndex

    fusion = Fusion.load(folder / "retrieval.json")
    index = HybridIndex(ground.entries, _encoder(folder), cache / "entries.vectors", fusion)
    answerer = Answerer(index, json.loads((folder / "answering.json").read_text(encoding="utf-8")))
    today = datetime.date.today()
    vectors = _vectors(folder, texts, cache)
    return np.array([answerer.answer(t, v, on=today).answered for t, v in zip(texts, vectors, strict=True)], bool)


def same_danger(first: Path, second: Path) -> bool:
    """Whether two bundles hear danger alike by construction: the same encoder and risk net (the rules are data)."""
    nets = [{f.name: f.read_bytes() for f in (folder / "risk").iterdir()} for folder in (first, second)]
    encoders = [(folder / "encoder" / "encoder.json").read_bytes() for folder in (first, second)]
    return nets[0] == nets[1] and encoders[0] == encoders[1]


def _risk(folders: tuple[Path, Path], ground: Ground | None, cache: Path) -> tuple[float | None, float | None]:
    """The recall of both, measured now by this program where the parts differ; a record may be an older program's."""
    if ground is None or ground.risk_calls is None:
        return None, None
    anew = not same_danger(*folders)
    found = [risk_figures(f, ground.catalog, ground.risk_calls, _encoder(f), cache, anew=anew) for f in folders]
    first, second = (one["recall"] if one else None for one in found)
    return first, second


def paired_bootstrap(
    first: NDArray[np.bool_], second: NDArray[np.bool_], *, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return mean and 95 % interval of `second` minus `first` over paired rows."""
    difference = second.astype(float) - first.astype(float)
    rng = np.random.default_rng(seed)
    means = [difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(difference.mean()), float(low), float(high)
