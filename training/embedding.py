"""Embedding many texts in shards kept on disk, so that a killed training goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder

SHARD = 256
"""Texts of one shard."""


def embed_all(
    texts: Sequence[str], embedder: Embedder, cache: Path, *, limit: int = 200, progress: bool = True
) -> NDArray[np.float32]:
    """Return (n_texts, dimension) query vectors of the first `limit` characters of `texts`.

    Equal texts are embedded once. A shard's file is named after its texts and the encoder, so it is only ever
    used again for exactly those; texts of like length share a shard.
    """
    cut = [t[:limit] for t in texts]
    unique = sorted(set(cut), key=lambda t: (len(t), t))
    shards = [unique[i : i + SHARD] for i in range(0, len(unique), SHARD)]
    files = [cache / f"{_key(embedder.name, shard)}.npy" for shard in shards]
    cache.mkdir(parents=True, exist_ok=True)
    known = [f.is_file() for f in files]
    vectors = np.zeros((len(unique), embedder.dimension), np.float32)
    start = 0
    with _Bar(len(unique), progress, f"向量化(已有 {sum(known)}/{len(known)} 段)" if any(known) else "向量化") as bar:
        for shard, file in zip(shards, files, strict=True):
            found = _read(file, len(shard), embedder.dimension)
            if found is None:
                parts = []
                for i in range(0, len(shard), 32):
                    parts.append(embedder.encode(shard[i : i + 32], kind="query"))
                    bar.advance(len(parts[-1]))
                found = np.vstack(parts)
                _write(file, found)
            else:
                bar.advance(len(shard))
            vectors[start : start + len(shard)] = found
            start += len(shard)
    place = {t: i for i, t in enumerate(unique)}
    return vectors[[place[t] for t in cut]]


def _key(name: str, texts: Sequence[str]) -> str:
    digest = hashlib.sha256(name.encode())
    for text in texts:
        digest.update(text.encode("utf-8", "replace") + b"\x00")
    return digest.hexdigest()[:32]


def _read(file: Path, rows: int, dimension: int) -> NDArray[np.float32] | None:
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == (rows, dimension) else None


def _write(file: Path, vectors: NDArray[np.float32]) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as handle:
        np.save(handle, vectors)
    temporary.replace(file)


class _Bar:
    """A progress bar on standard error, or nothing."""

    def __init__(self, total: int, shown: bool, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def advance(self, n: int) -> None:
        self._bar.advance(self._task, n)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
