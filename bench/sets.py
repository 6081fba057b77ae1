"""The public sets that are measured on when they are there: which command measures each, and how a peer reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.commands import bench
from bench.sections import CLASSES, ROUTES

if TYPE_CHECKING:
    from training.retrieval_bench import Collection

RETRIEVAL = (("r1", "R@1"), ("r5", "R@5"), ("mrr10", "MRR@10"))
LABELLED = (("accuracy", "准确率"), ("macro_f1", "宏平均 F1"))


@dataclass(frozen=True)
class Questions:
    """Questions with the text that answers each, in `files`; `options` name the columns, `read` returns them all."""

    name: str
    files: tuple[Path, ...]
    options: tuple[str, ...]
    read: Callable[[], Collection]

    def measured(self) -> dict[str, dict[str, float]]:
        """Return the figures of ours and of the baselines; raises NotRunError."""
        return bench("retrieval", "--data", str(self.files[0]), *self.options, needs=self.files)


@dataclass(frozen=True)
class Labels:
    """A table of texts with a label, measured by `yousu bench COMMAND`."""

    topic: str
    name: str
    command: str
    file: Path

    @property
    def title(self) -> str:
        """What is measured, on what."""
        return f"{self.topic}:{self.name}"

    def measured(self) -> dict[str, dict[str, float]]:
        """Return the figures of ours and of the baselines; raises NotRunError."""
        return bench(self.command, "--data", str(self.file), needs=(self.file,))

    def read(self) -> tuple[list[str], list[str]]:
        """Return the texts and labels of the rows that the command measures on."""
        from collections import Counter

        from training.bench import columns_of
        from training.limits import LEAST
        from training.quick import read_labelled

        text, label = columns_of(str(self.file), "", "", self.command)
        rows = read_labelled(str(self.file), text, [label])
        counts = Counter(rows.paths)
        kept = [(t, p[0]) for t, p in zip(rows.texts, rows.paths, strict=True) if counts[p] >= LEAST[self.command]]
        return [t for t, _ in kept], [label for _, label in kept]


def collections(shared: Path) -> tuple[Questions, ...]:
    """Return the sets of questions below `shared`, there or not."""
    asked, documents, faq = (shared / f"{n}.csv" for n in ("ncp_questions", "ncp_documents", "kaohsiung_faq"))
    return (
        Questions(
            "ncp(长文档)", (asked, documents),
            ("--question", "question", "--id", "docid", "--documents", str(documents)),
            partial(_documents, asked, documents),
        ),
        Questions(
            "kaohsiung(问答)", (faq,), ("--question", "question", "--answer", "answer"), partial(_answers, faq)
        ),
    )  # fmt: skip


def labelled_tables(shared: Path) -> tuple[Labels, ...]:
    """Return the labelled tables below `shared`, there or not."""
    return (
        Labels(CLASSES, "taidi", "classify", shared / "taidi_level1_train.csv"),
        Labels(ROUTES, "kaohsiung", "route", shared / "kaohsiung_faq.csv"),
    )


def _documents(*files: Path) -> Any:
    from training.retrieval_bench import read_documents

    return read_documents(files[0], "question", "docid", files[1])


def _answers(file: Path) -> Any:
    from training.retrieval_bench import read_answers

    return read_answers(file, "question", "answer")
