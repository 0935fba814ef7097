"""Makes the ids of calls."""

import itertools
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256


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
