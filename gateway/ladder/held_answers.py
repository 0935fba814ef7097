"""Answers a held call as a stream of events: signs of life first, then what became of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime

from aiohttp import web

from gateway.alarms import Alarm, Alarms
from gateway.callers.event_writers import event_writer
from gateway.callers.whole_answers import Reply
from gateway.calls.own_answers import renumbered
from gateway.calls.patience import Pace
from gateway.calls.reading_outcomes import FINE, OutcomeReader, is_for, response_in
from gateway.calls.relaying import breaking_of, ending_of
from gateway.tasks.task_states import waiting_for
from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from gateway.wire.errors import Code, Rejected
from gateway.wire.event_blocks import WholeEvents
from gateway.wire.event_streams import (
    LET_THROUGH,
    ONE_LINE,
    STILL_WAITING,
    event_of,
    is_event_stream,
)
from gateway.wire.json_text import NotAnObject
from policies.values.calls import Number

_END = 10**13
"""Milliseconds from 1970 to the year 2286, when progress comes to 0."""

_MARK = b"\xef\xbb\xbf"
_LARGEST = 4 * 1024 * 1024
"""Bytes of an answer above which it goes on unread."""


class HeldAnswer(Alarm):
    """The answer to one `tools/call`, begun before anybody knows what it will be.

    From `begin` on HTTP's status is 200, so whatever goes wrong is told as a
    JSON-RPC error on the stream. All progress of a call has to increase
    (specification, basic/utilities/progress), whoever holds it on its way:
    Placet's is the time, as a number between -1 and 0, so that it goes on where
    the server is another Placet, and below what any other server begins with.
    """

    __slots__ = (
        "_alarms", "_approval", "_ended", "_every", "_id", "_now", "_said", "_teams", "_token",
        "_writer",
    )  # fmt: skip

    def __init__(
        self,
        http: web.BaseRequest,
        request_id: str | Number,
        token: str | None,
        pace: Pace,
        alarms: Alarms,
        now: Callable[[], datetime],
    ) -> None:
        """Take the request, its id, and its progress token as JSON text, if it has one.

        `alarms` tell when the next sign of life is due, `now` which time it is.
        """
        super().__init__()
        self._writer = event_writer(http)
        self._alarms = alarms
        self._now = now
        self._id = request_id
        self._token = token
        self._every = pace.comments if token is None else pace.progress
        self._said = 0
        self._approval = self._teams = ""
        self._ended = False

    @property
    def reply(self) -> Reply:
        """The answer, once it has ended."""
        return self._writer.reply

    async def begin(self) -> None:
        """Send the head of the answer; the connection is not idle until it has ended."""
        await self._writer.begin()

    def beat(self, approval: str, teams: str) -> None:
        """Say now that the call waits for an approval, and again and again until `still`.

        `teams` are those that are asked, in words.
        """
        self._approval, self._teams = approval, teams
        self.ring()

    def ring(self) -> None:
        """Say so once more, and see to the next time."""
        self._writer.say(self._progress() + STILL_WAITING)
        self._alarms.set(self, asyncio.get_running_loop().time() + self._every)

    def still(self) -> None:
        """Say so no more."""
        self._alarms.cancel(self)
        self._writer.hush()

    def let_through(self) -> None:
        """Say that the call waits no more."""
        self._writer.say(LET_THROUGH)

    async def tell(self, body: bytes) -> None:
        """Send one JSON-RPC message, and end the stream; an ended one stays as it is."""
        if not self._ended:
            await self._writer.write(event_of(body))
            await self._end()

    async def relay(
        self, owed: Callable[[], bool], answer: UpstreamAnswer, reader: OutcomeReader
    ) -> None:
        """Send a server's answer: its events as they are, else its JSON as one event.

        What is no JSON-RPC answer is told as an error where a response is still
        `owed`, and so is a server that breaks off, unless the client can ask for the
        rest, or has a part of a message: then the connection is cut. Raises UpstreamFailed.
        """
        if is_event_stream(answer.headers.get("Content-Type", "")) and not _packed(answer):
            await self._relay_events(owed, answer, reader)
        else:
            await self._relay_json(answer, reader.feed)
        await self._end()

    async def end(self) -> None:
        """End the stream without a message; an ended one stays as it is."""
        if not self._ended:
            await self._end()

    def cut(self) -> None:
        """Break the stream off."""
        self._writer.cut()

    async def _end(self) -> None:
        self._ended = True
        await self._writer.end()

    def _progress(self) -> bytes:
        if self._token is None:
            return b""
        self._said = progress_after(self._said, self._now())
        value = f"-0.{_END - self._said:013d}"
        message = json.dumps(waiting_for(self._approval, self._teams))
        params = f'"progressToken":{self._token},"progress":{value},"message":{message}'
        return event_of(
            f'{{"jsonrpc":"2.0","method":"notifications/progress","params":{{{params}}}}}'.encode()
        )

    async def _relay_events(
        self, owed: Callable[[], bool], answer: UpstreamAnswer, reader: OutcomeReader
    ) -> None:
        """Pass whole events on untouched; where they end without an answer, an error follows."""
        events = WholeEvents()
        first = True
        try:
            async for chunk in answer.chunks():
                reader.feed(chunk)
                passing = events.feed(chunk.removeprefix(_MARK) if first else chunk)
                first = False
                if passing:
                    await self._writer.write(passing)
            if owed() and (last := ending_of(events, reader, self._id)):
                await self._writer.write(last)
        except UpstreamFailed as failure:
            if first:
                raise
            last = breaking_of(events, reader, self._id, failure)
            if not last:
                self._writer.cut()
                raise
            await self._writer.write(last)

    async def _relay_json(self, answer: UpstreamAnswer, listen: Callable[[bytes], None]) -> None:
        async with aclosing(answer.chunks()) as chunks:
            body = await _read(chunks, listen)
            if len(body) <= _LARGEST:
                await self._writer.write(event_of(self._answering(answer, body)))
                return
            await self._writer.write(b"data: " + body.translate(ONE_LINE))
            try:
                async for chunk in chunks:
                    listen(chunk)
                    await self._writer.write(chunk.translate(ONE_LINE))
            except UpstreamFailed:
                self._writer.cut()
                raise
            await self._writer.write(b"\n\n")

    def _answering(self, answer: UpstreamAnswer, body: bytes) -> bytes:
        """Return a body as an answer to this request.

        An error of which HTTP's status told as well, which was sent long ago,
        gets the request's id, whichever it has.
        """
        found = None if _packed(answer) else response_in(body, show=False)
        if found is not None and is_for(found[0], self._id):
            return body
        try:
            if found is not None and found[1].name == "rpc-error" and answer.status not in FINE:
                return renumbered(body, self._id)
        except (NotAnObject, UnicodeDecodeError):
            pass
        text = f"the server answered with HTTP status {answer.status} and no JSON-RPC response"
        return self._error(f"{text}; the call may have run, so look before you call again")

    def _error(self, text: str) -> bytes:
        return Rejected(200, Code.SERVER_FAILED, text, id=self._id).body()


def progress_after(said: int, at: datetime) -> int:
    """Return the milliseconds from 1970 to `at` (UTC); at least one more than what was said."""
    return max(said + 1, int(at.timestamp() * 1000))


async def _read(chunks: AsyncIterator[bytes], listen: Callable[[bytes], None]) -> bytes:
    """Return the bytes of an answer, but not much more than can be looked into."""
    read: list[bytes] = []
    size = 0
    async for chunk in chunks:
        listen(chunk)
        read.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            break
    return b"".join(read)


def _packed(answer: UpstreamAnswer) -> bool:
    return "Content-Encoding" in answer.headers
