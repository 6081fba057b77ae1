"""Whether an adapted encoder finds better than the original: shares of averaging on held-out questions."""

from __future__ import annotations

import json
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kb.entry import read_entries
from kb.fusion import Fusion
from models.embedder import OnnxEmbedder
from training.dev_questions import read_dev_questions
from training.encoder.adapt import Adaptation, Pair, adapt, blend
from training.encoder.build import write_encoder
from training.encoder.wheel import Weights
from training.retrieval_bench import Collection, measure
from training.tickets import prepare

TOLERANCE = 0.005
"""What MRR@10 may lose on one collection when it rises on the whole."""


@dataclass(frozen=True)
class Material:
    """`pairs` to learn from, and `checks`: collections by name whose questions and answers are not among them."""

    pairs: tuple[Pair, ...]
    checks: dict[str, Collection]


def from_entries(entries_file: Path, questions_file: Path, author: str) -> Material:
    """Return the questions, aliases and development questions of the published entries with their answers.

    A quarter of the entries, and all that `author` wrote, are not learned from; the check is that author's questions
    about that quarter, over the bare answers of all entries. Raises ValueError when no such question is left.
    """
    entries = [e for e in read_entries(entries_file) if e.status == "published"]
    answers = {e.id: e.answer for e in entries}
    apart = {e.id for e in entries if _apart(e.id, 4)}
    learned = [e for e in entries if e.id not in apart]
    pairs = [Pair("entries", prepare(q), e.answer) for e in learned for q in (e.question, *e.aliases)]
    rows = [r for r in read_dev_questions(questions_file) if r.entry_id in answers]
    pairs += [
        Pair("entries", prepare(r.question), answers[r.entry_id])
        for r in rows
        if r.entry_id not in apart and r.author != author
    ]
    texts = tuple(dict.fromkeys(answers.values()))
    place = {t: i for i, t in enumerate(texts)}
    kept = [r for r in rows if r.entry_id in apart and r.author == author]
    if not kept:
        raise ValueError(f"{questions_file}:没有作者 {author} 的开发问题可以留出")
    right = np.array([place[answers[r.entry_id]] for r in kept])
    check = Collection(texts, tuple(r.question for r in kept), right, 0)
    return Material(tuple(pairs), {f"entries, author {author}": check})


def from_pairs(pairs: Sequence[Pair]) -> Material:
    """Return all but a tenth of the passages of one source for learning; the check asks for that tenth among all."""
    texts = tuple(dict.fromkeys(p.passage for p in pairs))
    place = {t: i for i, t in enumerate(texts)}
    learned = tuple(p for p in pairs if not _apart(p.passage, 10))
    kept = [p for p in pairs if _apart(p.passage, 10)]
    if not kept:
        return Material(learned, {})
    right = np.array([place[p.passage] for p in kept])
    return Material(learned, {kept[0].source: Collection(texts, tuple(p.query for p in kept), right, 0)})


def _apart(text: str, one_in: int) -> bool:
    return zlib.crc32(text.encode()) % one_in == 0


def try_shares(
    material: Material,
    out: Path,
    calibration: Sequence[str],
    fusion: Fusion,
    shares: Sequence[float],
    options: Adaptation = Adaptation(),
    *,
    source: Path | None = None,
    licence: Path | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Learn once, measure every share of the adapted weights beside the original, write the one that wins to `out`.

    Returns `kept` (the share, 0 for none: then nothing is written) and `shares` (figures of `measure` by share and
    collection). A share wins by the mean MRR@10 of the product, if no collection loses more than `TOLERANCE`.
    `licence` is copied along.
    """
    before, after, made = adapt(material.pairs, options, source=source, tell=tell)
    out.parent.mkdir(parents=True, exist_ok=True)
    found: dict[float, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        for share in (0.0, *shares):
            folder = Path(temporary) / f"{share:g}"
            found[share] = _figures(folder, blend(before, after, share), material, calibration, fusion)
            means = {n: f["yousu"]["mrr10"] for n, f in found[share].items()}
            tell(f"份额 {share:g}:" + ";".join(f"{n} MRR {m:.4f}" for n, m in means.items()))
        kept = best_share({s: {n: f["yousu"]["mrr10"] for n, f in fs.items()} for s, fs in found.items()})
        result = {"kept": kept, **made, "shares": {f"{s:g}": f for s, f in found.items()}}
        if kept:
            folder = Path(temporary) / f"{kept:g}"
            record = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            text = json.dumps({**record, "adapted": result}, ensure_ascii=False, indent=1)
            (folder / "encoder.json").write_text(text, encoding="utf-8")
            if licence and licence.is_file():
                shutil.copy(licence, folder / licence.name)
            if out.exists():
                shutil.rmtree(out)
            folder.rename(out)
    return result


def best_share(mrr: dict[float, dict[str, float]]) -> float:
    """Return the share whose mean over the collections is the highest and that loses on none; 0.0 is the original."""
    first = mrr[0.0]
    fair = {s: f for s, f in mrr.items() if all(f[n] >= first[n] - TOLERANCE for n in first)}
    return max(fair, key=lambda s: (sum(fair[s].values()), -s))


def _figures(
    folder: Path, weights: Weights, material: Material, calibration: Sequence[str], fusion: Fusion
) -> dict[str, dict[str, dict[str, float]]]:
    write_encoder(folder, weights, "int8", calibration)
    embedder = OnnxEmbedder(folder)
    return {n: {s: f for s, f in measure(c, embedder, fusion).items() if s in ("dense", "yousu")}
            for n, c in material.checks.items()}  # fmt: skip
