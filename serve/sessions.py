"""Calls in progress: transcripts pushed by the call platform, kept in memory only, and handed on to open panels."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field

MAX_TEXT = 20_000
"""Longest transcript that is kept, in characters; what was said first is kept."""


@dataclass(frozen=True)
class Transcript:
    """What was said so far; `settled` sentences will not change, `partial` is still being recognised."""

    settled: str = ""
    partial: str = ""
    sequence: int = 0

    @property
    def text(self) -> str:
        """Everything said so far."""
        return (self.settled + self.partial)[:MAX_TEXT]

    def heard(self, text: str, *, final: bool) -> Transcript:
        """Return the transcript after a piece: a later piece replaces the partial one, a final piece settles it."""
        settled = (self.settled + text)[:MAX_TEXT] if final else self.settled
        return Transcript(settled, "" if final else text, self.sequence + 1)


@dataclass
class _Session:
    transcript: Transcript = field(default_factory=Transcript)
    touched: float = 0.0
    waiting: set[asyncio.Event] = field(default_factory=set)


class Sessions:
    """Transcripts by session id, of this process; the least recently used are forgotten beyond `most`.

    Nothing is written to disk. Behind several replicas, send a session's requests to one of them by its id.
    """

    def __init__(self, most: int = 500, keep_seconds: float = 7200) -> None:
        self._most, self._keep = most, keep_seconds
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def push(self, session: str, text: str, *, final: bool) -> Transcript:
        """Add a piece to a session's transcript, wake its panels, return the transcript."""
        found = self._touch(session)
        found.transcript = found.transcript.heard(text, final=final)
        for event in found.waiting:
            event.set()
        return found.transcript

    async def follow(self, session: str) -> AsyncIterator[Transcript]:
        """Yield the transcript now and after every change; a slow reader gets the latest, not every one."""
        found = self._touch(session)
        event = asyncio.Event()
        found.waiting.add(event)
        try:
            while True:
                event.clear()
                yield found.transcript
                await event.wait()
        finally:
            found.waiting.discard(event)

    def _touch(self, session: str) -> _Session:
        now = time.monotonic()
        found = self._sessions.setdefault(session, _Session())
        found.touched = now
        self._sessions.move_to_end(session)
        for key in list(self._sessions):
            old = self._sessions[key]
            if len(self._sessions) <= self._most and now - old.touched < self._keep:
                break
            if not old.waiting and key != session:
                with suppress(KeyError):
                    del self._sessions[key]
        return found
