"""One training on a city's tickets, from table to bundle and report: read, group, split, embed, fit, measure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainError
from training.intake import Intake, Resolved, read_tickets, resolve
from training.laps import Laps
from training.mapping import Mapping, load_mapping
from training.prepared import Options, Prepared, unit_history
from training.quick import EMPTY_LIMIT, LIMIT, check_learnable, record

if TYPE_CHECKING:
    from models.catalog import Catalog
    from training.fit import Fitted


def train_tickets(source: str, mapping_file: Path, options: Options) -> tuple[Path, dict[str, Any]]:
    """Train on tickets; return the folder of the new bundle (in HOME/bundles) and the report as plain values.

    Nothing is promoted. The run's report, suspects and replay file lie beside the bundle in
    HOME/training/runs/<version>.
    """
    from training.heldout import write_heldout
    from training.packing import base_record, pack, training_lock
    from training.report import build_report, write_report

    options.bundles.mkdir(parents=True, exist_ok=True)
    with training_lock(options.bundles / ".lock"):
        prepared = prepare_tickets(source, load_mapping(mapping_file), options)
        lap = prepared.laps
        fitted = fit(prepared, options)
        lap("fit")
        report = build_report(prepared, fitted, options.costs, base_record(options.base).get("profile"))
        lap("report")
        incoming = options.bundles / "incoming"
        manifest = pack(incoming, prepared.base, _filler(prepared, fitted, report, options))
        lap("pack")
        report |= {"version": manifest["version"], "cost": lap.record()}
        target = options.bundles / manifest["version"]
        with _whole_or_nothing(options.home / "training" / "runs", incoming, target) as run:
            write_heldout(run, prepared, fitted)
            write_report(run, report)
        return target, report


@contextmanager
def _whole_or_nothing(runs: Path, incoming: Path, target: Path) -> Iterator[Path]:
    """Give the folder for a run's files; the bundle appears once they are written, neither does if they cannot be."""
    runs.mkdir(parents=True, exist_ok=True)
    for stale in runs.glob(".*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = runs / f".{target.name}.tmp"
    try:
        temporary.mkdir()
        yield temporary
        shutil.rmtree(runs / target.name, ignore_errors=True)
        temporary.rename(runs / target.name)
        if not target.exists():
            incoming.rename(target)
    finally:
        for left in (temporary, incoming):
            shutil.rmtree(left, ignore_errors=True)


def prepare_tickets(source: str, mapping: Mapping, options: Options) -> Prepared:
    """Read, resolve, group, split and embed."""
    from models.catalog import load_catalog
    from models.embedder import load_embedder
    from models.features import WordCutter
    from models.taxonomy import Taxonomy
    from models.text import strip_fillers
    from models.textform import learn_form
    from training.audit import read_corrections
    from training.embedding import embed_all
    from training.estimate import estimate_vectors, rows_to_embed
    from training.split import group_tickets, split, split_by
    from training.tables import open_table

    lap = Laps(shown=options.progress)
    table = open_table(source, **mapping.source)
    corrections = read_corrections(options.corrections) if options.corrections else {}
    intake = read_tickets(table, mapping, corrections=corrections)
    _check(source, intake, options.skip_bad)
    lap("read")
    catalog = load_catalog(options.catalog)
    resolved = resolve(intake.tickets, mapping, catalog)
    n = len(resolved.tickets)
    resolved, feedback = _with_feedback(resolved, options.feedback, catalog)
    _check_labels(source, resolved)
    cutter = WordCutter(_words(options.base))
    raw = [t.text for t in resolved.tickets]  # masked on the way in, as the service masks a call: once
    if resolved.taxonomy == "catalog":
        taxonomy, form = Taxonomy.from_catalog(catalog), None
        texts = [strip_fillers(t) for t in raw]
    else:
        taxonomy = Taxonomy.from_labels([t.path for t in resolved.tickets])
        form = learn_form(raw, limit=LIMIT)
        texts = [form.apply(strip_fillers(t), cutter) for t in raw]
    lap("prepare")
    groups = group_tickets(resolved.tickets, resolved.leaves, texts)
    held = np.zeros(len(texts), bool)
    try:
        held[:n] = split(resolved.tickets[:n], resolved.leaves[:n], groups[:n], options.split, options.seed)
    except TrainError as error:
        raise TrainError(f"{source}: {error}") from error
    if feedback is not None:
        kept = (np.arange(len(texts)) < n) | ~np.isin(groups, groups[held])
        feedback["like_held_out"] = int((~kept).sum())
        rows = np.flatnonzero(kept)
        resolved = replace(
            resolved, tickets=[resolved.tickets[i] for i in rows], leaves=[resolved.leaves[i] for i in rows]
        )
        texts, groups, held = [texts[i] for i in rows], groups[rows], held[rows]
        resolved = _with_routes(resolved, held, options.feedback, catalog, feedback)
    rows = _measured(held, options)
    unmeasured = len(texts) - len(rows)
    if unmeasured:
        resolved = replace(
            resolved, tickets=[resolved.tickets[i] for i in rows], leaves=[resolved.leaves[i] for i in rows]
        )
        texts, groups, held = [texts[i] for i in rows], groups[rows], held[rows]
    lap("group")
    base, tuned = options.base, None
    if options.finetune is not None:
        base, tuned = _adapted_base(options, texts, resolved.leaves, held)
        lap("finetune")
    embedder = load_embedder(base / "encoder", threads=1)
    own = rows_to_embed(resolved.leaves, groups, held, options.embed_most, options.seed)
    vectors = embed_all(
        [t for t, mine in zip(texts, own, strict=True) if mine], embedder, options.cache, limit=LIMIT,
        progress=options.progress, spread=options.spread, folder=base / "encoder",
    )  # fmt: skip
    lap("embed")
    if not own.all():
        vectors = estimate_vectors(texts, own, vectors)
        lap("estimate")
    return Prepared(
        source, intake, resolved, mapping, taxonomy, form, texts, vectors, groups, held, cutter, embedder, catalog,
        lap, base, feedback, tuned, int((~own).sum()),
        split_by(resolved.tickets[:n], options.split), unmeasured,
    )  # fmt: skip


def _measured(held: NDArray[np.bool_], options: Options) -> NDArray[np.int64]:
    """Return the rows that are used: of the held-out ones a seeded sample where they are very many."""
    rows = np.flatnonzero(held)
    if not options.measure_most or len(rows) <= options.measure_most:
        return np.arange(len(held))
    spare = np.random.default_rng(options.seed).permutation(rows)[options.measure_most :]
    return np.setdiff1d(np.arange(len(held)), spare)


def _adapted_base(
    options: Options, texts: Sequence[str], leaves: Sequence[str], held: NDArray[np.bool_]
) -> tuple[Path, dict[str, Any]]:
    """Adapt the encoder to the training side and make a bundle to start from around it."""
    from models.locations import data_dir
    from training.encoder.build import calibration_texts
    from training.finetune import finetune
    from training.whole import with_encoder

    assert options.finetune is not None
    home = options.home / "training" / "adapted"
    sides = [[t for t, h in zip(texts, held, strict=True) if h == side] for side in (False, True)]
    known = [leaf for leaf, h in zip(leaves, held, strict=True) if not h]
    calibration = [*calibration_texts(data_dir()), *(f"query: {t[:LIMIT]}" for t in sides[0][:200])]
    tuned = finetune(
        sides[0], known, sides[1], home / "encoder", calibration, options.finetune, progress=options.progress
    )
    return with_encoder(home / "base", home / "encoder", options.catalog, data_dir()), tuned


def _with_feedback(resolved: Resolved, url: str, catalog: Catalog) -> tuple[Resolved, dict[str, Any] | None]:
    """Add what operators decided; it names leaves of the catalogue, so it says nothing about another taxonomy."""
    if not url:
        return resolved, None
    if resolved.taxonomy != "catalog":
        raise TrainError("坐席反馈用的是目录代码,这次训练用的是表里的标签;请去掉 --feedback,或改用目录的分类")
    from training.feedback import add_lessons, read_feedback

    found = read_feedback(url, catalog.leaves)
    resolved, done = add_lessons(resolved, found)
    return resolved, {**found.record(), **done}


def _with_routes(
    resolved: Resolved, held: NDArray[np.bool_], url: str, catalog: Catalog, record: dict[str, Any]
) -> Resolved:
    """Add the units that operators settled on, and say in `record` what was done with them."""
    from training.route_feedback import add_routes, read_routes, route_record

    routes = read_routes(url, catalog)
    tickets, done = add_routes(resolved.tickets, held, routes)
    record["routes"] = route_record(routes, done)
    return replace(resolved, tickets=tickets)


def fit(p: Prepared, options: Options) -> Fitted:
    """Fit the category head, with searched parameters when minutes were given for that."""
    from training.embedding import embed_all
    from training.fit import Labelled, fit_category
    from training.search import search

    own = embed_all(p.taxonomy.texts, p.embedder, options.cache, progress=False) if p.form is None else None
    data = Labelled(p.texts, p.vectors, p.resolved.leaves, p.groups)
    parameters, found = None, None
    if options.search_minutes > 0:
        parameters, found = search(
            data.take(np.flatnonzero(~p.held)), p.taxonomy, cutter=p.cutter, minutes=options.search_minutes,
            text_vectors=own, seed=options.seed, spread=options.spread,
        )  # fmt: skip
    fitted = fit_category(data, p.taxonomy, p.held, cutter=p.cutter, text_vectors=own, parameters=parameters)
    return replace(fitted, search=found)


def _filler(p: Prepared, fitted: Fitted, report: dict[str, Any], options: Options) -> Callable[[Path], dict[str, Any]]:
    from models.bundle import HISTORY
    from models.locations import data_dir
    from training.risk_check import FILE as CHECK
    from training.risk_check import risk_figures
    from training.simulate import usable

    def fill(folder: Path) -> dict[str, Any]:
        fitted.model.save(folder / "category")
        if p.form is not None:
            p.form.save(folder)
        history = unit_history(p)
        if history["accepted"]:
            text = json.dumps(history, ensure_ascii=False, indent=1, sort_keys=True)
            (folder / HISTORY).write_text(text, encoding="utf-8")
        made = record(
            p.source, p.base, p.embedder.name, options.seed, rows=len(p.texts), held=len(fitted.held),
            left_out=p.intake.left_out, taxonomy=p.resolved.taxonomy,
            metrics={"held_out": fitted.metrics, "groups": len(set(p.groups.tolist())), "refitted": fitted.refitted},
            risk=risk_figures(p.base, p.catalog, data_dir() / "tickets" / CHECK, p.embedder, options.cache),
        )  # fmt: skip
        more = {k: v for k, v in (("feedback", p.feedback), ("search", fitted.search), ("finetune", p.finetune)) if v}
        chosen = report["simulator"]["chosen"]
        return {**made, **more, "profile": report["profile"], "operating_point": chosen if usable(chosen) else None}

    return fill


def audit_tickets(
    source: str, mapping_file: Path, options: Options, out: Path, method: str = "auto"
) -> tuple[int, str]:
    """Write the suspicious labels of all tickets to a workbook, each judged by a model that had not seen it.

    Four fits on three quarters of the groups each; nothing is trained for use. What a person has decided is not
    doubted. Returns the number of suspects and the method that found them (`own` or `cleanlab`).
    """
    from models.classifier import CategoryClassifier
    from training.audit import cross_probabilities, method_for, write_suspects
    from training.fit import calibration

    find, method = method_for(method)
    p = prepare_tickets(source, load_mapping(mapping_file), replace(options, measure_most=0))
    leaves = p.resolved.leaves
    given = np.array([p.taxonomy.index[leaf] for leaf in leaves])

    def score(train: NDArray[np.int64], test: NDArray[np.int64]) -> NDArray[np.float64]:
        model = CategoryClassifier(cutter=p.cutter).fit(
            [p.texts[i] for i in train], [leaves[i] for i in train], embeddings=p.vectors[train], taxonomy=p.taxonomy
        )
        return model.decision_function([p.texts[i] for i in test], p.vectors[test]).astype(np.float64)

    scores = cross_probabilities(score, p.groups, len(p.taxonomy.leaves), seed=options.seed).astype(np.float32)
    helper = CategoryClassifier()
    helper.taxonomy_ = p.taxonomy
    helper.temperature_, helper.exponents_ = calibration(scores, given, p.taxonomy)
    suspects = [s for s in find(helper.calibrate_scores(scores), given) if not p.tickets[s.position].corrected]

    def name(leaf: int) -> str:
        return " / ".join(p.taxonomy.names[k] for k in p.taxonomy.paths[leaf])

    write_suspects(
        out,
        [
            [t.key, t.row, s.doubt, name(s.given), name(s.believed), s.confidence, t.text[:300]]
            for s, t in ((s, p.tickets[s.position]) for s in suspects)
        ],
    )
    return len(suspects), method


def _check(source: str, intake: Intake, skip_bad: bool) -> None:
    if not intake.read:
        raise TrainError(f"{source}: 只有表头,没有工单")
    for why, n in intake.left_out.items():
        if n > EMPTY_LIMIT * intake.read and not skip_bad:
            first = next(f for f in intake.faults if f.what.split(":")[0] == why)
            raise TrainError(
                f"{source}: {intake.read} 行中有 {n} 行{why}({n / intake.read:.0%}),如第 {first.row} 行列"
                f"“{first.column}”({first.what});请核对映射,确要略过请加 --skip-bad"
            )


def _check_labels(source: str, resolved: Resolved) -> None:
    """Raise TrainError when too few labels are left, naming those that the catalogue lacks."""
    try:
        check_learnable(source, [(leaf,) for leaf in resolved.leaves])
    except TrainError as error:
        outside = ";".join(f"{k}({n} 行;相近:{'、'.join(near) or '无'})" for k, n, near in resolved.unknown[:10])
        raise TrainError(f"{error}。目录里没有的标签:{outside}" if outside else str(error)) from error


def _words(base: Path) -> list[str]:
    return json.loads((base / "category" / "head.json").read_text(encoding="utf-8"))["words"] or []
