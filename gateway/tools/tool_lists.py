"""Leaves out of a server's list of tools what its reader could not call anyway."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gateway.upstreams import ByteStream, UpstreamAnswer, UpstreamFailed
from gateway.wire.definitions import MOST_TOOLS, tools_of
from gateway.wire.errors import RequestId
from gateway.wire.json_text import members, with_member, with_members, without_elements
from gateway.wire.strict_editing import AMBIGUOUS, StrictEditing, resembles
from policies.values.calls import JsonValue, Number, Tool
from policies.values.refusals import Refused
from policies.values.strict_json import parse

LONGEST_LIST = 8 * 1024 * 1024
"""Bytes of a list of tools above which it is not passed on."""

_AT_ONCE = 128 * 1024
"""Bytes of a list that are edited while all others wait."""

_FRESH_MS = 60_000
"""Milliseconds for which a client may keep a list: decisions on it may change."""

_UNRECORDED = "cannot be noted in the ledger"

Notice: TypeAlias = Callable[[tuple[Tool, ...]], Awaitable[Collection[str]]]
"""Learns the tools of a list before its reader does, and returns the names of those it does not.

Raises Refused where it cannot learn at all.
"""


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
        self._editing = StrictEditing(
            server, "its list of tools", "cannot be listed", LONGEST_LIST, asked, self._noticed
        )

    def edited(self, body: bytes, unknown: Collection[str] = ()) -> Edited:
        """Return an answer with its list edited, also without tools whose names are `unknown`.

        Raises UpstreamFailed.
        """
        result = self._editing.result(body)
        if result is None:
            return Edited(body)
        listed = result.get("tools", [])
        if not isinstance(listed, list) or resembles(result, "tools"):
            raise self._editing.failed(AMBIGUOUS)
        if len(listed) > MOST_TOOLS:
            raise self._editing.failed(f"it has more than {MOST_TOOLS} tools")
        tools = tools_of(self._server, listed)
        text = body.decode()
        place = members(text)["result"]
        usable = {tool.name: tool for tool in tools if tool.name not in unknown}
        shorter = self._without_hidden(text[place], listed, usable)
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
        return await self._editing.answer(answer)

    def events(self, stream: ByteStream) -> AsyncGenerator[bytes, None]:
        """Yield a stream of events with its lists edited; what cannot be read becomes an error."""
        return self._editing.events(stream)

    async def _noticed(self, body: bytes) -> bytes:
        """Return an answer edited, once its news is noted; a large one is read beside the loop."""
        edited = await self._edited(body)
        try:
            unknown = await self._notice(edited.tools)
        except Refused as away:
            raise self._editing.failed(f"{_UNRECORDED}: {away}") from away
        return (await self._edited(body, unknown)).body if unknown else edited.body

    async def _edited(self, body: bytes, unknown: Collection[str] = ()) -> Edited:
        if len(body) <= _AT_ONCE:
            return self.edited(body, unknown)
        return await asyncio.to_thread(self.edited, body, unknown)

    def _without_hidden(
        self, text: str, listed: list[JsonValue], usable: Mapping[str, Tool]
    ) -> str:
        hidden = {at for at, item in enumerate(listed) if not self._keeps(item, usable)}
        if not hidden:
            return text
        array = text[members(text)["tools"]]
        return with_member(text, "tools", without_elements(array, hidden))

    def _keeps(self, item: JsonValue, usable: Mapping[str, Tool]) -> bool:
        name = item.get("name") if isinstance(item, dict) else None
        tool = usable.get(name) if isinstance(name, str) else None
        return tool is not None and not self._hides(tool)


def _for_one_reader(text: str, result: dict[str, JsonValue]) -> str:
    """Return a list that is private and fresh for a minute at most; no time given is none."""
    given = result.get("ttlMs")
    fresh = given.value if isinstance(given, Number) else 0
    wanted = {"cacheScope": '"private"', "ttlMs": str(int(min(max(fresh, 0), _FRESH_MS)))}
    for name, value in wanted.items():
        if name in result:
            text = with_member(text, name, value)
    return with_members(text, wanted)
