"""Takes hits and unanswered questions off the hot path: calls leave them here, a thread writes them in groups."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kb.feedback import Feedback
from kb.unanswered import UnansweredQueue

log = logging.getLogger(__name__)


class Recorder:
    """Writes every `interval` seconds, and at `close`; a failing database loses counts but never a call.

    A question waits until it has not grown for an interval: while a citizen speaks, the text so far is asked again
    and again, and only its last form counts.
    """

    def __init__(
        self, feedback: Feedback, queue: UnansweredQueue, *, interval: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._feedback, self._queue, self._interval, self._clock = feedback, queue, interval, clock
        self._hits: Counter[str] = Counter()
        self._waiting: dict[str, tuple[float, NDArray[np.float32]]] = {}
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def answered(self, question: str, entry_id: str) -> None:
        """Count an answer; the beginning of the question, if it waits as unanswered, is forgotten."""
        with self._guard:
            self._forget_beginnings(question)
            self._hits[entry_id] += 1
        self._start()

    def unanswered(self, question: str, vector: NDArray[np.float32]) -> None:
        """Leave a masked question that was not answered."""
        with self._guard:
            self._forget_beginnings(question)
            self._waiting[question] = (self._clock(), vector)
        self._start()

    def flush(self, *, everything: bool = True) -> None:
        """Write what has been left; without `everything` only the questions that have stopped growing."""
        with self._writing:
            due = self._clock() - (0 if everything else self._interval)
            with self._guard:
                hits, self._hits = self._hits, Counter()
                ready = {q: v for q, (at, v) in self._waiting.items() if everything or at <= due}
                for question in ready:
                    del self._waiting[question]
            try:
                self._feedback.add_hits(hits)
                if ready:
                    self._queue.add(list(ready), np.stack(list(ready.values())))
            except Exception:
                log.exception("hits and unanswered questions could not be written")

    def close(self) -> None:
        """Write everything and end the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)
            atexit.unregister(self.close)
        self.flush()

    def _forget_beginnings(self, question: str) -> None:
        for earlier in [q for q in self._waiting if question.startswith(q)]:
            del self._waiting[earlier]

    def _start(self) -> None:
        if self._thread is None:
            with self._guard:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="yousu-recorder", daemon=True)
                    self._thread.start()
                    atexit.register(self.close)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self.flush(everything=False)
