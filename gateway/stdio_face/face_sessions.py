"""Keeps the session of a client that speaks MCP over stdio (protocols before 2026-07-28)."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import aiohttp

from gateway.callers.headers import SESSION
from gateway.stdio_face.face_events import Heard, events, last_message, streams
from gateway.stdio_face.face_lines import Asking, Telling
from gateway.stdio_face.face_tools import code_of
from policies.values.strict_json import canonical

_LOG = logging.getLogger(__name__)

_VERSION = "MCP-Protocol-Version"
_ACCEPT = "application/json, text/event-stream"
_JSON = {"Accept": _ACCEPT, "Content-Type": "application/json"}
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_BRIEFLY = 2.0
_BAD = 400
_TOO_MANY = 429
_MOST_STANDING = 1000
_OURS = 500


class FaceSession:
    """The session that was begun, its stream of the server's messages, and how to begin anew."""

    def __init__(
        self, http: aiohttp.ClientSession, url: str, heard: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Start without one; `heard` takes what the server says on its own stream."""
        self._http = http
        self._url = url
        self._heard = heard
        self._id: str | None = None
        self._version: str | None = None
        self._begun: Asking | None = None
        self._initialized: Telling | None = None
        self._standing: dict[tuple[str, str], Asking] = {}
        self._listening: asyncio.Task[None] | None = None
        self._beginning = asyncio.Lock()

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that go with every message of the session."""
        named = {SESSION: self._id, _VERSION: self._version}
        return {name: value for name, value in named.items() if value is not None}

    def began(self, asked: Asking, answer: aiohttp.ClientResponse) -> None:
        """Take in the head of the answer to `initialize`."""
        if answer.status < _BAD:
            self._begun = asked
            self._id = answer.headers.get(SESSION)
            self._version = None

    def took(self, asked: Asking, body: bytes) -> None:
        """Take in the answer to a request: the version agreed to, or what stands from now on.

        Subscriptions and the level of the log end with a session, so the next
        one has to be told of them; of subscriptions 1,000 are remembered.
        """
        uri = canonical(asked.params.get("uri"))
        match asked.method:
            case "initialize":
                self._standing.clear()
                self.agreed(body)
            case "resources/subscribe" | "logging/setLevel" if not code_of(body):
                if len(self._standing) < _MOST_STANDING:
                    self._standing[asked.method, uri] = asked
            case "resources/unsubscribe" if not code_of(body):
                self._standing.pop(("resources/subscribe", uri), None)

    def agreed(self, body: bytes) -> None:
        """Take in the version that the server agreed to."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            version = json.loads(body)["result"]["protocolVersion"]
            self._version = version if isinstance(version, str) and version.isascii() else None

    def listen(self, initialized: Telling) -> None:
        """Open the server's own stream, once the client has said that it is ready."""
        self._initialized = initialized
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())

    async def begin_anew(self) -> bool:
        """Begin another session in the place of one that is gone; tell whether that went well.

        What was sent under the one that is gone ran nowhere. The client's own
        words are sent again; it hears nothing of it.
        """
        gone = self._id
        async with self._beginning:
            if self._id != gone:
                return True
            if self._begun is None or gone is None:
                return False
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                return await self._again(self._begun)
        return False

    async def rest(self, last: str) -> AsyncGenerator[Heard, None]:
        """Yield the events after one of a stream that broke off."""
        with contextlib.suppress(_NoStream):
            async with contextlib.aclosing(self._stream({"Last-Event-ID": last})) as heard:
                async for event in heard:
                    yield event

    async def end(self) -> None:
        """End the session, if there is one."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        if self._id is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                async with asyncio.timeout(_BRIEFLY):
                    await (
                        await self._http.delete(
                            self._url, headers=self.headers, allow_redirects=False
                        )
                    ).read()

    async def _again(self, begun: Asking) -> bool:
        async with self._http.post(
            self._url, allow_redirects=False, data=begun.line, headers=_JSON
        ) as answer:
            self.began(begun, answer)
            if answer.status >= _BAD:
                return False
            self.agreed(await last_message(answer))
        if self._initialized is not None:
            await self._post(self._initialized.line)
            self.listen(self._initialized)
        for asked in list(self._standing.values()):
            with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                await self._post(asked.line)
        _LOG.info("the session was gone; another one was begun")
        return True

    async def _post(self, line: bytes) -> None:
        """Say again in this session what was said in the one that is gone."""
        headers = {**_JSON, **self.headers}
        async with self._http.post(
            self._url, allow_redirects=False, data=line, headers=headers
        ) as answer:
            await answer.read()

    async def _listen(self) -> None:
        """Hand on what the server says by itself, for as long as it has a stream for that."""
        pause, last = _FIRST_PAUSE, ""
        while self._id is not None:
            more = {"Last-Event-ID": last} if last else {}
            try:
                async with contextlib.aclosing(self._stream(more)) as heard:
                    async for event in heard:
                        pause, last = _FIRST_PAUSE, event.id or last
                        if event.body:
                            await self._heard(event.body)
            except _NoStream:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _stream(self, more: Mapping[str, str]) -> AsyncGenerator[Heard, None]:
        headers = {"Accept": "text/event-stream", **self.headers, **more}
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with self._http.get(self._url, headers=headers, allow_redirects=False) as answer:
                if is_later(answer.status):
                    return
                if answer.status >= _BAD or not streams(answer):
                    raise _NoStream
                async with contextlib.aclosing(events(answer)) as heard:
                    async for event in heard:
                        yield event


def is_later(status: int) -> bool:
    """Tell whether the same request may be answered better in a moment."""
    return status >= _OURS or status == _TOO_MANY


class _NoStream(Exception):
    """The server has no stream of its own, or the session is gone."""
