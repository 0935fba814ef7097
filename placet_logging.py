"""Writes the log to standard error: for people or for machines, nothing secret or hidden in it."""

import json
import logging
import math
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from aiohttp.http import HttpProcessingError

from policies.secrets.redaction import redact_text
from policies.values.inert import inert, inert_line

_LONGEST = 8_000
"""Characters of a sentence or a field; what is over is cut and counted."""

_LONGEST_TRACEBACK = 32_000
"""Characters of a traceback's end that are shown."""

_ROOM = "    "
_OURS = frozenset({"time", "level", "logger", "sentence", "traceback"})
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_LOST = "a line of the log could not be written\n"


class HumanFormatter(logging.Formatter):
    """Writes a record as one line for people, and its traceback indented below.

    INVARIANT: only a record begins a line that is not indented, so no text
    that somebody made Placet log can pass for another record.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines."""
        head = f"{_time(record)} {record.levelname:<7} {record.name}: {_sentence(record)}"
        return "\n".join([head, *(f"{_ROOM}{line}" for line in _traceback(record))])


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON in ASCII, with the fields given as `extra`.

    `time` is UTC (RFC 3339), `level` is in lower case; `sentence` and every
    text is redacted and inert. `traceback` is there where there is one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line."""
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "sentence": _sentence(record),
        }
        line.update(_fields(record))
        traceback = list(_traceback(record))
        if traceback:
            line["traceback"] = traceback
        return json.dumps(line)


class _Lines(logging.StreamHandler[Any]):
    """Writes to standard error; a record that cannot be written leaves a line that says so."""

    def handleError(self, _: logging.LogRecord) -> None:  # noqa: N802 (logging calls it so)
        try:
            self.stream.write(_LOST)
        except OSError:
            return  # whoever read the log has gone


class _Unquoted(logging.Filter):
    """Shortens what aiohttp says of a request that is not HTTP: it quotes header and body.

    That is the caller's fault, and no error here.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the quotation out of a record, and keep the record."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg = f"{record.getMessage()}: it is not well-formed ({type(error).__name__})"
            record.args = None
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
        return True


def log_to_stderr(level: int, *, machines: bool = False) -> None:
    """Send every logger's records of `level` and above to standard error.

    For `machines` as lines of JSON, and so is what Python itself would print.
    """
    handler = _Lines(sys.stderr)
    handler.setFormatter(JsonFormatter() if machines else HumanFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_Unquoted())
    for chatty in ("apscheduler", "asyncio", "slack_sdk", "slack_bolt"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    logging.getLogger("placet").critical("Placet ended", exc_info=(kind, error, traceback))


def _uncaught_in_thread(failed: threading.ExceptHookArgs) -> None:
    name = failed.thread.name if failed.thread else "a thread"
    if failed.exc_value is not None:
        logging.getLogger("placet").critical("%s ended", name, exc_info=failed.exc_value)


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _sentence(record: logging.LogRecord) -> str:
    try:
        said = record.getMessage()
    except (TypeError, ValueError):
        said = str(record.msg)
    return _clean(said)


def _traceback(record: logging.LogRecord) -> Iterator[str]:
    if record.exc_info and record.exc_info[0] is not None:
        text = logging.Formatter().formatException(record.exc_info)
        for line in redact_text(text[-_LONGEST_TRACEBACK:]).text.splitlines():
            yield inert(line, multiline=True)
    if record.stack_info:
        yield from map(_clean, record.stack_info.splitlines())


def _fields(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for name, value in record.__dict__.items():
        if name not in _STANDARD and name not in _OURS:
            yield _clean(name), _plain(value)


def _plain(value: object) -> object:
    """Return what JSON can hold of a field's value."""
    match value:
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return _clean(str(value))


def _clean(text: str) -> str:
    """Return a text on one line, without secrets and with nothing hidden in it."""
    return inert_line(redact_text(text).text, _LONGEST)
