"""What operators accepted and corrected, as training data with provenance; how far they agree; nothing is guessed."""

from __future__ import annotations

import csv
import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from training.errors import TrainError
from training.intake import Resolved, Ticket

COLUMNS = (
    "来电编号",
    "诉求内容",
    "分类代码",
    "来历",
    "坐席人数",
    "意见数",
    "当时的模型包",
    "时间",
    "反馈编号",
    "承办单位",
)
ORIGIN = "feedback"
"""`Ticket.origin` of a call that is known only from feedback."""
_TABLE = sa.table(
    "feedback",
    *(sa.column(n) for n in ("seq", "id", "call_id", "text", "field", "verdict", "proposed", "value", "who", "bundle")),
    sa.column("at", sa.DateTime),
)


@dataclass(frozen=True)
class Decision:
    """What one operator decided about the category of one call; `corrected` when the proposal was changed."""

    id: str
    call_id: str
    text: str
    code: str
    corrected: bool
    who: str
    at: datetime.datetime
    bundle: str


@dataclass(frozen=True)
class Lesson:
    """A call whose category operators settled, and where that comes from."""

    call_id: str
    text: str
    code: str
    corrected: bool
    """Whether the label is one that an operator gave against the proposal; otherwise it was accepted."""
    operators: int
    votes: int
    bundles: tuple[str, ...]
    at: datetime.datetime
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Feedback:
    """All that was said about categories."""

    lessons: list[Lesson]
    disputed: list[tuple[Decision, ...]]
    """Calls on which operators stand against each other; a person must decide, so nothing is learned from them."""
    unusable: dict[str, int]
    """Number of verdicts that teach nothing, by reason."""
    agreement: Agreement

    def record(self) -> dict[str, Any]:
        """Return the provenance as plain values."""
        return {
            "calls": len(self.lessons),
            "corrected": sum(x.corrected for x in self.lessons),
            "accepted": sum(not x.corrected for x in self.lessons),
            "disputed": len(self.disputed),
            "unusable": self.unusable,
            "bundles": dict(Counter(b for x in self.lessons for b in x.bundles).most_common()),
            "from": min((f"{x.at:%Y-%m-%d}" for x in self.lessons), default=""),
            "to": max((f"{x.at:%Y-%m-%d}" for x in self.lessons), default=""),
            "agreement": {
                "calls": self.agreement.calls,
                "pairs": self.agreement.pairs,
                "same": self.agreement.same,
                "alpha": self.agreement.alpha,
            },
        }


@dataclass(frozen=True)
class Agreement:
    """How far operators agree on calls that two or more of them judged."""

    calls: int
    pairs: int
    same: float | None
    """Share of pairs of operators with the same category for the same call; None without such a pair."""
    alpha: float | None
    """The same, corrected for chance (Krippendorff's alpha, nominal: 1 perfect, 0 chance)."""


def read_feedback(url: str, leaves: Iterable[str]) -> Feedback:
    """Read what operators said about categories from a database; raises TrainError when it cannot be read."""
    return settle(read_verdicts(url, "category"), leaves)


def read_verdicts(url: str, field: str) -> list[dict[str, Any]]:
    """Return the rows of the table `feedback` about one field, oldest first; raises TrainError."""
    shown = url.split("@")[-1]
    query = sa.select(_TABLE).where(_TABLE.c.field == field).order_by(_TABLE.c.seq)
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            rows = [dict(r) for r in connection.execute(query).mappings()]
        engine.dispose()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise TrainError(f"{shown}: 读不出坐席反馈({str(error).splitlines()[0]})") from error
    return rows


def settle(rows: Sequence[dict[str, Any]], known: Iterable[str], outside: str = "不是目录的末级代码") -> Feedback:
    """Turn rows of the table `feedback` into lessons.

    The last word of an operator about a call counts. What operators gave against the proposal outranks what was
    merely accepted; where corrections differ the majority of all decides, and a tie is left to people. A value that is
    not in `known` teaches nothing and is counted under `outside`.
    """
    known, unusable = set(known), Counter[str]()
    latest: dict[tuple[str, str], Decision] = {}
    for row in rows:
        code = row["value"] or row["proposed"] if row["verdict"] == "accept" else row["value"]
        if row["verdict"] not in {"accept", "correct"}:
            unusable["坐席拿不准"] += 1
        elif not row["text"].strip():
            unusable["没有来电文字"] += 1
        elif code not in known:
            unusable[outside] += 1
        else:
            corrected = row["verdict"] == "correct" and code != row["proposed"]
            made = Decision(
                row["id"], row["call_id"], row["text"], code, corrected, row["who"], row["at"], row["bundle"]
            )
            latest[(row["call_id"] or row["text"], row["who"])] = made
    calls: dict[str, list[Decision]] = defaultdict(list)
    for (call, _), decision in latest.items():
        calls[call].append(decision)
    lessons, disputed = [], []
    for votes in calls.values():
        code = decided(votes)
        if code:
            lessons.append(_lesson(votes, code))
        else:
            disputed.append(tuple(votes))
    return Feedback(lessons, disputed, dict(unusable), agreement([[d.code for d in v] for v in calls.values()]))


