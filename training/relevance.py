"""What operators said about answers, as questions with the entry that answers them; what ships learns from both."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kb.asking import FILE as ASKING
from kb.exporting import export_entries
from kb.store import EntryStore
from models.bundle import MANIFEST, check_files, write_manifest
from training.answering import fit_answering
from training.dev_questions import ELSEWHERE, DevQuestion, read_dev_questions
from training.errors import TrainError
from training.retrieval import fit_fusion

AUTHOR = "坐席"
"""Whose voice the questions from feedback count as."""
_PANEL = sa.table("feedback", *(sa.column(n) for n in ("seq", "text", "field", "verdict", "proposed", "value", "who")))
_DESK = sa.table("relevance_feedback", *(sa.column(n) for n in ("id", "question", "entry_id", "verdict", "who")))


@dataclass(frozen=True)
class Vote:
    """What one operator said of one entry for one question; no entry = nothing in the knowledge base answers it."""

    question: str
    entry_id: str
    who: str
    answers: bool


@dataclass(frozen=True)
class Relevance:
    """What feedback teaches: `questions` settled, and how many could not be, by reason."""

    questions: tuple[DevQuestion, ...]
    left_out: Mapping[str, int]


def read_relevance(url: str, known: Iterable[str]) -> Relevance:
    """Read the feedback on answers of a database, from the panel and from the desk; `known` are the entries there are.

    Raises TrainError when it cannot be read.
    """
    panel = sa.select(_PANEL).where(_PANEL.c.field == "answer").order_by(_PANEL.c.seq)
    try:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            said = [dict(r) for r in connection.execute(panel).mappings()]
            told = [dict(r) for r in connection.execute(sa.select(_DESK).order_by(_DESK.c.id)).mappings()]
        engine.dispose()
    except (sa.exc.SQLAlchemyError, ImportError) as error:
        raise TrainError(f"{url.split('@')[-1]}: 读不出答复反馈({str(error).splitlines()[0]})") from error
    return settle([*(v for r in told for v in _of_desk(r)), *(v for r in said for v in _of_panel(r))], known)


def settle(votes: Sequence[Vote], known: Iterable[str]) -> Relevance:
    """Turn votes into questions: the last word of an operator on an entry counts, and the entry with most votes wins.

    A question on which two entries have as many votes, or none more for than against, is left to people.
    """
    entries, left_out = {"", *known}, Counter[str]()
    last: dict[tuple[str, str, str], bool] = {}
    for vote in votes:
        if not vote.question.strip():
            left_out["没有来电文字"] += 1
        elif vote.entry_id not in entries:
            left_out["条目已不在"] += 1
        else:
            last[vote.question, vote.entry_id, vote.who] = vote.answers
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    for (question, entry_id, _), answers in last.items():
        tally[question][entry_id] += 1 if answers else -1
    questions = []
    for question, counts in tally.items():
        (first, most), *rest = counts.most_common()
        if most < 1:
            left_out["只说了不对"] += 1
        elif rest and rest[0][1] == most:
            left_out["坐席意见不一"] += 1
        else:
            questions.append(DevQuestion(question, first, AUTHOR))
    return Relevance(tuple(questions), dict(left_out))


def adapt(bundle: Path, questions_file: Path, url: str) -> tuple[dict[str, Any], Relevance]:
    """Fit fusion and answer confidence of `bundle` to the entries and the feedback of the database `url`.

    The written questions of `questions_file` about entries that the database publishes, or about nothing, are learned
    from too. Returns the records written (`retrieval`, `answering`) and what the feedback gave. Raises TrainError when
    there is nothing to learn from.
    """
    store = EntryStore(url)
    entries = store.entries(status="published")
    store.close()
    known = {e.id for e in entries}
    relevance = read_relevance(url, known)
    asked = {q.question: q for q in relevance.questions}
    written = [q for q in read_dev_questions(questions_file) if q.entry_id in {"", *known}]
    questions = [*asked.values(), *(q for q in written if q.question not in asked)]
    if not any(q.entry_id for q in questions):
        raise TrainError(f"{url.split('@')[-1]}:应有至少一个说得出条目的问题,实际没有")
    with tempfile.TemporaryDirectory() as folder:
        listed, together = Path(folder) / "entries.csv", Path(folder) / "questions_with_feedback.csv"
        export_entries(entries, listed)
        for beside in (ELSEWHERE, ASKING):
            if (there := questions_file.with_name(beside)).is_file():
                shutil.copy(there, folder)
        with together.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("question", "entry_id", "author"))
            writer.writerows((q.question, q.entry_id, q.author) for q in questions)
        records = {
            "retrieval": fit_fusion(bundle, listed, together),
            "answering": fit_answering(bundle, listed, together),
        }
    if (bundle / MANIFEST).is_file():
        _renew_manifest(bundle)
    return records, relevance


def _renew_manifest(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    write_manifest(bundle, {k: v for k, v in manifest.items() if k not in ("version", "files")})
    check_files(bundle)


def _of_panel(row: Mapping[str, Any]) -> list[Vote]:
    text, who, proposed, value = (str(row[k] or "") for k in ("text", "who", "proposed", "value"))
    if row["verdict"] == "accept" and (value or proposed):
        return [Vote(text, value or proposed, who, True)]
    if row["verdict"] == "correct":
        against = [Vote(text, proposed, who, False)] if proposed and proposed != value else []
        return [*against, Vote(text, value, who, True)]
    return []


def _of_desk(row: Mapping[str, Any]) -> list[Vote]:
    return [Vote(row["question"], row["entry_id"], row["who"], row["verdict"] != "wrong")]
