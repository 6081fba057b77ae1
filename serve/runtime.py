"""What a process of the service holds: the engine of the moment, the encoder thread, keys, records and metrics."""

from __future__ import annotations

import asyncio
import datetime
import functools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kb.answering import AnswerResult
from serve import logs, memory, similar
from serve.batching import EncoderWorker
from serve.engine import Assist, Engine, Glance
from serve.insight.calls import CallLog
from serve.keys import KeyRing
from serve.metrics import Metrics
from serve.reading import Heard, Read, read_call
from serve.tracing import STAGES, Tracing

T = TypeVar("T")
LONG_TEXT = 300
"""Characters above which a call is concluded in a thread, so that it does not hold up the short ones."""
LONG_CONTEXT = 3000
"""Characters of earlier talk above which a call is heard in a thread: masking takes microseconds a character."""


class Runtime:
    """Shared by all requests of a process; `engine` is replaced as a whole, a request keeps the one it began with."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.settings = engine.settings
        self.records = engine.records
        self.keys = KeyRing(self.records)
        self.metrics = Metrics()
        self.calls = CallLog(self.records)
        self.encoder = EncoderWorker(batch=self.settings.encoder_batch, cache=self.settings.encoder_cache)
        endpoint = self.settings.otel_endpoint
        self.tracing = Tracing(endpoint, version=engine.bundle.version) if endpoint else None
        self.ready = True
        self.batches = 0
        self.changing_bundle = False
        self._turn = asyncio.Lock()
        self._looking = threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self._bundle_mark = self.bundle_mark()
        self._failed: tuple[Any, float] = (None, 0.0)
        self._show_versions()

    @property
    def guarded(self) -> bool:
        """Whether a key is needed."""
        return self.settings.auth == "on" or (self.settings.auth == "auto" and bool(self.keys.keys))

    # -- answering -----------------------------------------------------------------------------------------

    async def assist(
        self,
        text: str,
        *,
        on: datetime.date | None = None,
        district: str = "",
        context: Sequence[str] = (),
        record: bool = True,
        returned_by: Sequence[tuple[str, str]] = (),
    ) -> Assist:
        """Return the Assist of a call; the encoder runs in its thread, the rest in turn."""
        engine = self.engine
        heard, read, glance, spent = await self._read(engine, text, context)
        conclude = functools.partial(
            engine.conclude,
            glance=glance,
            on=on,
            district=district,
            embedding_ms=spent,
            record=record,
            returned_by=returned_by,
        )
        if len(heard.masked) > LONG_TEXT:
            result = await asyncio.to_thread(conclude, heard, read)
        else:
            result = await self._in_turn(lambda: conclude(heard, read))
        self.metrics.saw(result)
        if (stages := STAGES.get()) is not None:
            stages.update({k: v for k, v in result.timings.items() if k != "total"})
        if record and self.settings.record:
            self.calls.saw(result)
        return result

    async def answer(
        self,
        text: str,
        *,
        on: datetime.date | None = None,
        district: str = "",
        context: Sequence[str] = (),
        record: bool = True,
    ) -> AnswerResult:
        """Return only the answers."""
        engine = self.engine
        heard = await self.hear(engine, text, context, whole_only=True)
        vectors = await self.encoder.encode(engine.bundle.embedder, [heard.prepared])
        return await self._in_turn(lambda: engine.answer_heard(heard, vectors, on=on, district=district, record=record))

    async def hear(self, engine: Engine, text: str, context: Sequence[str] = (), *, whole_only: bool = False) -> Heard:
        """Return what `engine` hears; a long text, or one after much talk, is masked in a thread."""
        if len(text) <= LONG_TEXT and sum(map(len, context)) <= LONG_CONTEXT:
            return engine.hear(text, context, whole_only=whole_only)
        return await asyncio.to_thread(engine.hear, text, context, whole_only=whole_only)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        """Return what `work` gives, one call after the other in the order in which their vectors came.

        Each holds the event loop for milliseconds. Between two of them it looks at its connections: done all at once,
        the calls of a full house would keep those at the door waiting for as long as they take together.
        """
        async with self._turn:
            await asyncio.sleep(0)
            return work()

    async def _read(
        self, engine: Engine, text: str, context: Sequence[str]
    ) -> tuple[Heard, Read, Glance | None, float]:
        """Hear a call and read it; what its words tell alone is found while the encoder works."""
        heard = await self.hear(engine, text, context)
        start = time.perf_counter()
        reading = read_call(engine.bundle, heard)
        coming = self.encoder.encode(engine.bundle.embedder, next(reading))
        glance = engine.glance(heard) if len(text) <= LONG_TEXT else None
        while True:
            vectors = await coming
            try:
                coming = self.encoder.encode(engine.bundle.embedder, reading.send(vectors))
            except StopIteration as end:
                return heard, end.value, glance, (time.perf_counter() - start) * 1000

    # -- hot reload ----------------------------------------------------------------------------------------

    def bundle_mark(self) -> tuple[str, int, int]:
        """Return what changes when another bundle is promoted: where the pointer leads, and its manifest's stamp."""
        folder = self.settings.bundle_now.resolve()
        try:
            stat = (folder / "manifest.json").stat()
        except OSError:
            return str(folder), 0, 0
        return str(folder), stat.st_mtime_ns, stat.st_ino

    def watch(self) -> None:
        """Start to look for changes in a thread of its own."""
        self._watcher = threading.Thread(target=self._watch, name="reload", daemon=True)
        self._watcher.start()

    def _watch(self) -> None:
        while not self._stop.wait(self.settings.reload_seconds):
            try:
                self.look()
            except Exception as error:
                logs.event("reload_failed", logging.ERROR, error)
                self.metrics.reloads.labels("look", "failed").inc()

    def look(self) -> None:
        """Take over whatever changed: keys, entries, tickets, bundle; a bundle that does not load is refused."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        self.keys.refresh()
        self.calls.flush()
        mark = self.bundle_mark()
        if mark != self._bundle_mark and not (mark == self._failed[0] and time.monotonic() < self._failed[1]):
            self._take_bundle(mark)
        revision = str(self.engine.store.revision)
        if revision != self.engine.kb_version or self.engine.live.index.lost:
            start = time.perf_counter()
            self.engine = self.engine.with_new_entries()
            self._taken("entries", start)
        engine = self.engine
        if not similar.catch_up(engine.cases, self.records, engine.bundle.embedder, self.settings.similar_limit):
            self.engine = engine.with_new_cases()
        self.metrics.cases.set(len(self.engine.cases))

    def _take_bundle(self, mark: tuple[str, int, int]) -> None:
        start = time.perf_counter()
        try:
            self.engine = self.engine.with_new_bundle()
        except Exception as error:
            self._failed = (mark, time.monotonic() + 30)
            self.metrics.reloads.labels("bundle", "failed").inc()
            logs.event("bundle_refused", logging.ERROR, error, kept=self.engine.bundle.version)
            return
        self._bundle_mark = mark
        memory.give_back()
        self._taken("bundle", start)

    def _taken(self, what: str, start: float) -> None:
        spent = time.perf_counter() - start
        self.metrics.reloads.labels(what, "done").inc()
        self.metrics.lag.set(self.settings.reload_seconds + spent)
        self._show_versions()
        logs.event("reloaded", what=what, seconds=round(spent, 3), versions=self.engine.versions)

    def _show_versions(self) -> None:
        self.metrics.info.clear()
        self.metrics.info.labels(**self.engine.versions).set(1)

    def close(self) -> None:
        """Stop the threads and release the database."""
        self.ready = False
        self._stop.set()
        if self._watcher:
            self._watcher.join(5)
        self.calls.flush()
        self.encoder.close()
        if self.tracing:
            self.tracing.close()
