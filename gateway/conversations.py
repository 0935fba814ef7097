"""The gateway's own conversation with a server, to learn which tools it has."""

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from multidict import CIMultiDict

from gateway.definitions import MOST_TOOLS, instructions_of
from gateway.event_streams import EventReader, is_event_stream
from gateway.offering import OFFERED, response_to
from gateway.old_transport import check_transport
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from policies.calls import Instructions, JsonValue, Number
from policies.inert import inert_line
from policies.refusals import Refused
from policies.strict_json import parse

OURSELVES = "placet:gateway"
"""The name of the caller where the gateway asks for itself."""

_MODERN = "2026-07-28"
_LEGACY = "2025-11-25"
_MOST_PAGES = 1000
_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer, and of all pages of a list, above which nothing of it is taken."""

_AT_ONCE = 128 * 1024
"""Bytes of an answer that are read while all calls wait."""

_MOMENT = 0.1
_PROBING_SECONDS = 10.0
"""Seconds after which a server that says nothing to `server/discover` does not know it."""

_OK = 200
_CLIENT = {"name": "placet", "version": "1"}
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
        self._ids = itertools.count(1)
        self._era = Era.MODERN
        self._version = _MODERN
        self._session: str | None = None
        self._read = 0
        self.instructions: Instructions | None = None

    async def open(self) -> None:
        """Find the era: `server/discover`, and where that is not known, `initialize`.

        Whatever else a server makes of the first says no more than that it does
        not know it (specification 2026-07-28, versioning): some say nothing.
        """
        self._era, self._version, self._session = Era.MODERN, _MODERN, None
        self._read = 0
        found, trouble = await self._discovered()
        versions = found.get("supportedVersions") if found is not None else None
        if found is not None and isinstance(versions, list) and _MODERN in versions:
            self.instructions = instructions_of(found.get("instructions"))
            return
        self._era, self._version = Era.LEGACY, _LEGACY
        try:
            await self._initialize()
        except UpstreamFailed as failed:
            raise trouble or failed from failed

    async def _discovered(self) -> tuple[dict[str, JsonValue] | None, UpstreamFailed | None]:
        """Return the server's introduction, or why there is none; raise where it is not there."""
        try:
            async with asyncio.timeout(_PROBING_SECONDS):
                return await self._asked("server/discover", {}), None
        except TimeoutError:
            return None, None
        except UpstreamFailed as failed:
            if not failed.sent:
                raise
            return None, failed

    async def close(self) -> None:
        """End the session, if the server gave one."""
        if self._session is not None:
            answer = await self._upstream.forward(self._request("DELETE", None))
            self._session = None
            if answer.stream is not None:
                await answer.stream.aclose()

    async def tools(self) -> list[JsonValue]:
        """Return every tool object that the server lists, over all pages."""
        listed: list[JsonValue] = []
        last: list[JsonValue] | None = None
        params: dict[str, object] = {}
        self._read = 0
        for _ in range(_MOST_PAGES):
            page = await self._result("tools/list", params)
            tools = page.get("tools")
            if not isinstance(tools, list):
                raise self._odd("`tools/list` names no tools")
            cursor = page.get("nextCursor")
            if tools == last and cursor == params.get("cursor"):
                return listed  # some end with a cursor that leads to the same page, such as ""
            listed += tools
            if len(listed) > MOST_TOOLS:
                raise self._odd(f"`tools/list` has more than {MOST_TOOLS} tools")
            if not isinstance(cursor, str):
                return listed
            params, last = {"cursor": cursor}, tools
        raise self._odd(f"`tools/list` has more than {_MOST_PAGES} pages")

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
                    await self._respond(told)
                size += len(chunk)
                if size > _AT_ONCE:  # a flood is read slowly
                    size = 0
                    await asyncio.sleep(_MOMENT)

    def _listening(self) -> UpstreamRequest:
        if self._era is Era.LEGACY:
            return self._request("GET", None)
        notifications = {"notifications": {"toolsListChanged": True}}
        return self._request("POST", self._message("subscriptions/listen", notifications))

    async def _initialize(self) -> None:
        params = {"protocolVersion": _LEGACY, "capabilities": OFFERED, "clientInfo": _CLIENT}
        answer, result = await self._answered(self._message("initialize", params))
        if result is None:
            listening = self._request("GET", None)
            await check_transport(self._server, self._upstream, listening, answer.status)
            raise self._odd("it answers neither `server/discover` nor `initialize`")
        self.instructions = instructions_of(result.get("instructions"))
        version = result.get("protocolVersion")
        self._version = version if isinstance(version, str) else _LEGACY
        self._session = answer.headers.get("Mcp-Session-Id") or None
        note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        said = await self._upstream.forward(self._request("POST", note))
        if said.stream is not None:
            await said.stream.aclose()

    async def _result(self, method: str, params: Mapping[str, object]) -> dict[str, JsonValue]:
        found = await self._asked(method, params)
        if found is None:
            raise self._odd(f"`{method}` was answered with an error")
        return found

    async def _asked(
        self, method: str, params: Mapping[str, object]
    ) -> dict[str, JsonValue] | None:
        """Return the result of a request, or None where the answer is an error."""
        _, result = await self._answered(self._message(method, params))
        return result

    async def _answered(
        self, message: Mapping[str, object]
    ) -> tuple[UpstreamAnswer, dict[str, JsonValue] | None]:
        answer = await self._upstream.forward(self._request("POST", message))
        async with aclosing(self._texts(answer)) as texts:
            async for text in texts:
                told = await self._told(text, answer.status)
                if isinstance(told, dict) and _answers(told, message["id"]):
                    result = told.get("result")
                    return answer, result if isinstance(result, dict) else None
                if isinstance(told, dict):
                    await self._respond(told)
        if answer.status == _OK:
            raise self._odd("its answer holds no JSON-RPC message")
        return answer, None

    async def _respond(self, told: Mapping[str, JsonValue]) -> None:
        """Answer a request of the server, ten a second at most; all else needs no answer."""
        response = response_to(told) if self._era is Era.LEGACY else None
        if response is None:
            return
        answer = await self._upstream.forward(self._request("POST", response))
        if answer.stream is not None:
            await answer.stream.aclose()
        await asyncio.sleep(_MOMENT)

    async def _told(self, text: bytes, status: int) -> JsonValue:
        """Return what a text of the answer says; an error page may be anything."""
        try:
            if len(text) <= _AT_ONCE:
                return parse(text)
            return await asyncio.to_thread(parse, text)
        except Refused as flaw:
            if status == _OK:
                raise self._odd(f"it does not answer in strict JSON: {flaw}") from flaw
            return None

    async def _texts(self, answer: UpstreamAnswer) -> AsyncGenerator[bytes, None]:
        """Yield the JSON texts in an answer, and give it up."""
        reader = EventReader()
        streams = is_event_stream(answer.headers.get("Content-Type", ""))
        chunks: list[bytes] = []
        try:
            if answer.status == _OK and "Content-Encoding" in answer.headers:
                raise self._odd("its answer is packed, although that was not asked for")
            async for chunk in answer.chunks():
                self._read += len(chunk)
                if self._read > _LARGEST:
                    raise self._odd("what it says is larger than 8 MiB")
                if not streams:
                    chunks.append(chunk)
                    continue
                for text in reader.feed(chunk):
                    yield text
        finally:
            if answer.stream is not None:
                await answer.stream.aclose()
        if not streams:
            yield b"".join(chunks)

    def _message(self, method: str, params: Mapping[str, object]) -> dict[str, object]:
        whole = dict(params)
        if self._era is Era.MODERN:
            whole["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": _MODERN,
                "io.modelcontextprotocol/clientInfo": _CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
            }
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": whole}

    def _request(self, verb: str, message: Mapping[str, object] | None) -> UpstreamRequest:
        headers: CIMultiDict[str] = CIMultiDict()
        headers["Accept"] = "application/json, text/event-stream"
        begins = message is not None and message.get("method") == "initialize"
        if not begins:
            headers["MCP-Protocol-Version"] = self._version
        if message is None:
            headers["Accept"] = "text/event-stream"
        else:
            headers["Content-Type"] = "application/json"
        if message is not None and self._era is Era.MODERN:
            headers["Mcp-Method"] = str(message["method"])
        if self._session is not None:
            headers["Mcp-Session-Id"] = self._session
        body = b"" if message is None else json.dumps(message).encode()
        return UpstreamRequest(
            method=verb,
            headers=headers,
            body=body,
            message=None if message is None else _parsed(body),
            era=self._era,
            agent=OURSELVES,
        )

    def _odd(self, what: str) -> UpstreamFailed:
        return UpstreamFailed(f"the server `{self._server}`: {inert_line(what, 300)}", sent=True)


def _answers(told: Mapping[str, JsonValue], asked: object) -> bool:
    """Tell whether a message answers the request of this id; errors need not know it."""
    if "result" not in told:
        return "error" in told
    number = told.get("id")
    return (number.text if isinstance(number, Number) else number) == str(asked)


def _parsed(body: bytes) -> dict[str, JsonValue]:
    value = parse(body)
    assert isinstance(value, dict)
    return value


def _object(text: bytes) -> Mapping[str, JsonValue]:
    """Return the JSON object in `text`; an empty one where there is none."""
    try:
        value = parse(text)
    except Refused:
        return {}
    return value if isinstance(value, dict) else {}
