"""Leaves out of a server's list of tools what its reader could not call anyway."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.definitions import tools_of
from gateway.errors import Code, Rejected, RequestId
from gateway.event_blocks import EventBlocks, data_of, with_data
from gateway.event_streams import is_event_stream
from gateway.json_text import members, with_member, with_members, without_elements
from gateway.upstreams import ByteStream, UpstreamAnswer, UpstreamFailed
from policies.calls import JsonValue, Number, Tool
from policies.refusals import Refused
from policies.strict_json import folded_key, parse

LONGEST_LIST = 8 * 1024 * 1024
"""Bytes of a list of tools above which it is not passed on."""

_AT_ONCE = 128 * 1024
"""Bytes of a list that are edited while all others wait."""

_FRESH_MS = 60_000
"""Milliseconds for which a client may keep a list: decisions on it may change."""

_UNREADABLE = "its list of tools is not strict JSON; nobody can tell what a client would read in it"
_AMBIGUOUS = "its list of tools is no answer that all clients read alike"
_TOO_LONG = "its list of tools is larger than 8 MiB"
_UNRECORDED = "the ledger could not note what is new in its list of tools"

Notice: TypeAlias = Callable[[tuple[Tool, ...]], Awaitable[None]]
"""Learns the tools of a list before its reader does. Raises Refused where it cannot."""


@dataclass(frozen=True)
class Edited:
    """An answer as its reader gets it, and the tools that the server listed in it."""

    body: bytes
    tools: tuple[Tool, ...] = ()


class ToolLists:
    """Edits lists for one reader; what is kept, is kept byte for byte and in its order.

    `hides` tells whether a tool is to be left out. Where `private`, the list
    is one that no cache may give to another reader (specification 2026-07-28,
    server/utilities/caching). A list that cannot be read as one JSON text by
    everybody, or whose news cannot be recorded, is not passed on.
    """

    def __init__(
        self,
        server: str,
        hides: Callable[[Tool], bool],
        notice: Notice,
        asked: RequestId,
        *,
        private: bool,
    ) -> None:
        """Edit answers of `server` to the request `asked`."""
        self._server = server
        self._hides = hides
        self._notice = notice
        self.asked = asked
        self._private = private

    def edited(self, body: bytes) -> Edited:
        """Return an answer with its list edited. Raises UpstreamFailed."""
        if len(body) > LONGEST_LIST:
            raise self._failed(_TOO_LONG)
        try:
            told = parse(body)
        except Refused as flaw:
            raise self._failed(_UNREADABLE) from flaw
        if not isinstance(told, dict) or _resembles(told, "result"):
            raise self._failed(_AMBIGUOUS)
        if "result" not in told:
            return Edited(body)
        result = told["result"]
        listed = result.get("tools", []) if isinstance(result, dict) else None
        if not isinstance(listed, list) or _resembles(result, "tools"):
            raise self._failed(_AMBIGUOUS)
        assert isinstance(result, dict), "its tools were a list"
        tools = tools_of(self._server, listed)
        text = body.decode()
        place = members(text)["result"]
        shorter = self._without_hidden(text[place], listed, tools)
        if self._private:
            shorter = _for_one_reader(shorter, result)
        return Edited(f"{text[: place.start]}{shorter}{text[place.stop :]}".encode(), tools)

    def again(self, body: bytes) -> bytes:
        """Return a message of another stream, edited where it is a list that was asked for before.

        A client may take up a broken answer there (specification 2025-11-25,
        transports, "Resumability and Redelivery"). What cannot be read passes.
        """
        if b"tools" not in body and b"\\u" not in body:
            return body
        try:
            told = parse(body)
            result = told.get("result") if isinstance(told, dict) else None
            listed = isinstance(result, dict) and "tools" in result and "content" not in result
            return self.edited(body).body if listed else body
        except (Refused, UpstreamFailed):
            return body

    async def answer(self, answer: UpstreamAnswer) -> UpstreamAnswer:
        """Return an answer edited. Raises UpstreamFailed."""
        if "Content-Encoding" in answer.headers:
            raise self._failed("its list of tools is packed, although that was not asked for")
        if is_event_stream(answer.headers.get("Content-Type", "")):
            stream = _once(answer.body or b"") if answer.stream is None else answer.stream
            return replace(answer, body=None, stream=self.events(stream))
        body = answer.body or b""
        if answer.stream is not None:
            body = await self._whole(answer.stream)
        return replace(answer, stream=None, body=await self._noticed(body))

    async def events(self, stream: ByteStream) -> AsyncGenerator[bytes, None]:
        """Yield a stream of events with its lists edited; what cannot be read becomes an error."""
        blocks = EventBlocks()
        async with aclosing(stream):
            async for chunk in stream:
                for block in blocks.feed(chunk):
                    yield await self._event(block)
                if len(blocks) > LONGEST_LIST:
                    yield self._error(_TOO_LONG)
                    return
            if blocks.rest.strip():
                yield await self._event(blocks.rest)

    async def _whole(self, stream: ByteStream) -> bytes:
        chunks, size = [], 0
        async with aclosing(stream):
            async for chunk in stream:
                chunks.append(chunk)
                size += len(chunk)
                if size > LONGEST_LIST:
                    raise self._failed(_TOO_LONG)
        return b"".join(chunks)

    async def _event(self, block: bytes) -> bytes:
        """Return one event edited."""
        data = data_of(block)
        if data is None or not data.strip():
            return block
        try:
            edited = await self._noticed(data)
        except UpstreamFailed as failed:
            return self._error(str(failed))
        return block if edited == data else with_data(block, edited)

    async def _noticed(self, body: bytes) -> bytes:
        """Return an answer edited, once its news is noted; a large one is read beside the loop."""
        if len(body) <= _AT_ONCE:
            edited = self.edited(body)
        else:
            edited = await asyncio.to_thread(self.edited, body)
        try:
            await self._notice(edited.tools)
        except Refused as away:
            raise self._failed(f"{_UNRECORDED}: {away}") from away
        return edited.body

    def _without_hidden(self, text: str, listed: list[JsonValue], tools: tuple[Tool, ...]) -> str:
        usable = {tool.name: tool for tool in tools}
        hidden = {at for at, item in enumerate(listed) if not self._keeps(item, usable)}
        if not hidden:
            return text
        array = text[members(text)["tools"]]
        return with_member(text, "tools", without_elements(array, hidden))

    def _keeps(self, item: JsonValue, usable: dict[str, Tool]) -> bool:
        name = item.get("name") if isinstance(item, dict) else None
        tool = usable.get(name) if isinstance(name, str) else None
        return tool is not None and not self._hides(tool)

    def _failed(self, why: str) -> UpstreamFailed:
        return UpstreamFailed(f"the server `{self._server}` cannot be listed: {why}", sent=True)

    def _error(self, why: str) -> bytes:
        told = Rejected(200, Code.SERVER_FAILED, why, id=self.asked)
        return b"event: message\ndata: " + told.body() + b"\n\n"


def _for_one_reader(text: str, result: dict[str, JsonValue]) -> str:
    """Return a list that is private and fresh for a minute at most; no time given is none."""
    given = result.get("ttlMs")
    fresh = given.value if isinstance(given, Number) else 0
    wanted = {"cacheScope": '"private"', "ttlMs": str(int(min(max(fresh, 0), _FRESH_MS)))}
    for name, value in wanted.items():
        if name in result:
            text = with_member(text, name, value)
    return with_members(text, wanted)


def _resembles(told: JsonValue, name: str) -> bool:
    """Tell whether a reader that does not look at case would find `name` under another key."""
    keys = told if isinstance(told, dict) else ()
    return any(key != name and folded_key(key) == name for key in keys)


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