def decided(votes: Sequence[Decision]) -> str:
    """Return the code that operators settled on, or nothing when they stand against each other."""
    corrections = {d.code for d in votes if d.corrected}
    if len(corrections) == 1:
        return next(iter(corrections))
    counts = Counter(d.code for d in votes).most_common(2)
    return "" if len(counts) > 1 and counts[0][1] == counts[1][1] else counts[0][0]


def _lesson(votes: Sequence[Decision], code: str) -> Lesson:
    behind = [d for d in votes if d.code == code]
    last = max(behind, key=lambda d: d.at)
    return Lesson(
        call_id=last.call_id,
        text=last.text,
        code=code,
        corrected=any(d.corrected for d in behind),
        operators=len({d.who for d in behind}),
        votes=len(votes),
        bundles=tuple(sorted({d.bundle for d in behind})),
        at=last.at,
        ids=tuple(d.id for d in behind),
    )


def agreement(judged: Sequence[Sequence[str]]) -> Agreement:
    """Return how far the judges of each call agree (Krippendorff, Content Analysis, 2018, chapter 12)."""
    several = [codes for codes in judged if len(codes) > 1]
    pairs = sum(len(c) * (len(c) - 1) // 2 for c in several)
    if not pairs:
        return Agreement(0, 0, None, None)
    same = sum(n * (n - 1) // 2 for codes in several for n in Counter(codes).values())
    totals = Counter(code for codes in several for code in codes)
    n = totals.total()
    seen = sum(sum(k * (len(codes) - k) for k in Counter(codes).values()) / (len(codes) - 1) for codes in several)
    expected = sum(k * (n - k) for k in totals.values()) / (n - 1)
    alpha = 1 - seen / expected if expected else 1.0
    return Agreement(len(several), pairs, round(same / pairs, 4), round(alpha, 4))


def add_lessons(resolved: Resolved, feedback: Feedback) -> tuple[Resolved, dict[str, int]]:
    """Return the tickets with what operators decided, and what was done with it.

    A correction replaces the label of the ticket of the same number, unless a person has corrected that one in the
    list of suspects; an acceptance, which repeats the model's word, never replaces anything. Calls that the table
    lacks are added.
    """
    place = {t.key: i for i, t in enumerate(resolved.tickets)}
    tickets, leaves = list(resolved.tickets), list(resolved.leaves)
    done: Counter[str] = Counter()
    for lesson in feedback.lessons:
        i = place.get(lesson.call_id) if lesson.call_id else None
        if i is None:
            key = lesson.call_id or lesson.ids[0]
            tickets.append(Ticket(0, key, lesson.text, (lesson.code,), "", "", lesson.at, "", lesson.corrected, ORIGIN))
            leaves.append(lesson.code)
            done["added"] += 1
        elif tickets[i].corrected or not lesson.corrected:
            done["already_labelled"] += 1
        else:
            tickets[i], leaves[i] = replace(tickets[i], corrected=True), lesson.code
            done["relabelled"] += 1
    return replace(resolved, tickets=tickets, leaves=leaves), dict(done)


def write_lessons(file: Path, feedback: Feedback, units: Mapping[str, str] | None = None) -> None:
    """Write settled calls, then the disputed ones without a code, as a table that can be trained on.

    `units` names the unit that operators settled on, by call.
    """
    by_call = units or {}
    temporary = file.with_name(f".{file.name}.tmp")
    with temporary.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for x in feedback.lessons:
            origin = "坐席改正" if x.corrected else "坐席采纳"
            writer.writerow(
                (x.call_id, x.text, x.code, origin, x.operators, x.votes, "、".join(x.bundles),
                 f"{x.at:%Y-%m-%d %H:%M}", "、".join(x.ids), by_call.get(x.call_id, ""))
            )  # fmt: skip
        for votes in feedback.disputed:
            last = max(votes, key=lambda d: d.at)
            said = ";".join(f"{d.code}" for d in votes)
            writer.writerow(
                (last.call_id, last.text, "", f"有争议({said})", len({d.who for d in votes}), len(votes),
                 "、".join(sorted({d.bundle for d in votes})), f"{last.at:%Y-%m-%d %H:%M}",
                 "、".join(d.id for d in votes), by_call.get(last.call_id, ""))
            )  # fmt: skip
    temporary.replace(file)
