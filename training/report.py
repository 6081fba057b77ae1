"""What a training found out, as plain values: data, drift, measures, confusions, slices, suspects, simulator."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from training.measures import confusions, level_right, per_class, reliability
from training.prepared import Prepared, unit_history
from training.simulate import Costs, simulator_record, write_outcomes

if TYPE_CHECKING:
    from training.fit import Fitted

_EXAMPLES = 3
_SHOWN = 120


def build_report(
    p: Prepared, f: Fitted, costs: Costs | None = None, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the report of a training as JSON-ready values (`outcomes` aside); texts in it are masked.

    `before` is the data profile of the bundle that is measured against.
    """
    from training.audit import find_suspects

    leaf = p.taxonomy.depth - 1
    said, wanted, confidence = level_right(f.proba, f.truth, p.taxonomy, leaf)
    right = said == wanted
    held = [p.tickets[i] for i in f.held]
    went_wrong = np.array([bool(t.unit and t.final_unit and t.unit != t.final_unit) for t in held])
    known = bool(p.mapping.final_unit) and any(t.unit for t in held)
    suspects = [s for s in find_suspects(f.proba, f.truth) if not held[s.position].corrected]
    top_said, top_wanted, _ = level_right(f.proba, f.truth, p.taxonomy, 0)
    profile = data_profile(p)
    return {
        "source": Path(p.source).name if "://" not in p.source else p.source.split("@")[-1],
        "taxonomy": p.resolved.taxonomy,
        "target": p.mapping.target,
        "baseline": _baseline(p, top_wanted),
        "data": _data(p, len(f.held)),
        "profile": profile,
        "seconds": p.laps.seconds,
        "cpu_seconds": p.laps.cpu,
        "classification": f.metrics,
        "refitted": f.refitted,
        "routing": _routing(p, f),
        "classes": _classes(p, top_said, top_wanted, 0),
        "leaf_classes": _classes(p, said, wanted, leaf) if leaf else [],
        "confusions": _confusions(p, f, said, wanted, leaf),
        "reliability": {str(level + 1): _reliability(f, p, level) for level in range(p.taxonomy.depth)},
        "slices": _slices(p, f, top_said == top_wanted),
        "learning_curve": learning_curve(p, f),
        "simulator": simulator_record(confidence, right, went_wrong, costs or Costs(), known),
        "outcomes": (confidence, right, went_wrong),
        "suspects": [_suspect(p, f, s.position, s.given, s.believed, s.doubt, s.confidence) for s in suspects[:500]],
        "unknown_labels": [{"label": k, "rows": n, "near": list(near)} for k, n, near in p.resolved.unknown],
        "faults": [{"row": x.row, "column": x.column, "what": x.what} for x in p.intake.faults[:200]],
        "encoder": p.embedder.name,
        "drift": drift(profile, before),
        "feedback": p.feedback,
        "search": f.search,
        "finetune": p.finetune,
    }


def data_profile(p: Prepared) -> dict[str, Any]:
    """Return what drift is measured against later: shares of the broadest classes, lengths, months."""
    tops = [p.taxonomy.names[p.taxonomy.paths[p.taxonomy.index[leaf]][0]] for leaf in p.resolved.leaves]
    total = len(tops)
    lengths = np.array([len(t) for t in p.texts])
    months = Counter(t.time.strftime("%Y-%m") for t in p.tickets if t.time)
    return {
        "shares": {k: round(n / total, 5) for k, n in Counter(tops).most_common()},
        "length_quantiles": [int(q) for q in np.quantile(lengths, (0.1, 0.5, 0.9))],
        "months": dict(sorted(months.items())),
        "centre": [round(float(x), 4) for x in p.vectors.mean(0)],
    }


