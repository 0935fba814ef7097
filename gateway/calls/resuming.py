"""Keeps track of calls whose answer the client has to take up on another stream."""

import asyncio
import json
from collections.abc import Callable, Collection
from typing import NamedTuple, TypeAlias

from gateway.calls.reading_outcomes import Outcome, response_in
from gateway.wire.event_streams import EventReader

Session: TypeAlias = tuple[str, str]
"""A server's name, and its own id of the session."""

_SECONDS = 600.0
_MOMENT = 0.1
"""Seconds in which a server notices that a stream of its has been closed."""

_NEVER = "the server ended its answer without a response, and nobody took it up again"
_USED = "the server ended its answer without a response, and its id was used again"
_ENDED = "the session was ended before the server answered"


class _Left(NamedTuple):
    """A call that is waited for: what is called with its outcome, and when that is given up."""

    end: Callable[[Outcome], None]
    timer: asyncio.TimerHandle


class _Unheard(NamedTuple):
    """A stream that lost its client while the server goes on: the ids it had, and who reads it."""

    ids: Collection[bytes]
    reading: "asyncio.Task[None]"
    let_go: Callable[[], None]


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
        self._unheard: dict[Session, list[_Unheard]] = {}

    def leave(self, session: Session, request_id: str, end: Callable[[Outcome], None]) -> None:
        """Have `end` called with the outcome of a request, whenever it is known."""
        self._finish(session, request_id, Outcome("failed", _USED))
        timer = asyncio.get_running_loop().call_later(
            self._seconds, self._finish, session, request_id, Outcome("failed", _NEVER)
        )
        self._left.setdefault(session, {})[request_id] = _Left(end, timer)

    def offer(
        self,
        session: Session,
        ids: Collection[bytes],
        reading: "asyncio.Task[None]",
        let_go: Callable[[], None],
    ) -> None:
        """Let a client take up a stream that it lost, as long as `reading` goes on with it.

        `ids` are those of its events; `let_go` has the reading end, and its call left here.
        """
        found = _Unheard(ids, reading, let_go)
        self._unheard.setdefault(session, []).append(found)
        reading.add_done_callback(lambda _: self._heard(session, found))

    async def take_up(self, session: Session, last: str) -> None:
        """Close the stream that had the event `last`, so that the server goes on on another one.

        As long as it is open the server sends the rest there, and nowhere else.
        """
        asked = last.encode(errors="surrogateescape")
        found = [each for each in self._unheard.get(session, ()) if asked in each.ids]
        for each in found:
            each.let_go()
        if found:
            await asyncio.wait([each.reading for each in found])
            await asyncio.sleep(_MOMENT)

    def _heard(self, session: Session, ended: _Unheard) -> None:
        streams = self._unheard[session]
        streams.remove(ended)
        if not streams:
            del self._unheard[session]

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
