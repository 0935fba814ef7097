"""The gateway's own conversation with a server, to learn which tools it has."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from functools import partial

from gateway.callers.headers import SESSION
from gateway.servers.old_transport import check_transport
from gateway.tools.enquiring import AT_ONCE, MOMENT, Enquiry, Voice
from gateway.tools.offering import OFFERED
from gateway.upstreams import Era, Upstream, UpstreamFailed, UpstreamRequest
from gateway.wire.definitions import instructions_of
from gateway.wire.event_streams import EventReader
from policies.values.calls import Instructions, JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import parse

OURSELVES = "placet:gateway"
"""The name of the caller where the gateway asks for itself."""

_MODERN = "2026-07-28"
_LEGACY = "2025-11-25"
_PROBING_SECONDS = 10.0
"""Seconds after which a server that says nothing to `server/discover` does not know it."""

_OK = 200
_CLIENT = {"name": "placet", "version": "1"}
_META: Mapping[str, object] = {
    "io.modelcontextprotocol/protocolVersion": _MODERN,
    "io.modelcontextprotocol/clientInfo": _CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_CHANGED = "notifications/tools/list_changed"


class Conversation:
    """A conversation in whichever era the server speaks; it begins with `open`.

    `instructions` are what the server told models in its introduction. Before
    2026-07-28 it claims to be capable of everything, since the list is to have
    what any caller's would have; it has nothing to give when it is asked for
    it. Every method raises UpstreamFailed where the server does not answer as
    MCP says.
    """

    def __init__(self, server: str, upstream: Upstream) -> None:
        """Name the server; nothing is sent yet."""
        self._server = server
        self._upstream = upstream
        numbers = partial(next, itertools.count(1))
        self._enquiry = Enquiry(server, upstream, _voice(Era.MODERN, _MODERN), numbers)
        self.instructions: Instructions | None = None

    async def open(self) -> None:
        """Find the era: `server/discover`, and where that is not known, `initialize`.

        Whatever else a server makes of the first says no more than that it does
        not know it (specification 2026-07-28, versioning): some say nothing.
        """
        self._enquiry.begin(_voice(Era.MODERN, _MODERN))
        found, trouble = await self._discovered()
        versions = found.get("supportedVersions") if found is not None else None
        if found is not None and isinstance(versions, list) and _MODERN in versions:
            self.instructions = instructions_of(found.get("instructions"))
            return
        self._enquiry.voice = _voice(Era.LEGACY, _LEGACY)
        try:
            await self._initialize()
        except UpstreamFailed as failed:
            raise trouble or failed from failed

    async def _discovered(self) -> tuple[dict[str, JsonValue] | None, UpstreamFailed | None]:
        """Return the server's introduction, or why there is none; raise where it is not there."""
        try:
            async with asyncio.timeout(_PROBING_SECONDS):
                return await self._enquiry.asked("server/discover", {}), None
        except TimeoutError:
            return None, None
        except UpstreamFailed as failed:
            if not failed.sent:
                raise
            return None, failed

    async def close(self) -> None:
        """End the session, if the server gave one."""
        voice = self._enquiry.voice
        if voice.session is not None:
            answer = await self._upstream.forward(self._enquiry.request("DELETE", None))
            self._enquiry.voice = voice._replace(session=None)
            if answer.stream is not None:
                await answer.stream.aclose()

    async def tools(self) -> list[JsonValue]:
        """Return every tool object that the server lists, over all pages."""
        return await self._enquiry.tools()

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield whenever the server says that its tools changed; ends when it says no more."""
        answer = await self._upstream.forward(self._listening())
        if answer.status != _OK or answer.stream is None:
            if answer.stream is not None:
                await answer.stream.aclose()
            return
        reader, size = EventReader(), 0
        async with aclosing(answer.stream):
            async for chunk in answer.stream:
                for event in reader.feed(chunk):
                    told = _object(event)
                    if told.get("method") == _CHANGED:
                        yield
                    await self._enquiry.respond(told)
                size += len(chunk)
                if size > AT_ONCE:  # a flood is read slowly
                    size = 0
                    await asyncio.sleep(MOMENT)

    def _listening(self) -> UpstreamRequest:
        if self._enquiry.voice.era is Era.LEGACY:
            return self._enquiry.request("GET", None)
        notifications = {"notifications": {"toolsListChanged": True}}
        message = self._enquiry.message("subscriptions/listen", notifications)
        return self._enquiry.request("POST", message)

    async def _initialize(self) -> None:
        params = {"protocolVersion": _LEGACY, "capabilities": OFFERED, "clientInfo": _CLIENT}
        answer, result = await self._enquiry.answered(self._enquiry.message("initialize", params))
        if result is None:
            listening = self._enquiry.request("GET", None)
            await check_transport(self._server, self._upstream, listening, answer.status)
            what = f"it answers neither `server/discover` nor `initialize`{_status(answer.status)}"
            raise self._enquiry.odd(what)
        self.instructions = instructions_of(result.get("instructions"))
        version = result.get("protocolVersion")
        version = version if isinstance(version, str) else _LEGACY
        session = answer.headers.get(SESSION) or None
        self._enquiry.voice = _voice(Era.LEGACY, version, session)
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        said = await self._upstream.forward(self._enquiry.request("POST", note))
        if said.stream is not None:
            await said.stream.aclose()


def _voice(era: Era, version: str, session: str | None = None) -> Voice:
    return Voice(OURSELVES, era, version, session, _META)


def _status(status: int) -> str:
    return "" if status == _OK else f" (HTTP status {status})"


def _object(text: bytes) -> Mapping[str, JsonValue]:
    """Return the JSON object in `text`; an empty one where there is none."""
    try:
        value = parse(text)
    except Refused:
        return {}
    return value if isinstance(value, dict) else {}
