"""Answers a held call as a stream of events: signs of life first, then what became of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

from aiohttp import web

from gateway.errors import Code, Rejected
from gateway.event_streams import ONE_LINE, event_of, is_event_stream
from gateway.json_text import NotAnObject, members, with_member, with_members
from gateway.patience import Pace
from gateway.reading_outcomes import OutcomeReader, is_for, response_in
from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from policies.calls import Number
from policies.strict_json import canonical

_STREAM = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}
_STILL_HERE = b": still waiting\n\n"
_STEP = 1e-6
_MARK = b"\xef\xbb\xbf"
_LARGEST = 4 * 1024 * 1024
"""Bytes of an answer above which it goes on unread."""


class HeldAnswer:
    """The answer to one `tools/call`, begun before anybody knows what it will be.

    From `begin` on HTTP's status is 200, so whatever goes wrong is told as a
    JSON-RPC error on the stream. Progress counts from -1 upwards in tiny steps:
    that of the server, which may follow, begins at 0 or later, and all of it
    has to increase (specification, basic/utilities/progress).
    """

    def __init__(
        self,
        http: web.BaseRequest,
        request_id: str | Number,
        token: str | None,
        pace: Pace,
    ) -> None:
        """Take the request, its id, and its progress token as JSON text, if it has one."""
        self._http = http
        self._id = request_id
        self._token = token
        self._every = pace.comments if token is None else pace.progress
        self._steps = 0
        self._beating: asyncio.Task[None] | asyncio.TimerHandle | None = None
        self._ended = False
        self.response = web.StreamResponse(headers=_STREAM)

    async def begin(self) -> None:
        """Send the head of the answer; the connection is not idle until it has ended."""
        await self.response.prepare(self._http)
        self._http.protocol.keep_alive(val=True)  # which takes the timer away
        self.response.headers.clear()  # they are sent, and thousands may wait

    def beat(self, waiting: str) -> None:
        """Say now that the call is `waiting`, and again and again until `still`.

        By a task that is gone until the next time: thousands may wait.
        """
        self._beating = asyncio.get_running_loop().create_task(self._say(waiting))

    def still(self) -> None:
        """Say so no more."""
        if self._beating is not None:
            self._beating.cancel()

    async def tell(self, body: bytes) -> None:
        """Send one JSON-RPC message, and end the stream; an ended one stays as it is."""
        if not self._ended:
            await self.response.write(event_of(body))
            await self._end()

    async def relay(self, answer: UpstreamAnswer, reader: OutcomeReader) -> web.StreamResponse:
        """Send a server's answer: its events as they are, else its JSON as one event.

        What is no JSON-RPC answer is told as an error. Where the server breaks
        off in the middle of an event, the connection is cut. Raises UpstreamFailed.
        """
        if is_event_stream(answer.headers.get("Content-Type", "")) and not _packed(answer):
            await self._relay_events(answer, reader.feed)
        else:
            await self._relay_json(answer, reader.feed)
        await self._end()
        return self.response

    async def _end(self) -> None:
        self._ended = True
        await self.response.write_eof()

    async def _say(self, waiting: str) -> None:
        try:
            await self.response.write(self._progress(waiting) + _STILL_HERE)
        except ConnectionError:
            return  # the caller is gone, which whoever serves the request is told
        self._beating = asyncio.get_running_loop().call_later(self._every, self.beat, waiting)

    def _progress(self, waiting: str) -> bytes:
        if self._token is None:
            return b""
        self._steps += 1
        value = f"{-1 + self._steps * _STEP:.6f}"
        params = f'"progressToken":{self._token},"progress":{value},"message":{json.dumps(waiting)}'
        return event_of(
            f'{{"jsonrpc":"2.0","method":"notifications/progress","params":{{{params}}}}}'.encode()
        )

    async def _relay_events(self, answer: UpstreamAnswer, listen: Callable[[bytes], None]) -> None:
        """Pass events on untouched; one that ends without an answer gets an error for one."""
        reader = OutcomeReader(answer, show=False)
        first = True
        try:
            async for chunk in answer.chunks():
                listen(chunk)
                reader.feed(chunk)
                await self.response.write(chunk.removeprefix(_MARK) if first else chunk)
                first = False
        except UpstreamFailed:
            if not first:
                self._cut()
            raise
        if not reader.answered and not reader.resumable:
            text = "the server ended its answer without a response; the call may have run"
            await self.response.write(b"\n\n" + event_of(self._error(text)))

    async def _relay_json(self, answer: UpstreamAnswer, listen: Callable[[bytes], None]) -> None:
        async with aclosing(answer.chunks()) as chunks:
            body = await _read(chunks, listen)
            if len(body) <= _LARGEST:
                await self.response.write(event_of(self._answering(answer, body)))
                return
            await self.response.write(b"data: " + body.translate(ONE_LINE))
            try:
                async for chunk in chunks:
                    listen(chunk)
                    await self.response.write(chunk.translate(ONE_LINE))
            except UpstreamFailed:
                self._cut()
                raise
            await self.response.write(b"\n\n")

    def _answering(self, answer: UpstreamAnswer, body: bytes) -> bytes:
        """Return a body as an answer to this request; errors of servers may name another id."""
        found = None if _packed(answer) else response_in(body, show=False)
        if found is not None and is_for(found[0], self._id):
            return body
        try:
            if found is not None and found[1].name == "rpc-error":
                return _renumbered(body.decode(), canonical(self._id)).encode()
        except (NotAnObject, UnicodeDecodeError):
            pass
        text = f"the server answered with HTTP status {answer.status} and no JSON-RPC response"
        return self._error(f"{text}; the call may have run, so look before you call again")

    def _error(self, text: str) -> bytes:
        return Rejected(200, Code.SERVER_FAILED, text, id=self._id).body()

    def _cut(self) -> None:
        if self._http.transport is not None:
            self._http.transport.abort()


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


def _renumbered(body: str, request_id: str) -> str:
    """Return a JSON-RPC response with another id (JSON text)."""
    if "id" in members(body):
        return with_member(body, "id", request_id)
    return with_members(body, {"id": request_id})
