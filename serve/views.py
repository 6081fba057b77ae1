"""An Assist as plain JSON and as the columns of a result file; these names are a contract with other systems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.answering import AnswerResult
from models.classifier import Category
from models.plan import RoutePlan, Target
from serve.engine import Assist
from serve.similar import Similar

ASSIST_COLUMNS = (
    "request_type", "level1", "level2", "level3", "level4", "level5", "code", "depth", "category_confidence",
    "lead", "co", "mode", "district", "street", "risk", "handover", "requests", "ask", "answered", "entry_id",
    "answer", "answer_confidence",
)  # fmt: skip
ASK_COLUMNS = ("answered", "entry_id", "answer", "basis", "confidence")


def assist_json(a: Assist) -> dict[str, Any]:
    """Return the whole Assist as JSON-ready values."""
    return {
        "text": a.text,
        "note": a.note,
        "answers": answers_json(a.answers),
        "category": category_json(a.category),
        "request_type": {"name": a.request_type, "confidence": round(a.request_type_confidence, 4)},
        "requests": [{"text": r.text, "category": category_json(r.category)} for r in a.requests],
        "risk": [vars(r) for r in a.risk],
        "places": {k: v for k, v in vars(a.places).items() if k != "mentions"},
        "route": route_json(a.route),
        "similar": similar_json(a.similar),
        "timings": a.timings,
        "versions": a.versions,
        "automatic": a.automatic,
    }


def answers_json(result: AnswerResult) -> dict[str, Any]:
    """Return answers; `entries` are what may be read out, or only the nearest titles when not answered."""
    entries = [{**vars(x), "confidence": round(x.confidence, 4)} for x in result.answers]
    if not result.answered:
        entries = [{k: e[k] for k in ("entry_id", "question", "confidence")} for e in entries]
    understood = {"understood": result.understood} if result.understood else {}
    return {"answered": result.answered, "entries": entries, **understood}


def similar_json(cases: Sequence[Similar]) -> list[dict[str, Any]]:
    """Return earlier cases."""
    return [vars(s) for s in cases]


def category_json(c: Category | None) -> dict[str, Any] | None:
    """Return a category with a row per level."""
    if c is None:
        return None
    return {
        "code": c.code,
        "names": list(c.names),
        "path": list(c.path),
        "probabilities": [round(p, 4) for p in c.probabilities],
        "depth": c.depth,
        "confidence": round(c.confidence, 4),
        "words": list(c.words),
        "alternatives": [{"code": k, "name": n, "probability": round(p, 4)} for k, n, p in c.alternatives],
    }


def route_json(r: RoutePlan) -> dict[str, Any]:
    """Return a route plan; the gain of a question that risk demands is null."""
    questions = [
        {"text": q.text, "about": q.about, "gain": None if q.about == "risk" else round(q.gain, 3)} for q in r.questions
    ]
    return {
        "mode": r.mode,
        "ask": r.ask,
        "targets": [_target_json(t) for t in r.targets],
        "alternatives": [_target_json(t) for t in r.alternatives],
        "questions": questions,
        "excluded": [{"unit": u, "why": w} for u, w in r.excluded],
        "leaf": r.leaf,
    }


def _target_json(t: Target) -> dict[str, Any]:
    return {**vars(t), "probability": round(t.probability, 4), "evidence": [vars(e) for e in t.evidence]}


def assist_row(a: Assist) -> dict[str, str]:
    """Return the cells of a result file."""
    c, best = a.category, a.answers.answers[0] if a.answers.answered else None
    names = list(c.names) if c else []
    levels = {f"level{i + 1}": names[i] if i < len(names) else "" for i in range(5)}
    active = [r for r in a.risk if r.active]
    return {
        "request_type": a.request_type,
        **levels,
        "code": c.code if c else "",
        "depth": str(c.depth) if c else "0",
        "category_confidence": f"{c.confidence:.4f}" if c else "",
        "lead": ";".join(t.unit for t in a.route.leads),
        "co": ";".join(t.unit for t in a.route.co),
        "mode": a.route.mode,
        "district": a.places.district,
        "street": a.places.street,
        "risk": ";".join(r.name for r in active),
        "handover": ";".join(dict.fromkeys(line for r in active for line in r.handover)),
        "requests": str(len(a.requests)),
        "ask": a.route.ask,
        "answered": "true" if best else "false",
        "entry_id": best.entry_id if best else "",
        "answer": best.answer if best else "",
        "answer_confidence": f"{best.confidence:.4f}" if best else "",
    }


def ask_row(result: AnswerResult) -> dict[str, str]:
    """Return the cells that `ask --file` adds."""
    best = result.answers[0] if result.answered else None
    return {
        "answered": "true" if best else "false",
        "entry_id": best.entry_id if best else "",
        "answer": best.answer if best else "",
        "basis": best.basis if best else "",
        "confidence": f"{result.answers[0].confidence:.4f}" if result.answers else "",
    }
