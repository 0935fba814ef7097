"""Asks a server something, in one session and era, and reads its answer."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import NamedTuple

from multidict import CIMultiDict

from gateway.callers.headers import SESSION
from gateway.servers.refusals import quoted
from gateway.tools.offering import response_to
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from gateway.wire.definitions import MOST_TOOLS
from gateway.wire.event_streams import EventReader, is_event_stream
from policies.values.calls import JsonValue, Number
from policies.values.inert import inert_line
from policies.values.refusals import Refused
from policies.values.strict_json import parse

AT_ONCE = 128 * 1024
"""Bytes of an answer that are read while all calls wait."""

MOMENT = 0.1
"""Seconds of rest for a server that says very much."""

_MOST_PAGES = 1000
_LARGEST = 8 * 1024 * 1024
"""Bytes of an answer, and of all pages of a list, above which nothing of it is taken."""

_OK = 200


class Voice(NamedTuple):
    """As whom a server is asked: by which agent's credentials, in which era and session.

    `version` is None where the header is left out, as it may be before 2025-06-18.
    `meta` is what a request of 2026-07-28 says of its client.
    """

    agent: str
    era: Era
    version: str | None
    session: str | None
    meta: Mapping[str, object]


class AnsweredWithError(UpstreamFailed):
    """The server answers, but says nothing of its tools."""


class Enquiry:
    """Requests of the gateway's own to a server; `voice` may change between them.

    Every method that asks raises UpstreamFailed where the server does not
    answer as MCP says. `status` is that of the last answer.
    """

    def __init__(
        self,
        server: str,
        upstream: Upstream,
        voice: Voice,
        new_id: Callable[[], int | str],
    ) -> None:
        """Name the server; `new_id` makes ids of requests, which no other of the session has."""
        self._server = server
        self._upstream = upstream
        self._new_id = new_id
        self._read = 0
        self.voice = voice
        self.status = 0
        self._said = ""

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
                raise self.odd("`tools/list` names no tools")
            cursor = page.get("nextCursor")
            if tools == last and cursor == params.get("cursor"):
                return listed  # some end with a cursor that leads to the same page, such as ""
            listed += tools
            if len(listed) > MOST_TOOLS:
                raise self.odd(f"`tools/list` has more than {MOST_TOOLS} tools")
            if not isinstance(cursor, str):
                return listed
            params, last = {"cursor": cursor}, tools
        raise self.odd(f"`tools/list` has more than {_MOST_PAGES} pages")

    def begin(self, voice: Voice) -> None:
        """Ask as `voice` from now on; what was read before counts no more."""
        self.voice = voice
        self._read = 0

    async def asked(self, method: str, params: Mapping[str, object]) -> dict[str, JsonValue] | None:
        """Return the result of a request, or None where the answer is an error."""
        _, result = await self.answered(self.message(method, params))
        return result

    async def answered(
        self, message: Mapping[str, object]
    ) -> tuple[UpstreamAnswer, dict[str, JsonValue] | None]:
        """Return the answer to a request with its result; None where it is an error."""
        answer = await self._upstream.forward(self.request("POST", message))
        self.status = answer.status
        self._said = ""
        async with aclosing(self._texts(answer)) as texts:
            async for text in texts:
                told = await self._told(text, answer.status)
                if isinstance(told, dict) and _answers(told, message["id"]):
                    result, self._said = told.get("result"), _message(told.get("error"))
                    return answer, result if isinstance(result, dict) else None
                if isinstance(told, dict):
                    await self.respond(told)
        if answer.status == _OK:
            raise self.odd("its answer holds no JSON-RPC message")
        return answer, None

    async def respond(self, told: Mapping[str, JsonValue]) -> None:
        """Answer a request of the server, ten a second at most; all else needs no answer."""
        response = response_to(told) if self.voice.era is Era.LEGACY else None
        if response is None:
            return
        answer = await self._upstream.forward(self.request("POST", response))
        if answer.stream is not None:
            await answer.stream.aclose()
        await asyncio.sleep(MOMENT)

    def message(self, method: str, params: Mapping[str, object]) -> dict[str, object]:
        """Return a request with an id of its own."""
        whole = dict(params)
        if self.voice.era is Era.MODERN:
            whole["_meta"] = self.voice.meta
        return {"jsonrpc": "2.0", "id": self._new_id(), "method": method, "params": whole}

    def request(self, verb: str, message: Mapping[str, object] | None) -> UpstreamRequest:
        """Return what carries a message; None is for GET and DELETE."""
        headers: CIMultiDict[str] = CIMultiDict()
        headers["Accept"] = "application/json, text/event-stream"
        begins = message is not None and message.get("method") == "initialize"
        if not begins and self.voice.version is not None:
            headers["MCP-Protocol-Version"] = self.voice.version
        if message is None:
            headers["Accept"] = "text/event-stream"
        else:
            headers["Content-Type"] = "application/json"
        if message is not None and self.voice.era is Era.MODERN:
            headers["Mcp-Method"] = str(message["method"])
        if self.voice.session is not None:
            headers[SESSION] = self.voice.session
        body = b"" if message is None else json.dumps(message).encode()
        return UpstreamRequest(
            method=verb,
            headers=headers,
            body=body,
            message=None if message is None else _parsed(body),
            era=self.voice.era,
            agent=self.voice.agent,
        )

    def odd(self, what: str) -> UpstreamFailed:
        """Return the failure of a server that answers otherwise than MCP says."""
        return UpstreamFailed(f"the server `{self._server}`: {inert_line(what, 300)}", sent=True)

    async def _result(self, method: str, params: Mapping[str, object]) -> dict[str, JsonValue]:
        found = await self.asked(method, params)
        if found is None:
            text = f"the server `{self._server}`: `{method}` was answered with an error"
            raise AnsweredWithError(text, sent=True, aside=self._said)
        return found

    async def _told(self, text: bytes, status: int) -> JsonValue:
        """Return what a text of the answer says; an error page may be anything."""
        try:
            if len(text) <= AT_ONCE:
                return parse(text)
            return await asyncio.to_thread(parse, text)
        except Refused as flaw:
            if status == _OK:
                raise self.odd(f"it does not answer in strict JSON: {flaw}") from flaw
            return None

    async def _texts(self, answer: UpstreamAnswer) -> AsyncGenerator[bytes, None]:
        """Yield the JSON texts in an answer, and give it up."""
        reader = EventReader()
        streams = is_event_stream(answer.headers.get("Content-Type", ""))
        chunks: list[bytes] = []
        try:
            if answer.status == _OK and "Content-Encoding" in answer.headers:
                raise self.odd("its answer is packed, although that was not asked for")
            async for chunk in answer.chunks():
                self._read += len(chunk)
                if self._read > _LARGEST:
                    raise self.odd("what it says is larger than 8 MiB")
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


def _answers(told: Mapping[str, JsonValue], asked: object) -> bool:
    """Tell whether a message answers the request of this id; errors need not know it."""
    if "result" not in told:
        return "error" in told
    number = told.get("id")
    return (number.text if isinstance(number, Number) else number) == str(asked)


def _message(error: JsonValue) -> str:
    """Return what an error says, as it may be shown; nothing where it says nothing."""
    said = error.get("message") if isinstance(error, dict) else None
    return quoted(said) if isinstance(said, str) and said.strip() else ""


def _parsed(body: bytes) -> dict[str, JsonValue]:
    value = parse(body)
    assert isinstance(value, dict)
    return value
