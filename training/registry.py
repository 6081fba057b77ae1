"""Champion and challenger: listing, comparing, promoting and rolling back bundles; the pointer moves in one step."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path

from models.bundle import check_files
from models.locations import CURRENT, current_version
from models.shelf import LOG, folders, history
from training.errors import TrainError
from training.packing import PackingError, training_lock
from training.replay import Comparison
from training.risk_check import FILE as RISK_CALLS

_ENOUGH = 10
"""Replayed tickets of a class below which its loss says nothing."""


class GateError(TrainError):
    """A promotion that the gate refuses; the message says why."""


def folder_of(bundles: Path, version: str, shipped: Path) -> Path:
    """Return the folder of a version (or an unambiguous beginning of one); `shipped` names the shipped bundle."""
    if version == "shipped":
        return shipped
    there = folders(bundles)
    hits = [f for f in there if f.name == version] or [f for f in there if f.name.startswith(version)]
    if len(hits) != 1:
        known = "、".join(f.name for f in there) or "无"
        raise TrainError(f"没有(或不止一个)版本 {version};现有:{known}")
    return hits[0]


def gate(c: Comparison, *, max_loss: float = 0.05, new_taxonomy: bool = False) -> list[str]:
    """Return the reasons against promotion; none when it may happen.

    A new taxonomy cannot be compared by tickets; danger can, whatever the categories are called.
    """
    reasons = _danger(c)
    if not c.comparable:
        if not new_taxonomy:
            reasons.append("两个模型包的分类体系不同,无法逐件比较;确要更换体系请加 --new-taxonomy")
        return reasons
    what = "首次派对率" if c.dispatch_difference else "首次判对率"
    mean, low, high = c.dispatch_difference or c.difference
    if high < 0:
        reasons.append(f"{what}下降 {-mean:.1%}(95% 区间 {-high:.1%} 到 {-low:.1%})")
    for name, n, before, after in c.classes:
        if n >= _ENOUGH and before - after > max_loss:
            reasons.append(f"一级类别“{name}”({n} 件)由 {before:.1%} 降到 {after:.1%},超过允许的 {max_loss:.0%}")
    return reasons


def _danger(c: Comparison) -> list[str]:
    """Why the challenger may hear less danger than the champion; nothing when it cannot or is seen not to."""
    if c.same_danger:
        return []
    old, new = c.risk_recall
    if old is None or new is None:
        return [f"识别风险的部分与现用的不同,却没有测量用的险情来电(tickets/{RISK_CALLS}),说不清识别率有没有下降"]
    return [f"风险识别率由 {old:.1%} 降到 {new:.1%}"] if new < old else []


def promote(
    bundles: Path, version: str, comparison: Comparison, *, who: str, why: str, max_loss: float = 0.05,
    new_taxonomy: bool = False,
) -> None:  # fmt: skip
    """Make `version` the champion; raises GateError (logged too) when the gate refuses it."""
    _check_reason(who, why)
    with training_lock(bundles / ".promote.lock"):
        check_files(bundles / version)
        reasons = gate(comparison, max_loss=max_loss, new_taxonomy=new_taxonomy)
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
