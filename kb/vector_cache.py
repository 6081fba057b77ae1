"""Vectors of texts kept in a file between starts, so that none is embedded twice; only a cache, remade when unfit."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder, Kind

_MAGIC = b"yousu vectors 1\n"


class RememberingEmbedder:
    """An embedder that never embeds the same text twice, not even after a restart; `save` after encoding.

    The file holds a hash of each text, not the text, its vector and a checksum. It only grows at its end, so that
    saving costs what is new and an interrupted save loses no more than that. A record that is damaged is embedded
    again; a file of another kind is replaced. Vectors stay in the file until they are asked for.
    """

    def __init__(self, embedder: Embedder, file: Path) -> None:
        self._embedder = embedder
        self.name = embedder.name
        self.dimension = embedder.dimension
        self._file = file
        self._record = np.dtype([("key", "V32"), ("check", "<u4"), ("vector", "<f4", embedder.dimension)])
        self._header = _MAGIC + embedder.dimension.to_bytes(4, "little")
        self._new: dict[bytes, NDArray[np.float32]] = {}
        self._records = np.zeros(0, self._record)
        self._map: mmap.mmap | None = None
        self._places: dict[bytes, int] = {}
        self._read = 0
        self._open()

    def encode(self, texts: Sequence[str], *, kind: Kind, batch_size: int = 32) -> NDArray[np.float32]:
        """Return an array of shape (n_texts, dimension)."""
        keys = [hashlib.sha256(f"{self.name}\0{kind}\0{t}".encode("utf-8", "replace")).digest() for t in texts]
        known = {k: v for k in dict.fromkeys(keys) if (v := self._find(k)) is not None}
        todo = {k: t for k, t in zip(keys, texts, strict=True) if k not in known}
        if todo:
            made = self._embedder.encode(list(todo.values()), kind=kind, batch_size=batch_size)
            fresh = dict(zip(todo, np.asarray(made, np.float32), strict=True))
            self._new.update(fresh)
            known.update(fresh)
        self._let_go()
        return np.stack([known[k] for k in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def save(self) -> None:
        """Add to the file what it does not hold yet; processes may share a file."""
        if not self._new:
            return
        records = np.zeros(len(self._new), self._record)
        records["key"] = np.frombuffer(b"".join(self._new), "V32")
        records["vector"] = np.stack(list(self._new.values()))
        records["check"] = [zlib.crc32(v.tobytes()) for v in records["vector"]]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if not self._fits():
            self._file.unlink(missing_ok=True)
        with self._file.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size:
                file.truncate(size - (size - len(self._header)) % self._record.itemsize)
            file.write((b"" if size else self._header) + records.tobytes())
        self._new = {}
        self._open()

    def _fits(self) -> bool:
        try:
            with self._file.open("rb") as file:
                return file.read(len(self._header)) == self._header
        except OSError:
            return False

    def _open(self) -> None:
        if not self._fits():
            return
        count = (self._file.stat().st_size - len(self._header)) // self._record.itemsize
        if count <= self._read:
            return
        with self._file.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._records = np.frombuffer(self._map, self._record, count, len(self._header))
        keys = self._records["key"][self._read :].tobytes()
        self._places.update((keys[32 * i : 32 * i + 32], self._read + i) for i in range(count - self._read))
        self._read = count

    def _let_go(self) -> None:
        """Give back the memory of what was read of the file: of ten thousand entries it was 100 MB."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)

    def _find(self, key: bytes) -> NDArray[np.float32] | None:
        if key in self._new:
            return self._new[key]
        place = self._places.get(key)
        if place is None:
            return None
        record = self._records[place]
        vector = np.array(record["vector"])
        return vector if zlib.crc32(vector.tobytes()) == record["check"] else None
