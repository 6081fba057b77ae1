"""Structured logs: one JSON object a line with a request id; never the text of a call or the message of an error."""

from __future__ import annotations

import datetime
import logging
import sys
import traceback

LOG = logging.getLogger("yousu")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON; an exception is told by type and place, never by its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        import orjson

        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        line["event"] = record.getMessage()
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            frames = traceback.extract_tb(error.__traceback__)[-8:]
            line["error"] = type(error).__name__
            line["where"] = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in frames]
        return orjson.dumps(line, default=str).decode()


def event(name: str, level: int = logging.INFO, error: BaseException | None = None, **fields: object) -> None:
    """Write a line about `name` with `fields`; `error` adds its type and place."""
    if LOG.isEnabledFor(level):
        info = (type(error), error, error.__traceback__) if error else None
        LOG.log(level, name, extra={"fields": fields}, exc_info=info)


def set_up(level: str) -> None:
    """Send every logger of the process to standard output as JSON lines; those of libraries only from warnings up."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=max(logging.WARNING, logging.getLevelName(level.upper())), handlers=[handler], force=True)
    LOG.setLevel(level.upper())
