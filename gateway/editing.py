"""Edits the JSON-RPC messages in a server's answer; all other bytes go on as they came."""

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TypeAlias

from gateway.event_streams import is_event_stream
from gateway.upstreams import ByteStream, UpstreamAnswer

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
    lines = _Lines(edit)
    return answer._replace(body=b"".join(lines.feed(body)) + lines.rest)


async def edited_events(stream: ByteStream, edit: Edit) -> AsyncGenerator[bytes, None]:
    """Yield a stream of events, the data of each edited (WHATWG HTML, 9.2.6)."""
    lines = _Lines(edit)
    try:
        async for chunk in stream:
            done = b"".join(lines.feed(chunk))
            if done:
                yield done
        if lines.rest:
            yield lines.rest
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


class _Lines:
    """Cuts a stream into lines, and holds an event back from its first line of data to its end."""

    def __init__(self, edit: Edit) -> None:
        self._edit = edit
        self._line: list[bytes] = []
        self._waiting = 0
        self._event: list[bytes] = []
        self._size = 0

    @property
    def rest(self) -> bytes:
        """What is held back."""
        return b"".join([*self._event, *self._line])

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what can go on, in order."""
        self._line.append(chunk)
        self._waiting += len(chunk)
        if b"\n" in chunk:
            *lines, rest = b"".join(self._line).split(b"\n")
            self._line, self._waiting = [rest], len(rest)
            for line in lines:
                yield from self._take(line + b"\n")
        if self._waiting + self._size > _LONGEST:
            yield self.rest
            self._event, self._line, self._waiting, self._size = [], [], 0, 0

    def _take(self, line: bytes) -> Iterator[bytes]:
        if not self._event and not line.startswith(b"data:"):
            yield line
            return
        self._event.append(line)
        self._size += len(line)
        if not line.rstrip(b"\r\n"):
            yield _edited(self._event, self._edit)
            self._event, self._size = [], 0


def _edited(event: list[bytes], edit: Edit) -> bytes:
    """Return the lines of an event with its data edited, in the place where that began."""
    data = [line for line in event if line.startswith(b"data:")]
    before = b"\n".join(line[5:].rstrip(b"\r\n").removeprefix(b" ") for line in data)
    after = edit(before)
    if after == before:
        return b"".join(event)
    ending = b"\r\n" if data[0].endswith(b"\r\n") else b"\n"
    written = b"".join(b"data: " + line + ending for line in after.split(b"\n"))
    rest = [line for line in event if not line.startswith(b"data:")]
    return written + b"".join(rest)
