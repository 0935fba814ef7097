"""Leaves out of a server's list of tools what its reader could not call anyway."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

from gateway.definitions import tools_of
from gateway.errors import Code, Rejected, RequestId
from gateway.event_streams import is_event_stream
from gateway.json_text import elements, members, with_member, with_members
from gateway.upstreams import ByteStream, UpstreamAnswer, UpstreamFailed
from policies.calls import JsonValue, Number, Tool
from policies.refusals import Refused
from policies.strict_json import parse

LONGEST_LIST = 8 * 1024 * 1024
"""Bytes of a list of tools above which it is not passed on."""

_AT_ONCE = 128 * 1024
"""Bytes of a list that are edited while all others wait."""

_FRESH_MS = 60_000
"""Milliseconds for which a client may keep a list: decisions on it may change."""

_UNREADABLE = "its list of tools is not strict JSON; nobody can tell what a client would read in it"
_TOO_LONG = "its list of tools is larger than 8 MiB"


Listen: TypeAlias = Callable[[bytes], None]
"""Hears the server's own bytes in passing."""


class ToolLists:
    """Edits lists for one reader; what is kept, is kept byte for byte and in its order.

    `hides` tells whether a tool is to be left out. Where `private`, the list
    is one that no cache may give to another reader (specification 2026-07-28,
    server/utilities/caching). A list that cannot be read as one JSON text by
    everybody is not passed on.
    """

    def __init__(
        self, server: str, hides: Callable[[Tool], bool], asked: RequestId, *, private: bool
    ) -> None:
        """Edit answers of `server` to the request `asked`."""
        self._server = server
        self._hides = hides
        self.asked = asked
        self._private = private

    def edited(self, body: bytes) -> bytes:
        """Return an answer with a list, or as it is where it holds none. Raises UpstreamFailed."""
        if len(body) > LONGEST_LIST:
            raise self._failed(_TOO_LONG)
        try:
            told = parse(body)
        except Refused as flaw:
            raise self._failed(_UNREADABLE) from flaw
        result = told.get("result") if isinstance(told, dict) else None
        if not isinstance(result, dict):
            return body
        text = body.decode()
        place = members(text)["result"]
        shorter = self._without_hidden(text[place], result)
        return f"{text[: place.start]}{shorter}{text[place.stop :]}".encode()

    async def answer(self, answer: UpstreamAnswer, listen: Listen) -> UpstreamAnswer:
        """Return an answer edited, its own bytes told to `listen`. Raises UpstreamFailed."""
        headers = answer.headers
        if "Content-Encoding" in headers:
            raise self._failed("its list of tools is packed, although that was not asked for")
        body = answer.body or b""
        if is_event_stream(headers.get("Content-Type", "")):
            stream = _once(body) if answer.stream is None else answer.stream
            return replace(answer, body=None, stream=self.events(_heard(stream, listen)))
        if answer.stream is not None:
            body = await self._whole(answer.stream)
        listen(body)
        return replace(answer, stream=None, body=await _beside(self.edited, body))

    async def _whole(self, stream: ByteStream) -> bytes:
        chunks, size = [], 0
        async with aclosing(stream):
            async for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                if size > LONGEST_LIST:
                    raise self._failed(_TOO_LONG)
        return b"".join(chunks)

    async def events(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Yield a stream of events with its lists edited; what cannot be read becomes an error."""
        rest = b""
        try:
            async for chunk in stream:
                *blocks, rest = _blocks(rest + chunk)
                for block in blocks:
                    yield await _beside(self._event, block)
                if len(rest) > LONGEST_LIST:
                    yield self._error(_TOO_LONG)
                    return
            if rest.strip():
                yield self._event(rest)
        finally:
            await stream.aclose()

    def _event(self, block: bytes) -> bytes:
        """Return one event; its `data` lines are one text (WHATWG HTML, 9.2.6)."""
        lines = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        said = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        text = b"\n".join(said)
        if not text.strip():
            return block
        try:
            edited = self.edited(text)
        except UpstreamFailed as failed:
            return self._error(str(failed))
        if edited == text:
            return block
        others = [line for line in lines if line and not line.startswith(b"data")]
        data = [b"data: " + line for line in edited.split(b"\n")]
        return b"\n".join([*others, *data]) + b"\n\n"

    def _without_hidden(self, text: str, result: dict[str, JsonValue]) -> str:
        listed = result.get("tools")
        if isinstance(listed, list):
            usable = {tool.name: tool for tool in tools_of(self._server, listed)}
            place = members(text)["tools"]
            array = text[place]
            kept = [
                array[at]
                for at, item in zip(elements(array), listed, strict=True)
                if self._keeps(item, usable)
            ]
            if len(kept) < len(listed):
                text = with_member(text, "tools", f"[{','.join(kept)}]")
        return self._for_one_reader(text, result) if self._private else text

    def _keeps(self, item: JsonValue, usable: dict[str, Tool]) -> bool:
        name = item.get("name") if isinstance(item, dict) else None
        tool = usable.get(name) if isinstance(name, str) else None
        return tool is not None and not self._hides(tool)

    def _for_one_reader(self, text: str, result: dict[str, JsonValue]) -> str:
        given = result.get("ttlMs")
        fresh = given.value if isinstance(given, Number) else _FRESH_MS
        wanted = {"cacheScope": '"private"', "ttlMs": str(int(min(max(fresh, 0), _FRESH_MS)))}
        for name, value in wanted.items():
            if name in result:
                text = with_member(text, name, value)
        return with_members(text, wanted)

    def _failed(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(f"the server `{self._server}` cannot be listed: {why}", sent=True)

    def _error(self, why: str) -> bytes:
        told = Rejected(200, Code.SERVER_FAILED, why, id=self.asked)
        return b"event: message\ndata: " + told.body() + b"\n\n"


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


async def _heard(stream: ByteStream, listen: Listen) -> AsyncGenerator[bytes, None]:
    """Yield what a stream has, and tell it in passing."""
    async with aclosing(stream):
        async for chunk in stream:
            listen(chunk)
            yield chunk


async def _beside(edit: Callable[[bytes], bytes], text: bytes) -> bytes:
    """Return what `edit` makes of a text; a large one is edited beside the event loop."""
    return edit(text) if len(text) <= _AT_ONCE else await asyncio.to_thread(edit, text)


def _blocks(text: bytes) -> list[bytes]:
    """Return whole events with the blank line that ends each, and last what is not whole."""
    found: list[bytes] = []
    start = 0
    while True:
        ends = [
            at + len(mark)
            for mark in (b"\n\n", b"\r\n\r\n", b"\r\r")
            if (at := text.find(mark, start)) >= 0
        ]
        if not ends:
            return [*found, text[start:]]
        found.append(text[start : min(ends)])
        start = min(ends)
