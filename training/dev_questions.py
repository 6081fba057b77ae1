"""The development questions of a knowledge base: what a caller asks, the entry that answers, whose voice it is."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from kb.asking import FILE as ASKING
from kb.asking import Asking, read_asking, shipped_asking
from kb.entry import EntryError

NEEDED = ("question", "entry_id")
ELSEWHERE = "elsewhere.csv"
"""File beside the questions that names places outside the city, in a column `name`."""


@dataclass(frozen=True)
class DevQuestion:
    """A written question; `entry_id` is empty where nothing in the knowledge base answers it."""

    question: str
    entry_id: str
    author: str


def read_dev_questions(path: Path) -> list[DevQuestion]:
    """Return the questions of a CSV; a file without the column `author` is of one voice, named "".

    Raises EntryError that lists every fault by row: a column that is missing, an empty question, or a question that
    comes twice, because a copy on both sides of a fold would be learned on and scored.
    """
    faults: list[tuple[int, str, str, str]] = []
    questions: list[DevQuestion] = []
    first: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        missing = [c for c in NEEDED if c not in (reader.fieldnames or ())]
        if missing:
            raise EntryError(path.name, [(1, c, "有此列", "缺失") for c in missing])
        for row in reader:
            one = DevQuestion(*((row.get(c) or "").strip() for c in ("question", "entry_id", "author")))
            if not one.question:
                faults.append((reader.line_num, "question", "有内容", "空"))
            elif one.question in first:
                faults.append((reader.line_num, "question", "不重复", f"与第{first[one.question]}行相同"))
            first.setdefault(one.question, reader.line_num)
            questions.append(one)
    if faults:
        raise EntryError(path.name, faults)
    return questions


def read_elsewhere(questions_file: Path) -> tuple[str, ...]:
    """Return the places outside the city named beside `questions_file`, sorted; none when there is no such file.

    A question about another place is answered by no entry, however like one it is. Raises EntryError for a missing
    column and for a name of one character, which stands in too many words.
    """
    path = questions_file.with_name(ELSEWHERE)
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if "name" not in (reader.fieldnames or ()):
            raise EntryError(path.name, [(1, "name", "有此列", "缺失")])
        names = [(reader.line_num, (row["name"] or "").strip()) for row in reader]
    if faults := [(line, "name", "至少两个字", name or "空") for line, name in names if len(name) < 2]:
        raise EntryError(path.name, faults)
    return tuple(sorted({name for _, name in names}))


def asking_beside(questions_file: Path) -> Asking:
    """Return the words that ask which lie beside `questions_file`, the shipped ones when there are none.

    Raises `kb.asking.AskingError` for faulty ones.
    """
    path = questions_file.with_name(ASKING)
    return read_asking(path) if path.is_file() else shipped_asking()