def drift(now: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any] | None:
    """Compare two profiles: population stability index of the classes (above 0.25 is a shift), angle of the centres.

    Nothing when most of the rows then were of classes that are unknown now: another taxonomy is no drift.
    """
    if not before or sum(n for name, n in before["shares"].items() if name in now["shares"]) < 0.5:
        return None
    names = sorted({*now["shares"], *before["shares"]})
    a = np.array([max(now["shares"].get(n, 0), 1e-4) for n in names])
    b = np.array([max(before["shares"].get(n, 0), 1e-4) for n in names])
    psi = float(((a - b) * np.log(a / b)).sum())
    x, y = np.array(now["centre"]), np.array(before["centre"])
    cosine = float(x @ y / max(1e-9, np.linalg.norm(x) * np.linalg.norm(y))) if len(x) == len(y) else None
    moved = sorted(
        ((n, now["shares"].get(n, 0), before["shares"].get(n, 0)) for n in names), key=lambda r: -abs(r[1] - r[2])
    )
    return {"psi": round(psi, 4), "centre_cosine": cosine and round(cosine, 4), "moved": moved[:10]}


def _baseline(p: Prepared, wanted: NDArray[np.int64]) -> dict[str, Any]:
    """The most frequent broadest class of the training side, and the share of held-out rows it alone gets right."""
    tops = p.taxonomy.ancestors[[p.taxonomy.index[leaf] for leaf in p.resolved.leaves], 0]
    most = int(np.bincount(tops[~p.held]).argmax())
    name = p.taxonomy.names[p.taxonomy.nodes[0][most]]
    return {"name": name, "accuracy": round(float((wanted == most).mean()), 4)}


def _data(p: Prepared, held: int) -> dict[str, Any]:
    times = [t.time for t in p.tickets if t.time]
    sizes = Counter(p.groups.tolist()).values()
    return {
        "read": p.intake.read,
        "used": len(p.texts),
        "left_out": p.intake.left_out,
        "trained": int((~p.held).sum()),
        "held_out": held,
        "unmeasured": p.unmeasured,
        "estimated": p.estimated,
        "from": f"{min(times):%Y-%m-%d}" if times else "",
        "to": f"{max(times):%Y-%m-%d}" if times else "",
        "split_by": p.split_by,
        "repeats": sum(n - 1 for n in sizes if n > 1),
        "groups": len(sizes),
        "corrected": sum(t.corrected for t in p.tickets),
        "final_unit_differs": sum(bool(t.unit and t.final_unit != t.unit) for t in p.tickets),
    }


def _routing(p: Prepared, f: Fitted) -> dict[str, Any] | None:
    """First-dispatch accuracy by the units that leaves had on the training side, where units are recorded."""
    accepted = unit_history(p)["accepted"]
    rows = [(k, i) for k, i in enumerate(f.held) if p.tickets[i].final_unit]
    if not accepted or not rows:
        return None
    best = {leaf: sorted(units, key=lambda u: (-units[u], u)) for leaf, units in accepted.items()}
    leaves = p.taxonomy.leaves
    first = top3 = human = 0
    for k, i in rows:
        ranked = list(dict.fromkeys(u for c in np.argsort(-f.proba[k])[:5] for u in best.get(leaves[c], ())[:1]))
        unit = p.tickets[i].final_unit
        first += ranked[:1] == [unit]
        top3 += unit in ranked[:3]
        human += p.tickets[i].unit == unit
    n = len(rows)
    return {
        "rows": n, "first_dispatch": round(first / n, 4), "top3": round(top3 / n, 4), "by_hand": round(human / n, 4)
    }  # fmt: skip


def _classes(p: Prepared, said: NDArray[np.int64], wanted: NDArray[np.int64], level: int) -> list[dict[str, Any]]:
    names = [p.taxonomy.names[k] for k in p.taxonomy.nodes[level]]
    rows = [{"name": names[c.pop("class")], **c} for c in per_class(said, wanted)]
    return sorted(rows, key=lambda r: -r["support"])


