"""Programs that a user might take instead, beside ours: the same sets, the same run, where their environment is."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.sections import OTHERS, NotRunError, Section, attempt, compared
from bench.sets import LABELLED, RETRIEVAL, Labels, Questions, collections, labelled_tables

if TYPE_CHECKING:
    from bench.peers import Peer

T = TypeVar("T")


def peers(shared: Path) -> list[Section]:
    """Each peer on each set of its task, with what ours makes of it."""
    from bench.peers import PEERS

    runs: list[tuple[str, Callable[[], Section]]] = []
    for peer in PEERS:
        sets: tuple[Any, ...] = collections(shared) if peer.task == "retrieval" else labelled_tables(shared)
        measure = retrieved if peer.task == "retrieval" else routed
        for one in sets:
            title = f"同类程序:{peer.name},{one.name if peer.task == 'retrieval' else one.title}"
            runs.append((title, lambda p=peer, o=one, t=title, m=measure: m(t, p, o)))
    return [attempt(title, run, OTHERS) for title, run in runs]


def retrieved(title: str, peer: Peer, questions: Questions) -> Section:
    """Return the retrieval of a peer beside ours."""
    from bench.peers import search
    from training.retrieval_bench import figures

    _there(peer, questions.files)
    read = questions.read()
    found = _told(lambda: search(peer, read.texts, read.questions))
    both = {f"{peer.name} {peer.version}": figures(found, read.right), "yousu": questions.measured()["yousu"]}
    section = compared(title, both, RETRIEVAL, questions.name)
    section.note = peer.how
    return section


def routed(title: str, peer: Peer, table: Labels) -> Section:
    """Return how a peer that finds categories of its own would label a table, at most, beside ours."""
    from bench.peers import ask

    _there(peer, (table.file,))
    texts, labels = table.read()
    # its rules look for words in running text, and one table is cut into words
    found = _told(lambda: ask(peer, {"texts": ["".join(t.split()) for t in texts]}))
    both = {f"{peer.name} {peer.version}(准确率上限)": at_best(found, labels), "yousu": table.measured()["yousu"]}
    section = compared(title, both, LABELLED, table.title)
    section.note = f"{peer.how};有诉为交叉检验"
    return section


def at_best(found: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    """Return accuracy and macro F1 when each category found stands for the label most frequent under it.

    No matrix of categories to labels is right more often, since this one is filled with the answers in hand.
    """
    import numpy as np

    from training.measures import per_class

    under: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for category, label in zip(found, labels, strict=True):
        under[category][label] += 1
    names, truth = np.unique(np.array(labels), return_inverse=True)
    said = np.searchsorted(names, [under[category].most_common(1)[0][0] for category in found])
    f1 = [c["f1"] for c in per_class(said, truth)]
    return {"accuracy": round(float((said == truth).mean()), 4), "macro_f1": round(float(np.mean(f1)), 4)}


def _there(peer: Peer, files: Sequence[Path]) -> None:
    if not peer.python.is_file():
        raise NotRunError("没有它的环境,先 make peers")
    if missing := [f.name for f in files if not f.is_file()]:
        raise NotRunError("没有 " + "、".join(missing))


def _told(run: Callable[[], T]) -> T:
    try:
        return run()
    except RuntimeError as error:
        raise NotRunError(f"它出错了:{error}") from error
