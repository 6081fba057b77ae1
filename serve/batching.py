"""One thread that embeds for all concurrent calls, a few texts at a time, and remembers the last vectors."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class _Job:
    embedder: Embedder
    text: str
    done: Future[Vector] = field(default_factory=Future)


class EncoderWorker:
    """Embeds query texts off the event loop.

    `batch` is the most texts of one inference (texts of like length only: padding costs more than batching
    saves); `cache` is how many vectors are remembered. The same text asked twice at once is embedded once.
    """

    def __init__(self, *, batch: int = 4, cache: int = 4096) -> None:
        self._batch, self._size = batch, cache
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Vector] = OrderedDict()
        self._under_way: dict[tuple[str, str], Future[Vector]] = {}
        self.hits = 0
        self.misses = 0
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    def encode(self, embedder: Embedder, texts: Sequence[str]) -> Awaitable[Vector]:
        """Ask for the vectors of `texts` as queries at once; await them, of shape (n_texts, dimension), when needed."""
        return self._all([self._ask(embedder, text) for text in texts])

    @staticmethod
    async def _all(found: Sequence[Vector | Future[Vector]]) -> Vector:
        waited = [v if isinstance(v, np.ndarray) else await asyncio.shield(asyncio.wrap_future(v)) for v in found]
        return np.stack(waited)

    def _ask(self, embedder: Embedder, text: str) -> Vector | Future[Vector]:
        key = (embedder.name, text)
        with self._lock:
            vector = self._known.get(key)
            if vector is not None:
                self._known.move_to_end(key)
                self.hits += 1
                return vector
            if key in self._under_way:
                self.hits += 1
                return self._under_way[key]
            self.misses += 1
            job = _Job(embedder, text)
            self._under_way[key] = job.done
        self._jobs.put(job)
        return job.done

    @property
    def waiting(self) -> int:
        """Texts that wait for the encoder."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Stop after the texts that wait now."""
        self._jobs.put(None)
        self._thread.join(10)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            jobs: list[_Job] = []
            first = self._jobs.get()
            while True:
                if first is None:
                    stopping = True
                    break
                jobs.append(first)
                try:
                    first = self._jobs.get_nowait()
                except queue.Empty:
                    break
            for group in _alike(jobs, self._batch):
                self._embed(group)

    def _embed(self, jobs: Sequence[_Job]) -> None:
        try:
            vectors = jobs[0].embedder.encode([j.text for j in jobs], kind="query")
        except Exception as error:
            for job in jobs:
                with self._lock:
                    self._under_way.pop((job.embedder.name, job.text), None)
                job.done.set_exception(error)
            return
        for job, vector in zip(jobs, vectors, strict=True):
            key = (job.embedder.name, job.text)
            with self._lock:
                if self._size:
                    self._known[key] = vector
                    if len(self._known) > self._size:
                        self._known.popitem(last=False)
                self._under_way.pop(key, None)
            job.done.set_result(vector)


def _alike(jobs: Sequence[_Job], most: int) -> list[list[_Job]]:
    """Group jobs of one embedder and like length, the short ones first, at most `most` to a group."""
    groups: list[list[_Job]] = []
    for job in sorted(jobs, key=lambda j: len(j.text)):
        last = groups[-1] if groups else None
        if (
            last
            and len(last) < most
            and last[0].embedder is job.embedder
            and len(job.text) <= 1.3 * len(last[0].text) + 2
        ):
            last.append(job)
        else:
            groups.append([job])
    return groups