def _confusions(
    p: Prepared, f: Fitted, said: NDArray[np.int64], wanted: NDArray[np.int64], level: int
) -> list[dict[str, Any]]:
    keys, names = p.taxonomy.nodes[level], p.taxonomy.names
    return [
        {
            "wanted": names[keys[w]],
            "said": names[keys[s]],
            "rows": len(rows),
            "examples": [p.tickets[f.held[i]].text[:_SHOWN] for i in rows[:_EXAMPLES]],
        }
        for w, s, rows in confusions(said, wanted)
    ]


def _reliability(f: Fitted, p: Prepared, level: int) -> list[dict[str, float]]:
    said, wanted, confidence = level_right(f.proba, f.truth, p.taxonomy, level)
    return reliability(confidence, said == wanted)


def _slices(p: Prepared, f: Fitted, right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    lengths = np.array([len(p.texts[i]) for i in f.held])
    returned = np.array([bool(p.tickets[i].unit and p.tickets[i].unit != p.tickets[i].final_unit) for i in f.held])
    parts = {
        "30 字以内": lengths <= 30, "31–100 字": (lengths > 30) & (lengths <= 100), "100 字以上": lengths > 100,
        "曾被退回或转办": returned,
    }  # fmt: skip
    return [
        {"name": name, "rows": int(m.sum()), "accuracy": round(float(right[m].mean()), 4)}
        for name, m in parts.items()
        if m.any()
    ]


def learning_curve(p: Prepared, f: Fitted, most: int = 6000) -> list[dict[str, float]]:
    """Return level-1 accuracy on the held-out rows for a quarter, half and all of at most `most` training rows.

    A nearest-centre classifier on the vectors stands in for the head: it shows whether more tickets still help
    at a cost of milliseconds.
    """
    rows = np.flatnonzero(~p.held)
    rows = np.random.default_rng(0).permutation(rows)[:most]
    top = p.taxonomy.ancestors[[p.taxonomy.index[leaf] for leaf in p.resolved.leaves], 0]
    centre = p.vectors[rows].mean(0)
    curve = []
    for share in (0.125, 0.25, 0.5, 1.0):
        part = rows[: max(2, int(share * len(rows)))]
        x, y = p.vectors[part] - centre, top[part]
        gram = x.T @ x + np.eye(x.shape[1], dtype=np.float32)
        weights = np.linalg.solve(gram, x.T @ np.eye(int(top.max()) + 1, dtype=np.float32)[y])
        hit = ((p.vectors[f.held] - centre) @ weights).argmax(1) == top[f.held]
        curve.append({"rows": len(part), "accuracy": round(float(hit.mean()), 4)})
    return curve


def _suspect(
    p: Prepared, f: Fitted, position: int, given: int, believed: int, doubt: float, confidence: float
) -> dict[str, Any]:
    ticket = p.tickets[f.held[position]]
    label = [" / ".join(p.taxonomy.names[k] for k in p.taxonomy.paths[c]) for c in (given, believed)]
    return {
        "key": ticket.key, "row": ticket.row, "doubt": doubt, "given": label[0], "believed": label[1],
        "confidence": confidence, "text": ticket.text[:300],
    }  # fmt: skip


def write_report(folder: Path, report: dict[str, Any]) -> None:
    """Write `report.json`, `report.html` and `suspects.xlsx` into `folder`."""
    from training.audit import write_suspects
    from training.page import render

    write_outcomes(folder / "outcomes.json", *report.pop("outcomes"))
    for name, text in (
        ("report.json", json.dumps(report, ensure_ascii=False, indent=1)),
        ("report.html", render(report)),
    ):
        temporary = folder / f".{name}.tmp"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(folder / name)
    write_suspects(
        folder / "suspects.xlsx",
        [
            [s[k] for k in ("key", "row", "doubt", "given", "believed", "confidence", "text")]
            for s in report["suspects"]
        ],
    )
