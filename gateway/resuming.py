"""Keeps track of calls whose answer the client has to take up on another stream."""

import asyncio
import json
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from gateway.event_streams import EventReader
from gateway.reading_outcomes import Outcome, response_in

Session: TypeAlias = tuple[str, str]
"""A server's name, and its own id of the session."""

_SECONDS = 600.0
_NEVER = "the server ended its answer without a response, and nobody took it up again"
_USED = "the server ended its answer without a response, and its id was used again"
_ENDED = "the session was ended before the server answered"


class _Left(NamedTuple):
    """A call that is waited for: what is called with its outcome, and when that is given up."""

    end: Callable[[Outcome], None]
    timer: asyncio.TimerHandle


class Resumable:
    """Calls of sessions whose stream the server ended before it answered.

    Until 2025-11-25 a server may do so once it has sent an event id; the client
    then asks for the rest with GET and `Last-Event-ID` (transports,
    "Resumability and Redelivery"). The response is listened for there, for ten
    minutes, unless its id is used again meanwhile.

    INVARIANT: every call that is left here has one end.
    """

    def __init__(self, seconds: float = _SECONDS) -> None:
        """Start with none; `seconds` is how long a call is waited for."""
        self._seconds = seconds
        self._left: dict[Session, dict[str, _Left]] = {}

    def leave(self, session: Session, request_id: str, end: Callable[[Outcome], None]) -> None:
        """Have `end` called with the outcome of a request, whenever it is known."""
        self._finish(session, request_id, Outcome("failed", _USED))
        timer = asyncio.get_running_loop().call_later(
            self._seconds, self._finish, session, request_id, Outcome("failed", _NEVER)
        )
        self._left.setdefault(session, {})[request_id] = _Left(end, timer)

    def listener(self, session: Session) -> Callable[[bytes], None]:
        """Return what listens to the bytes of a stream of this session."""
        if session not in self._left:
            return lambda _: None
        reader = EventReader()

        def listen(chunk: bytes) -> None:
            for event in reader.feed(chunk):
                found = response_in(event, show=False)
                if found is not None:
                    self._finish(session, json.dumps(found[0], ensure_ascii=False), found[1])

        return listen

    def end_session(self, session: Session) -> None:
        """End the calls of a session that its client ended."""
        for request_id in list(self._left.get(session, ())):
            self._finish(session, request_id, Outcome("failed", _ENDED))

    def _finish(self, session: Session, request_id: str, outcome: Outcome) -> None:
        calls = self._left.get(session, {})
        left = calls.pop(request_id, None)
        if not calls:
            self._left.pop(session, None)
        if left is not None:
            left.timer.cancel()
            left.end(outcome)
