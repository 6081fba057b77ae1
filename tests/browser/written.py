"""Tickets for pages to show: written examples of ours over weeks, with what became of them. They are no calls."""

from __future__ import annotations

import csv
import datetime
import json
import random
import urllib.request
from typing import Any

import numpy as np

from models.catalog import Catalog
from serve import tickets
from serve.engine import Engine
from serve.insight import outcomes
from serve.records import Records
from tests.conftest import ROOT

DAYS = 56
"""Days over which the tickets are spread, up to today."""
COMMUNITIES = ("一号院", "二号院", "三号院", "四号院", "五号院", "六号院")
"""Invented names of communities."""
REASONS = ("不属本单位职责", "属地不符", "诉求地址不详", "重复派单")
BURST = "0101010101"
"""The leaf of which one community has a burst this week."""


def send(address: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post JSON and return the reply."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{address}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def fill(engine: Engine, database: str, count: int = 600, seed: int = 7, pool: int = 120) -> None:
    """Store `count` written tickets with outcomes in a database, and a burst of heating in one community.

    They are drawn from `pool` different examples, so that few texts are embedded.
    """
    draw, catalog = random.Random(seed), engine.catalog
    rows = [r for r in _examples() if r["code"] in catalog.leaves]
    common = {BURST, *draw.sample(sorted({r["code"] for r in rows}), 8)}
    usual = draw.sample([r for r in rows if r["code"] not in common], pool // 2)
    often = draw.sample([r for r in rows if r["code"] in common], pool // 2)
    burst = [r for r in rows if r["code"] == BURST][:16]
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0, tzinfo=None)
    picked = [draw.choice(often if draw.random() < 0.6 else usual) for _ in range(count)]
    moments = [now - datetime.timedelta(days=draw.random() ** 1.2 * DAYS) for _ in picked]
    places = [draw.choice((*COMMUNITIES, "")) for _ in picked]
    picked += burst
    moments += [now - datetime.timedelta(hours=6 + 4 * i) for i in range(len(burst))]
    places += [COMMUNITIES[0]] * len(burst)
    made = [
        _ticket(catalog, draw, f"W{i:05}", row["text"], row["code"], at, place)
        for i, (row, at, place) in enumerate(zip(picked, moments, places, strict=True))
    ]
    texts = sorted({t.prepared for t, _ in made})
    vector = dict(zip(texts, engine.embed(texts), strict=True))
    vectors = np.stack([vector[t.prepared] for t, _ in made])
    records = Records(database)
    with records.write() as session:
        tickets.store(session, [t for t, _ in made], vectors, engine.bundle.embedder.name)
        outcomes.store(session, [outcomes.accept(o) for _, o in made])
    records.close()


def calls(address: str, count: int = 40, seed: int = 7) -> None:
    """Let the service answer questions of its own entries and written calls, and accept most of what it proposes."""
    draw = random.Random(seed)
    with (ROOT / "data" / "kb" / "entries.csv").open(encoding="utf-8", newline="") as file:
        questions = [r["question"] for r in csv.DictReader(file)]
    texts = [r["text"] for r in _examples() if r["code"]]
    for i in range(count):
        text = draw.choice(questions if i % 3 else texts)
        seen = send(address, "/v1/assist", {"text": text})
        code = seen["category"]["code"] if seen["category"] else ""
        if code:
            verdict = "accept" if draw.random() < 0.85 else "correct"
            body = {"text": text, "field": "category", "verdict": verdict, "proposed": code, "value": code}
            send(address, "/v1/feedback", body)


def _examples() -> list[dict[str, str]]:
    with (ROOT / "data" / "tickets" / "examples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _ticket(
    catalog: Catalog, draw: random.Random, name: str, text: str, code: str, at: datetime.datetime, place: str
) -> tuple[tickets.Ticket, dict[str, Any]]:
    district = draw.choice(catalog.districts)
    leads = [d for d in catalog.duties.get(code, ()) if d.role == "lead"]
    found = catalog.function_unit(leads[0].function, district, None) if leads else None
    unit = found.name if found else ""
    kind = draw.choices(("投诉", "求助", "咨询", "建议"), (6, 5, 2, 1))[0]
    ticket = tickets.accept(
        catalog, id=name, text=text, code=code, request_type=kind, unit=unit, district=district, accepted_at=at
    )
    others = sorted(u.name for u in catalog.units.values() if u.kind == "department" and u.level == 2)[:4]
    moved = draw.random() < 0.09
    closed = at + datetime.timedelta(hours=draw.uniform(2, 120))
    asked = draw.random() < 0.7
    outcome = {
        "ticket_id": name,
        "caller": f"c{draw.randrange(500)}",
        "community": place,
        "first_unit": draw.choice(others) if moved else unit,
        "reason": draw.choices(REASONS, (5, 3, 1, 1))[0] if moved else "",
        "closed_at": closed if closed < datetime.datetime.now() else None,
        "contacted": draw.random() < 0.95 if asked else None,
        "solved": draw.random() < 0.93 if asked else None,
        "satisfaction": draw.choices(("满意", "基本满意", "不满意"), (90, 5, 5))[0] if asked else "",
    }
    return ticket, outcome


def written_calls(count: int, seed: int = 7) -> list[str]:
    """Return written examples to be typed as calls, all different."""
    texts = sorted({r["text"] for r in _examples() if 12 <= len(r["text"]) <= 80})
    return random.Random(seed).sample(texts, count)
