"""Champion and challenger: listing, comparing, promoting and rolling back bundles; the pointer moves in one step."""

from __future__ import annotations

import csv
import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import check_files
from models.locations import CURRENT, current_version
from training.packing import PackingError, training_lock
from training.quick import TrainError

LOG = "log.jsonl"
_ENOUGH = 10
"""Replayed tickets of a class below which its loss says nothing."""


class GateError(TrainError):
    """A promotion that the gate refuses; the message says why."""


@dataclass(frozen=True)
class Comparison:
    """Both bundles on the same replayed tickets."""

    rows: int
    level1: tuple[float, float]
    """Accuracy of champion and challenger on the broadest level."""
    path: tuple[float, float]
    """Accuracy of the whole path: where the ticket would first be dispatched to."""
    difference: tuple[float, float, float]
    """Challenger minus champion on the whole path: mean and 95 % interval of the paired bootstrap."""
    classes: tuple[tuple[str, int, float, float], ...]
    """(class, tickets, recall of the champion, recall of the challenger), greatest loss first."""
    comparable: bool
    """False when the champion knows none of the replayed labels."""
    risk_recall: tuple[float | None, float | None] = (None, None)


def versions(bundles: Path) -> list[dict[str, Any]]:
    """Return the manifests in `bundles`, oldest first."""
    found = []
    for file in sorted(bundles.glob("*/manifest.json")):
        if not file.parent.name.startswith(".") and file.parent.name != "incoming":
            found.append(json.loads(file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda m: m.get("made_at", ""))


def folder_of(bundles: Path, version: str, shipped: Path) -> Path:
    """Return the folder of a version (or an unambiguous beginning of one); `shipped` names the shipped bundle."""
    if version == "shipped":
        return shipped
    hits = [f.parent for f in bundles.glob("*/manifest.json") if f.parent.name.startswith(version)]
    if len(hits) != 1:
        known = "、".join(sorted(f.parent.name for f in bundles.glob("*/manifest.json"))) or "无"
        raise TrainError(f"没有(或不止一个)版本 {version};现有:{known}")
    return hits[0]


def compare(champion: Path, challenger: Path, replay: Path, cache: Path, *, seed: int = 0) -> Comparison:
    """Replay tickets through both bundles."""
    if not replay.is_file():
        raise TrainError(f"{replay}: 没有可重放的工单(由 yousu train 生成)")
    with replay.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [r["text"] for r in rows]
    wanted = [tuple(r["names"].split(" / ")) for r in rows]
    said = [predicted_names(folder, texts, cache) for folder in (champion, challenger)]
    top = [np.array([s[0] == w[0] for s, w in zip(one, wanted, strict=True)]) for one in said]
    whole = [np.array([s == w for s, w in zip(one, wanted, strict=True)]) for one in said]
    known = known_names(champion)
    comparable = any(w[0] in known for w in wanted)
    names = np.array([w[0] for w in wanted])
    classes = [
        (str(c), int((names == c).sum()), float(top[0][names == c].mean()), float(top[1][names == c].mean()))
        for c in np.unique(names)
    ]
    manifests = [json.loads((f / "manifest.json").read_text(encoding="utf-8")) for f in (champion, challenger)]
    risk = [m["metrics"].get("risk_recall") for m in manifests]
    return Comparison(
        rows=len(rows),
        level1=(float(top[0].mean()), float(top[1].mean())),
        path=(float(whole[0].mean()), float(whole[1].mean())),
        difference=paired_bootstrap(whole[0], whole[1], seed=seed),
        classes=tuple(sorted(classes, key=lambda c: c[3] - c[2])),
        comparable=comparable,
        risk_recall=(risk[0], risk[1]),
    )


def known_names(folder: Path) -> set[str]:
    """Return the names of the broadest categories of a bundle."""
    meta = json.loads((folder / "category" / "head.json").read_text(encoding="utf-8"))
    return {meta["names"][p[0]] for p in meta["paths"]}


def predicted_names(folder: Path, texts: Sequence[str], cache: Path) -> list[tuple[str, ...]]:
    """Return the path of names that a bundle gives to every masked text."""
    from models.classifier import CategoryClassifier
    from models.embedder import load_embedder
    from models.features import WordCutter
    from models.textform import FILE, TextForm
    from training.embedding import embed_all
    from training.tickets import prepare

    check_files(folder)
    head = CategoryClassifier.load(folder / "category")
    prepared = [prepare(t) for t in texts]
    form = TextForm.load(folder) if (folder / FILE).is_file() else None
    if form is not None:
        prepared = [form.apply(t, head.cutter or WordCutter()) for t in prepared]
    limit = form.limit if form else 4000
    vectors = embed_all(prepared, load_embedder(folder / "encoder", threads=2), cache, limit=limit, progress=False)
    proba = head.predict_proba(prepared, vectors)
    return [head.category_of(p).names for p in proba]


def paired_bootstrap(
    first: NDArray[np.bool_], second: NDArray[np.bool_], *, resamples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Return mean and 95 % interval of `second` minus `first` over paired rows."""
    difference = second.astype(float) - first.astype(float)
    rng = np.random.default_rng(seed)
    means = [difference[rng.integers(0, len(difference), len(difference))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, (0.025, 0.975))
    return float(difference.mean()), float(low), float(high)


def gate(c: Comparison, *, max_loss: float = 0.05, new_taxonomy: bool = False) -> list[str]:
    """Return the reasons against promotion; none when it may happen."""
    if not c.comparable:
        return [] if new_taxonomy else ["两个模型包的分类体系不同,无法逐件比较;确要更换体系请加 --new-taxonomy"]
    reasons = []
    if c.difference[2] < 0:
        reasons.append(
            f"首次判对率下降 {-c.difference[0]:.1%}(95% 区间 {-c.difference[2]:.1%} 到 {-c.difference[1]:.1%})"
        )
    for name, n, before, after in c.classes:
        if n >= _ENOUGH and before - after > max_loss:
            reasons.append(f"一级类别“{name}”({n} 件)由 {before:.1%} 降到 {after:.1%},超过允许的 {max_loss:.0%}")
    old, new = c.risk_recall
    if old is not None and (new is None or new < old):
        reasons.append(f"风险识别率由 {old:.1%} 降到 {'未测' if new is None else f'{new:.1%}'}")
    return reasons


def promote(
    bundles: Path, version: str, comparison: Comparison | None, *, who: str, why: str, max_loss: float = 0.05,
    new_taxonomy: bool = False,
) -> None:  # fmt: skip
    """Make `version` the champion; raises GateError (logged too) when the gate refuses it."""
    _check_reason(who, why)
    with training_lock(bundles / ".promote.lock"):
        check_files(bundles / version)
        reasons = gate(comparison, max_loss=max_loss, new_taxonomy=new_taxonomy) if comparison else []
        before = current_version(bundles)
        if reasons:
            _log(bundles, "refused", before, version, who, why, reasons)
            raise GateError(f"不予启用 {version}:" + ";".join(reasons))
        _point(bundles, version)
        _log(bundles, "promote", before, version, who, why, [])


def rollback(bundles: Path, *, who: str, why: str) -> str:
    """Return to the champion before the last change and return its version (`shipped` for the shipped bundle)."""
    _check_reason(who, why)
    with training_lock(bundles / ".promote.lock"):
        now = current_version(bundles)
        moves = [e for e in history(bundles) if e["what"] in {"promote", "rollback"}]
        stack: list[str] = []
        for event in moves:
            if event["what"] == "promote":
                stack.append(event["from"] or "shipped")
            elif stack:
                stack.pop()
        if not now or not stack:
            raise PackingError("没有可以退回的版本:当前就是随程序附带的模型包")
        back = stack[-1]
        if back != "shipped":
            check_files(bundles / back)
        _point(bundles, back)
        _log(bundles, "rollback", now, back, who, why, [])
        return back


def history(bundles: Path) -> list[dict[str, Any]]:
    """Return the log, oldest first."""
    file = bundles / LOG
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]


def _check_reason(who: str, why: str) -> None:
    if not who.strip() or not why.strip():
        raise TrainError("启用或退回要留下记录:请给出 --who 谁 和 --why 为什么")


def _point(bundles: Path, version: str) -> None:
    file = bundles / CURRENT
    if version == "shipped":
        file.unlink(missing_ok=True)
        return
    temporary = bundles / f".{CURRENT}.{os.getpid()}.tmp"
    temporary.write_text(version + "\n", encoding="utf-8")
    temporary.replace(file)


def _log(bundles: Path, what: str, before: str, version: str, who: str, why: str, reasons: Sequence[str]) -> None:
    event = {
        "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "what": what,
        "from": before,
        "to": version,
        "who": who,
        "why": why,
        "reasons": list(reasons),
    }
    with (bundles / LOG).open("a", encoding="utf-8") as file:
        file.write(json.dumps(event, ensure_ascii=False) + "\n")
