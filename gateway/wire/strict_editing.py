"""Edits the JSON-RPC messages of an answer once they are whole, or passes nothing of it on."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from gateway.upstreams import ByteStream, UpstreamAnswer, UpstreamFailed
from gateway.wire.errors import Code, Rejected, RequestId
from gateway.wire.event_blocks import EventBlocks, data_of, with_data
from gateway.wire.event_streams import is_event_stream
from policies.values.calls import JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import folded_key, parse

AMBIGUOUS = "is no answer that all clients read alike"
_UNREADABLE = "is not strict JSON; nobody can tell what a client would read in it"

Edit: TypeAlias = Callable[[bytes], Awaitable[bytes]]
"""Returns a message as it is to be. Raises UpstreamFailed where it is not to pass at all."""


@dataclass(frozen=True)
class StrictEditing:
    """Edits the answer of `server` to the request `asked`.

    `what` names the answer for whoever does not get it, `failing` says what
    cannot be done then; more than `longest` bytes are not taken.
    """

    server: str
    what: str
    failing: str
    longest: int
    asked: RequestId
    edit: Edit

    def failed(self, why: str) -> UpstreamFailed:
        """Return why the answer is not passed on."""
        text = f"the server `{self.server}` {self.failing}: {self.what} {why}"
        return UpstreamFailed(text, sent=True)

    def result(self, body: bytes) -> dict[str, JsonValue] | None:
        """Return the result in a message, None where it holds none. Raises UpstreamFailed."""
        if len(body) > self.longest:
            raise self.failed(self.too_long)
        try:
            told = parse(body)
        except Refused as flaw:
            raise self.failed(_UNREADABLE) from flaw
        if not isinstance(told, dict) or resembles(told, "result"):
            raise self.failed(AMBIGUOUS)
        if "result" not in told:
            return None
        result = told["result"]
        if not isinstance(result, dict):
            raise self.failed(AMBIGUOUS)
        return result

    async def answer(self, answer: UpstreamAnswer) -> UpstreamAnswer:
        """Return an answer edited. Raises UpstreamFailed."""
        if "Content-Encoding" in answer.headers:
            raise self.failed("is packed, although that was not asked for")
        if is_event_stream(answer.headers.get("Content-Type", "")):
            stream = _once(answer.body or b"") if answer.stream is None else answer.stream
            return answer._replace(body=None, stream=self.events(stream))
        body = answer.body or b""
        if answer.stream is not None:
            body = await self._whole(answer.stream)
        return answer._replace(stream=None, body=await self.edit(body))

    async def events(self, stream: ByteStream) -> AsyncGenerator[bytes, None]:
        """Yield a stream of events edited; what cannot be becomes an error."""
        blocks = EventBlocks()
        async with aclosing(stream):
            async for chunk in stream:
                for block in blocks.feed(chunk):
                    yield await self._event(block)
                if len(blocks) > self.longest:
                    yield self._error(self.failed(self.too_long))
                    return
            if blocks.rest.strip():
                yield await self._event(blocks.rest)

    @property
    def too_long(self) -> str:
        """Say that an answer is larger than is taken."""
        return f"is larger than {self.longest // 2**20} MiB"

    async def _whole(self, stream: ByteStream) -> bytes:
        chunks, size = [], 0
        async with aclosing(stream):
            async for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                if size > self.longest:
                    raise self.failed(self.too_long)
        return b"".join(chunks)

    async def _event(self, block: bytes) -> bytes:
        """Return one event edited."""
        told = data_of(block)
        if told is None or not told.strip():
            return block
        try:
            edited = await self.edit(told)
        except UpstreamFailed as failed:
            return self._error(failed)
        return block if edited == told else with_data(block, edited)

    def _error(self, failed: UpstreamFailed) -> bytes:
        told = Rejected(200, Code.SERVER_FAILED, str(failed), id=self.asked)
        return b"event: message\ndata: " + told.body() + b"\n\n"


def resembles(told: JsonValue, name: str) -> bool:
    """Tell whether a reader that does not look at case would find `name` under another key."""
    keys = told if isinstance(told, dict) else ()
    return any(key != name and folded_key(key) == name for key in keys)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
