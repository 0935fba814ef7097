"""Ends the streams on which callers hear of changes, all together, and tells them of our own."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.upstreams import ByteStream
from policies.people.people import Agent

_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_BETWEEN = re.compile(_LINE_END + _LINE_END + rb"(?::[^\r\n]*" + _LINE_END + rb")*\Z")
"""How the bytes end between two events of a stream, comments aside (WHATWG HTML, 9.2.5)."""
_LONGEST_END = 4

_SILENCE = 20.0
"""Seconds; most proxies hang up after 30 or 60 without a byte."""


@dataclass(frozen=True)
class Listening:
    """Who hears of changes on a stream, and what can be said there, as bytes of whole events.

    `session` is empty where the caller has none. `notice` says that the list
    of tools may be another one, and is empty where nobody asked for that;
    `farewell` is the answer to a request to listen, which acknowledges first;
    `remark` says nothing, where nothing else was said for long.
    """

    agent: Agent
    server: str
    session: str = ""
    notice: bytes = b""
    farewell: bytes = b""
    remark: bytes = b""


class OpenStreams:
    """The streams that stay open until somebody ends them: here, when the process is to end."""

    def __init__(self, silence: float = _SILENCE) -> None:
        """Start without streams; after so many seconds without a byte each has its remark.

        So proxies in between leave it open, and a caller that is gone is noticed.
        """
        self._silence = silence
        self._closing = asyncio.Event()
        self._streams: dict[Ending, None] = {}

    def __len__(self) -> int:
        """Count the open streams."""
        return len(self._streams)

    def close(self) -> None:
        """End all streams, and every new one at once."""
        self._closing.set()
        for stream in self._streams:
            stream.stir()

    def ending(self, stream: ByteStream, listening: Listening) -> "Ending":
        """Return the stream, which ends with its farewell when all are closed."""
        opened = Ending(stream, listening, self._closing, self._streams, self._silence)
        self._streams[opened] = None
        return opened

    def listening(self) -> list[Listening]:
        """Return who wants to be told of lists of tools."""
        return [stream.listening for stream in self._streams if stream.listening.notice]

    def tell(self, concerns: Callable[[Listening], bool]) -> None:
        """Tell those whom it concerns that their list of tools may be another one.

        A session hears it on its newest stream alone (specification
        2025-11-25, transports, "Multiple Connections").
        """
        told: set[tuple[str, str]] = set()
        for stream in reversed([*self._streams]):
            who = stream.listening
            if not who.notice or not concerns(who) or (who.server, who.session) in told:
                continue
            stream.tell()
            if who.session:
                told.add((who.server, who.session))


class Ending:
    """A stream that goes on until it ends by itself, or all are closed.

    What we say stands between two events; in the middle of one, where nobody
    could read it, a notice waits and a farewell is left out. However often a
    notice is due while nothing is read, it is said once.
    """

    def __init__(
        self,
        stream: ByteStream,
        listening: Listening,
        closing: asyncio.Event,
        streams: "dict[Ending, None]",
        silence: float,
    ) -> None:
        """Use `OpenStreams.ending`."""
        self.listening = listening
        self._stream = stream
        self._closing = closing
        self._streams = streams
        self._silence = silence
        self._silent = False
        self._tail = b"\n\n"
        self._between = True
        self._begun = not listening.farewell
        self._due = False
        self._ended = False
        self._stirred = asyncio.Event()
        self._stirring: asyncio.Task[bool] | None = None
        self._following: asyncio.Future[bytes] | None = None

    def tell(self) -> None:
        """Say the notice as soon as it can be read."""
        self._due = True
        self.stir()

    def stir(self) -> None:
        """Look up from waiting: there is something else to do."""
        self._stirred.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        while not self._closing.is_set():
            if self._due and self._begun and self._between:
                self._due = False
                return self.listening.notice
            chunk = await self._chunk()
            if chunk is not None:
                self._passes(chunk)
                return chunk
            if self._silent and self.listening.remark and self._begun and self._between:
                return self.listening.remark
        self._ended = True
        await self._let_go()
        if not self.listening.farewell or not self._between:
            raise StopAsyncIteration
        return self.listening.farewell

    async def aclose(self) -> None:
        """Give the stream up."""
        self._streams.pop(self, None)
        await self._let_go()
        await self._stream.aclose()

    def _passes(self, chunk: bytes) -> None:
        self._begun = True
        text = (b"\n\n" if self._between else self._tail) + chunk
        self._between = _BETWEEN.search(text) is not None
        self._tail = text[-_LONGEST_END:]

    async def _chunk(self) -> bytes | None:
        """Return the next bytes; None where it was stirred, or silent, before they came.

        Raises what the stream raises.
        """
        if self._following is None:
            self._following = asyncio.ensure_future(self._stream.__anext__())
        if self._stirring is None:
            self._stirring = asyncio.create_task(self._stirred.wait())
        following = self._following
        either: set[asyncio.Future[bytes] | asyncio.Future[bool]] = {following, self._stirring}
        done, _ = await asyncio.wait(
            either, timeout=self._silence, return_when=asyncio.FIRST_COMPLETED
        )
        self._silent = not done
        if following.done():
            self._following = None
            return following.result()
        if not done:
            return None
        self._stirring = None
        self._stirred.clear()
        return None

    async def _let_go(self) -> None:
        waiting = [task for task in (self._following, self._stirring) if task is not None]
        self._following = self._stirring = None
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
