"""Embedding many texts in shards kept on disk, so that a killed training goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder
from training.spread import Spread, Threads

SHARD = 256
"""Texts of one shard."""


def embed_all(
    texts: Sequence[str],
    embedder: Embedder,
    cache: Path,
    *,
    limit: int = 200,
    progress: bool = True,
    spread: Spread | None = None,
    folder: Path | None = None,
) -> NDArray[np.float32]:
    """Return (n_texts, dimension) query vectors of the first `limit` characters of `texts`.

    Equal texts are embedded once. A shard's file is named after its texts and the encoder, so it is only ever
    used again for exactly those; texts of like length share a shard. `spread` says where the work is done
    (threads of this process when None); `folder` is the encoder's folder, which other machines need.
    """
    cut = [t[:limit] for t in texts]
    unique = sorted(set(cut), key=lambda t: (len(t), t))
    starts = range(0, len(unique), SHARD)
    shards = [unique[i : i + SHARD] for i in starts]
    files = [cache / f"{_key(embedder.name, shard)}.npy" for shard in shards]
    cache.mkdir(parents=True, exist_ok=True)
    vectors = np.zeros((len(unique), embedder.dimension), np.float32)
    missing: list[int] = []
    for i, (shard, file) in enumerate(zip(shards, files, strict=True)):
        found = _read(file, len(shard), embedder.dimension)
        if found is None:
            missing.append(i)
        else:
            vectors[starts[i] : starts[i] + len(shard)] = found
    known = len(shards) - len(missing)
    title = f"向量化(已有 {known}/{len(shards)} 段)" if known else "向量化"
    with _Bar(len(unique), progress and bool(missing), title) as bar:
        bar.advance(len(unique) - sum(len(shards[i]) for i in missing))
        for k, found in (spread or Threads()).encode(embedder, folder, [shards[i] for i in missing]):
            i = missing[k]
            _write(files[i], found)
            vectors[starts[i] : starts[i] + len(shards[i])] = found
            bar.advance(len(shards[i]))
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
