"""Writes the log to standard error, with nothing secret and nothing hidden in it."""

import logging
import sys

from aiohttp.http import HttpProcessingError

from policies.inert import inert
from policies.redaction import redact_text

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class InertFormatter(logging.Formatter):
    """Formats a record; what looks secret is hidden, what is invisible shows as an escape."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, with its traceback."""
        return inert(redact_text(super().format(record)).text, multiline=True)


class _Unquoted(logging.Filter):
    """Shortens what aiohttp says of a request that is not HTTP: it quotes header and body."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the quotation out of a record, and keep the record."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.msg = f"{record.getMessage()}: it is not well-formed ({type(error).__name__})"
            record.args = None
            record.exc_info = None
        return True


def log_to_stderr(level: int) -> None:
    """Send every logger's records of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(InertFormatter(_FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiohttp.server").addFilter(_Unquoted())
    for chatty in ("apscheduler", "asyncio", "slack_sdk", "slack_bolt"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
