"""Writes the log to standard error, with nothing secret and nothing hidden in it."""

import logging
import sys

from policies.inert import inert
from policies.redaction import redact_text

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class InertFormatter(logging.Formatter):
    """Formats a record; what looks secret is hidden, what is invisible shows as an escape."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's lines, with its traceback."""
        return inert(redact_text(super().format(record)).text, multiline=True)


def log_to_stderr(level: int) -> None:
    """Send every logger's records of `level` and above to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(InertFormatter(_FORMAT))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("apscheduler", "asyncio", "slack_sdk", "slack_bolt"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
