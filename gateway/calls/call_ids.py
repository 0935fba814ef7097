"""Makes the ids of calls."""

import itertools
import json
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

_COUNTED = 0xFFFF
_MOMENT = 0.004
"""Seconds for which the clock is not looked at again."""


class CallIds:
    """Ids that grow with time and never repeat, whatever process makes them.

    An id is a name, not a credential: it may be guessed.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Take the clock, in UTC, and what tells this process from others."""
        self._now = now
        self._process = secrets.token_hex(4)
        self._count = itertools.count()
        self._begin = ""
        self._until = 0.0

    def new(self) -> str:
        """Return an id: `call_` and 23 hex digits of milliseconds, process and count.

        Those that are made within a moment have the same milliseconds.
        """
        count, moment = next(self._count) & _COUNTED, time.monotonic()
        if moment >= self._until or not count:  # no two of one moment have the same count
            milliseconds = int(self._now().timestamp() * 1000)
            self._begin = f"call_{milliseconds:011x}{self._process}"
            self._until = moment + _MOMENT
        return f"{self._begin}{count:04x}"


def anew(approval: str) -> str:
    """Return the id of the one call that is decided anew where a policy ended an approval.

    Whatever process of those that hold its callers asks makes the same one.
    """
    return f"call_{sha256(f'placet anew 1 {approval}'.encode()).hexdigest()[:40]}"


def named(principal: str, request: str) -> str:
    """Return the id of the call that a caller asked for with a request id of its own.

    Whatever process is asked makes the same one, and no other caller's request
    gives it: SHA-256 over both names, of which 160 bits stand in the id.
    """
    material = json.dumps(["placet request 1", principal, request]).encode()
    return f"call_{sha256(material).hexdigest()[:40]}"
