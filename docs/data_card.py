"""Text of docs/data-card.md: what the shipped data are, who wrote them and how many, counted from the files."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

Rows = list[dict[str, str]]


def rows(file: Path) -> Rows:
    """Return the rows of a CSV file."""
    with file.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def counted(values: Counter[str]) -> str:
    """Return counts as words, the most frequent first."""
    return ", ".join(f"{name or '(none)'} {n:,}" for name, n in sorted(values.items(), key=lambda v: (-v[1], v[0])))


def length(texts: list[str]) -> str:
    """Return the length of texts in characters: median, and the one of which nine in ten are shorter."""
    sizes = sorted(map(len, texts))
    return f"median {sizes[len(sizes) // 2]} characters, nine in ten under {sizes[int(len(sizes) * 0.9)] + 1}"


def files(root: Path) -> list[tuple[str, str, str]]:
    """Return (file, rows, what is in it) of each file of written texts."""
    tickets, kb, tests = root / "data" / "tickets", root / "data" / "kb", root / "tests" / "data"
    examples, risk, check = (rows(tickets / f"{n}.csv") for n in ("examples", "risk", "risk_check"))
    entries, questions = rows(kb / "entries.csv"), rows(kb / "dev_questions.csv")
    split = Counter(r["split"] for r in examples)
    leaves = {r["code"] for r in examples if r["code"]}
    told = [
        (
            "data/tickets/examples.csv", examples,
            f"calls with leaf and request type; {len(leaves)} leaves; {split['held_out']:,} held out while measuring (their authors"
            f" wrote no other row that teaches); {length([r['text'] for r in examples])}",
        ),
        (
            "data/tickets/risk.csv", risk,
            f"calls of danger ({sum(r['active'] == 'yes' for r in risk):,}) and calls that only sound like it, for the"
            " net under the rules",
        ),
        (
            "data/tickets/risk_check.csv", check,
            f"the same ({sum(r['active'] == 'yes' for r in check):,} of danger), to measure only; nothing is trained on"
            " them",
        ),
        (
            "data/kb/entries.csv", entries,
            f"knowledge entries. Status: {counted(Counter(r['status'] for r in entries))}. Rests on:"
            f" {counted(Counter(r['verification'] for r in entries))}. With a day of verification:"
            f" {sum(bool(r['verified_at']) for r in entries)}",
        ),
        (
            "data/kb/dev_questions.csv", questions,
            f"questions with the entry that answers; {sum(not r['entry_id'] for r in questions):,} that none answers;"
            " they calibrate the answers",
        ),
        (
            "data/kb/elsewhere.csv", rows(kb / "elsewhere.csv"),
            "names of places outside the city; a question that names one is answered with less confidence",
        ),
    ]  # fmt: skip
    for name, what in (
        ("long_calls", "calls as long as real messages are, to measure only"),
        ("special_calls", "calls with several requests, a withdrawal or a place, to measure only"),
        ("several", "calls with two requests, and single ones as long, to measure how calls are parted"),
        ("rule_calls", "calls for the ambiguity rules, to measure only"),
        ("landmark_calls", "calls that name a place only to say where, which must not choose a rule's branch"),
        ("risk_calls_3", "calls of danger told in passing, and calls that only sound like it, to measure only"),
        ("risk_calls_4", "calls of danger of every kind, and everyday calls that hold its words, to measure only"),
        (
            "fresh_questions",
            "questions written before their writer looked at the entries, and the entries that answer"
            " them (`yousu kb hit-test`), to measure only",
        ),
        ("personal", "sentences with made-up personal data and their masked form, for the tests of masking"),
    ):
        told.append((f"tests/data/{name}.csv", rows(tests / f"{name}.csv"), what))
    return [(f"`{name}`", f"{len(found):,}", what) for name, found, what in told]


def authors(root: Path) -> str:
    """Return how many rows each author wrote."""
    examples = rows(root / "data" / "tickets" / "examples.csv")
    questions = rows(root / "data" / "kb" / "dev_questions.csv")
    return (
        f"- Examples: {counted(Counter(r['author'] for r in examples))}.\n"
        f"- Request types: {counted(Counter(r['request_type'] for r in examples))}.\n"
        f"- Questions: {counted(Counter(r['author'] for r in questions))}."
    )


def card(root: Path, made: str) -> str:
    """Return docs/data-card.md; `made` is the line that says who wrote the file."""
    table = "\n".join(f"| {' | '.join(row)} |" for row in files(root))
    return f"""{made}

# Data card

What ships in `data/` and `tests/data/`, beside the [model card](../models/bundle/MODEL_CARD.md) that says what was learned from it.

## In one paragraph

Every text that imitates a caller was **written for this project** from the catalogue and from general knowledge of how people complain. None is a call, a web message or a ticket; none was copied or paraphrased from one; no citizen, operator or official wrote any. Public data sets were used to measure the program and are not part of it. The knowledge entries retell published law and general practice; each row says what it rests on (`verification`: a law, an official page, the press, memory) and whether and when somebody in charge verified it (`verified_at`).

## Who wrote them

The authors are the sessions that built this program: a language model, working from written briefs. An author label (`W1`, `Q1`, ...) stands for one such writer, so that what one of them wrote can be held out as a whole. The authors share habits of one kind of writer: **agreement between them says less than agreement between people would**.

{authors(root)}

## What there is

| file | rows | what is in it |
|---|---|---|
{table}

The catalogue in `data/catalog/` is a draft for one city made from public lists; each of its rows says `draft` or `verified` and names its source. `data/sample/` is a made-up city of a few rows for `yousu init --sample`; it measures nothing.

## What they are good for

- Teaching the shipped heads enough to be useful on the first day, and testing every part of the program.
- Comparing two versions of the program on the same rows.

## What they are not

- **Not a sample of calls.** Proportions of categories follow the catalogue, not a city; seasons, repeat callers and silent majorities are missing.
- **Not like calls in form.** Most are one clean sentence. Calls as they are transcribed ramble, break off, repeat and carry errors of recognition; dialect is all but absent.
- **No evidence of accuracy in service.** Figures measured on them (model card) say what the program does on text of this kind.
- **Not a source of law.** An operator reads out what the city's own editors have verified.
- **No personal data.** Names, numbers and addresses in them are invented; those in `tests/data/personal.csv` are made to look real so that masking can be tested.

## How they were kept apart

Held-out rows are by authors of whom nothing is learned while measuring; the heads that ship are then fitted on all rows. Sets to measure by are read by tests and gates only. A city replaces all of it: [new-city.zh.md](new-city.zh.md).

Licence: Apache-2.0, as the program.
"""
