"""Makes the ids of calls."""

import itertools
import secrets
from collections.abc import Callable
from datetime import datetime


class CallIds:
    """Ids that grow with time and never repeat, whatever process makes them.

    An id is a name, not a credential: it may be guessed.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Take the clock, in UTC, and what tells this process from others."""
        self._now = now
        self._process = secrets.token_hex(4)
        self._count = itertools.count()

    def new(self) -> str:
        """Return an id: `call_` and 23 hex digits of milliseconds, process and count."""
        milliseconds = int(self._now().timestamp() * 1000)
        return f"call_{milliseconds:011x}{self._process}{next(self._count) & 0xFFFF:04x}"
