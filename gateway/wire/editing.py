"""Edits the JSON-RPC messages in a server's answer; all other bytes go on as they came."""

from collections.abc import AsyncGenerator, Callable
from typing import TypeAlias

from gateway.upstreams import ByteStream, UpstreamAnswer
from gateway.wire.event_blocks import EventBlocks, data_of, with_data
from gateway.wire.event_streams import is_event_stream

_LONGEST = 4 * 1024 * 1024
"""Bytes of a message above which it goes on as it came."""

Edit: TypeAlias = Callable[[bytes], bytes]
"""Returns a JSON-RPC message as it is to be; what it does not know it returns as it is."""


def edited(answer: UpstreamAnswer, edit: Edit) -> UpstreamAnswer:
    """Return an answer whose messages go through `edit`; a packed one stays as it is.

    Whoever closes the stream of what is returned closes that of `answer`.
    """
    if "Content-Encoding" in answer.headers:
        return answer
    streams = is_event_stream(answer.headers.get("Content-Type", ""))
    if answer.stream is not None:
        change = edited_events if streams else _edited_text
        return answer._replace(stream=change(answer.stream, edit))
    body = answer.body or b""
    if not streams:
        return answer._replace(body=edit(body))
    events = _Events(edit)
    return answer._replace(body=events.feed(body) + events.rest())


async def edited_events(stream: ByteStream, edit: Edit) -> AsyncGenerator[bytes, None]:
    """Yield a stream of events, the data of each edited (WHATWG HTML, 9.2.6)."""
    events = _Events(edit)
    try:
        async for chunk in stream:
            done = events.feed(chunk)
            if done:
                yield done
        rest = events.rest()
        if rest:
            yield rest
    finally:
        await stream.aclose()


async def _edited_text(stream: ByteStream, edit: Edit) -> AsyncGenerator[bytes, None]:
    """Yield the one message of an answer that comes in pieces."""
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in stream:
            chunks.append(chunk)
            size += len(chunk)
            if size > _LONGEST:
                yield b"".join(chunks)
                chunks.clear()
        whole = b"".join(chunks)
        yield whole if size > _LONGEST else edit(whole)
    finally:
        await stream.aclose()


class _Events:
    """Holds each event of a stream back until it is whole; comments between them go on at once."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._blocks = EventBlocks()
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what can go on, in order."""
        done = [self._edited(block) for block in self._blocks.feed(chunk)]
        if not self._begun:
            done.append(self._blocks.take_comments())
        if len(self._blocks) > _LONGEST:
            done.append(self._blocks.take_rest())
            self._begun = True
        return b"".join(done)

    def rest(self) -> bytes:
        """Return what was held back when the stream ends: some readers take that for an event."""
        return self._edited(self._blocks.take_rest())

    def _edited(self, block: bytes) -> bytes:
        """Return an event with its data edited, but the rest of one that has begun as it came."""
        if self._begun:
            self._begun = False
            return block
        told = data_of(block)
        after = told and self._edit(told)
        return block if after is None or after == told else with_data(block, after)
