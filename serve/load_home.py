"""A home of its own for `yousu bench load`: the shipped entries and made-up ones, as many as are asked for."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.entry import KnowledgeEntry
from kb.index import searchable
from kb.vector_cache import RememberingEmbedder
from models.embedder import Embedder, Kind, load_embedder
from models.locations import config_file
from serve.engine import open_store
from serve.settings import Settings

SOURCE = "压测用,由随附条目拼凑,非真实条目"
"""What stands as the source of every made-up entry."""
NOISE = 0.5
"""Length of what is random in a stand-in vector, beside two real ones of length 1."""


class Between:
    """Stands in for the encoder `name`: each vector lies between two of `real`, so it is near calls as real ones are.

    `real` holds for each kind an array of shape (n_texts, dimension). The vector has nothing to do with the text, and
    the same text does not give the same vector twice.
    """

    def __init__(self, name: str, real: Mapping[Kind, NDArray[np.float32]]) -> None:
        self.name = name
        self.dimension = next(iter(real.values())).shape[1]
        self._real = real
        self._rng = np.random.default_rng(0)

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension)."""
        real = self._real[kind]
        made = self._rng.standard_normal((len(texts), self.dimension), np.float32) * NOISE / self.dimension**0.5
        for _ in range(2):
            made += real[self._rng.integers(len(real), size=len(texts))]
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return made


def made_up(real: Sequence[KnowledgeEntry], count: int, first: int = 0) -> Iterator[KnowledgeEntry]:
    """Yield `count` published entries, each of halves of two of `real`: as long as those, of the same words."""
    rng = np.random.default_rng(first)
    for number in range(first, first + count):
        one, other = (real[int(i)] for i in rng.choice(len(real), 2, replace=len(real) < 2))
        yield dataclasses.replace(
            one, id=f"LOAD{number:07}", question=_crossed(one.question, other.question),
            aliases=tuple(_crossed(a, b) for a, b in zip(one.aliases, other.aliases, strict=False)),
            answer=_crossed(one.answer, other.answer), source=SOURCE,
        )  # fmt: skip


def _crossed(one: str, other: str) -> str:
    return one[: len(one) // 2 + 1] + other[len(other) // 2 + 1 :]


def home(entries: int, settings: Settings) -> Settings:
    """Return the settings of a home below that of `settings` with `entries` published entries, made at first use.

    Only shipped texts are embedded, and only those whose vectors `settings.home` does not remember; a made-up text gets
    a vector `Between`. Its database and index are its own; catalogue, bundle and data are those of `settings`.
    Raises ValueError when more entries are shipped than asked for, OSError.
    """
    place = settings.home.resolve() / f"load-{entries}"
    own = settings.model_copy(
        update={"home": place, "database": f"sqlite:///{place / 'yousu.db'}", "bundle": settings.bundle_now.resolve()}
    )
    store = open_store(own)
    try:
        held = store.entries(status="published")
        real = [e for e in held if e.source != SOURCE]
        if len(real) > entries or not real:
            raise ValueError(f"--entries:应不少于随附的 {len(real)} 条(随附至少 1 条),实为 {entries}")
        if (missing := entries - len(held)) > 0:
            made = made_up(real, missing, len(held) - len(real))
            store.upsert(made, who="system", why=f"压测:补足 {entries} 条")
            held = store.entries(status="published")
    finally:
        store.close()
    remembered = settings.home / "index" / "entries.vectors"
    _vectors(real, [e for e in held if e.source == SOURCE], own, remembered)
    return own


def _vectors(real: Sequence[KnowledgeEntry], made: Sequence[KnowledgeEntry], own: Settings, lent: Path) -> None:
    file = own.home / "index" / lent.name
    if not file.exists() and lent.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        shutil.copyfile(lent, temporary)
        temporary.replace(file)
    encoder = load_embedder(own.bundle / "encoder")
    standing = Between(encoder.name, _remembered(encoder, file, real))
    _remembered(standing, file, made)


def _remembered(embedder: Embedder, file: Path, entries: Sequence[KnowledgeEntry]) -> dict[Kind, NDArray[np.float32]]:
    """Return the vectors of all that is searched of `entries`, by kind; the file knows them afterwards."""
    memory, things = RememberingEmbedder(embedder, file), [searchable(e) for e in entries]
    vectors: dict[Kind, NDArray[np.float32]] = {
        "query": memory.encode([q for t in things for q in t.questions], kind="query"),
        "passage": memory.encode([p for t in things for p in t.parts], kind="passage"),
    }
    memory.save()
    return vectors


def environment(own: Settings) -> dict[str, str]:
    """Return the variables with which a service runs over the home of `own`, whatever the environment says."""
    file = config_file()
    return {
        **os.environ, "YOUSU_HOME": str(own.home), "YOUSU_DATABASE": own.database, "YOUSU_BUNDLE": str(own.bundle),
        "YOUSU_VECTORS": "faiss", **({"YOUSU_CONFIG": str(file)} if file.is_file() else {}),
    }  # fmt: skip
