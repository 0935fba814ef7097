"""Speaks MCP over stdio for the gateway: lines go to its endpoint, and answers come back."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import aiohttp

from gateway.stdio_face.face_events import Heard, events, last_message, streams
from gateway.stdio_face.face_lines import (
    Asking,
    Line,
    NoMessage,
    Telling,
    answers,
    as_answer,
    error,
    mirrored,
    on_one_line,
    read_line,
)
from gateway.stdio_face.face_sessions import FaceSession, is_later
from gateway.stdio_face.face_tools import ShownTools, code_of, listing
from gateway.wire.errors import Code
from gateway.wire.event_streams import LET_THROUGH, STILL_WAITING
from policies.values.inert import inert_line
from policies.values.strict_json import canonical

_LOG = logging.getLogger(__name__)

Write: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Writes one line to the client."""

_ACCEPT = "application/json, text/event-stream"
_NOT_FOUND = 404
_NO_SUCH_SESSION = str(int(Code.NO_SUCH_SESSION))
_BAD = 400
_UNAUTHORIZED = 401
_ECHO = 300
_AGAIN = 5
"""How often the rest of an answer that broke off is asked for."""
_PAUSE = 0.5
_MOST_PAGES = 100
_INITIALIZED = "notifications/initialized"
_PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to tell the server that the client is ready."""
_BEFORE = 5.0
"""Seconds for which a notification keeps what comes after it waiting."""
_GIVEN_UP = (
    "the call waited for people when its client said no more, and was given up; the identical call "
    "takes its approval up"
)


class Face:
    """What a client that spawns a command takes for its server.

    Requests run beside one another; what changes the session, and every
    notification that is taken in time, goes before the next line is read.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, write: Write) -> None:
        """Speak to `url` with the session's headers; nothing is sent yet."""
        self._http = http
        self._url = url
        self._write = write
        self._session = FaceSession(http, url, self._heard)
        self._running: dict[str, tuple[Asking, asyncio.Task[None]]] = {}
        self._waiting: set[str] = set()
        self._telling: set[asyncio.Task[None]] = set()
        self._tools = ShownTools()
        self._draining = False

    async def take(self, line: bytes) -> None:
        """Take one line of the client."""
        try:
            message = read_line(line)
        except NoMessage as wrong:
            await self._write(on_one_line(error(wrong.id, str(wrong), wrong.code)))
            return
        match message:
            case Asking(method="initialize"):
                await self._answered(message)
            case Asking():
                task = asyncio.create_task(self._answered(message))
                self._running[message.id] = (message, task)
                task.add_done_callback(lambda done: self._forget(message.id, done))
            case Telling(method=""):
                self._tell(message)
            case Telling():
                await self._notified(message)

    def _forget(self, known: str, done: asyncio.Task[None]) -> None:
        if self._running.get(known, (None, None))[1] is done:
            del self._running[known]
            self._waiting.discard(known)

    async def drain(self, seconds: float) -> None:
        """Wait until what was asked is answered, at most `seconds`; streams are not waited for.

        A client that says no more is told nothing but answers: it may be about to end.
        So a call that waits for people, which could run after its end, is given up.
        """
        self._draining = True
        for asked, task in [self._running[known] for known in self._waiting & self._running.keys()]:
            task.cancel()
            await self._refuse(asked, _GIVEN_UP)
        waiting = [
            task for asked, task in self._running.values() if asked.method != "subscriptions/listen"
        ]
        if waiting:
            await asyncio.wait(waiting, timeout=seconds)

    async def close(self) -> None:
        """Give up all that runs, which cancels it where the protocol says so; end the session."""
        tasks = [*(task for _, task in self._running.values()), *self._telling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.end()

    async def _answered(self, asked: Asking) -> None:
        """Have a request answered: always, and once."""
        try:
            await self._ask(asked)
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            sent = not isinstance(failure, aiohttp.ClientConnectorError)
            text = f"Placet gave no answer at {self._url}: {_brief(failure)}"
            text += "; the call may have run, so look before you call again" if sent else ""
            await self._refuse(asked, f"{text}; is `placet serve` running?")
        except Exception:  # noqa: BLE001 (the edge: every request is answered)
            _LOG.exception("a request failed")
            await self._refuse(asked, "`placet stdio` failed; look into its log")

    async def _ask(self, asked: Asking) -> None:
        for attempt in (1, 2):
            async with self._http.post(
                self._url, data=asked.line, headers=self._headers(asked), allow_redirects=False
            ) as answer:
                if attempt == 1 and await self._mended(asked, answer):
                    continue
                try:
                    await self._relay(asked, answer)
                except _Forgotten as told:
                    if attempt == 1 and await self._session.begin_anew():
                        continue
                    await self._heard(told.body, asked)
                return

    async def _mended(self, asked: Asking, answer: aiohttp.ClientResponse) -> bool:
        """Tell whether a request that ran nowhere can be sent again, better or in a new session."""
        if answer.status == _NOT_FOUND and asked.version is None and asked.method != "initialize":
            return await self._session.begin_anew()
        if answer.status == _BAD and asked.version is not None and asked.method == "tools/call":
            mismatch = code_of(await answer.read()) == str(int(Code.HEADER_MISMATCH))
            return mismatch and await self._learn(asked)
        return False

    async def _relay(self, asked: Asking, answer: aiohttp.ClientResponse) -> None:
        if asked.method == "initialize":
            self._session.began(asked, answer)
        if streams(answer):
            await self._relay_events(asked, answer)
            return
        body = await answer.read()
        if answer.status < _BAD and answers(body, asked.id):
            await self._heard(body, asked)
            return
        told = as_answer(body, asked.id)
        if told is None:
            text = f"Placet answered with HTTP status {answer.status} and no JSON-RPC response"
            told = error(asked.id, text)
        if answer.status == _UNAUTHORIZED:
            _LOG.warning("the key is refused; set PLACET_KEY to an agent's key")
        await self._write(on_one_line(told))

    async def _relay_events(self, asked: Asking, answer: aiohttp.ClientResponse) -> None:
        """Write the messages of a stream; where it ends too early, ask for the rest."""
        last: str | None = None
        for attempt in range(_AGAIN + 1):
            stream = events(answer) if not attempt else self._session.rest(last or "")
            async with contextlib.aclosing(stream) as heard:
                async for event in heard:
                    last = event.id or last
                    if await self._ended(asked, event):
                        return
            if last is None or asked.version is not None:
                break
            await asyncio.sleep(_PAUSE)
        await self._refuse(asked, "the answer broke off; the call may have run, so look first")

    async def _ended(self, asked: Asking, event: Heard) -> bool:
        """Hand an event on, and tell whether its stream is over: answered, or given up.

        Raises _Forgotten where the session of a call that was held is over.
        """
        answered = bool(event.body) and answers(event.body, asked.id)
        if event.block == STILL_WAITING:
            self._waiting.add(asked.id)
        elif answered or event.block == LET_THROUGH:
            self._waiting.discard(asked.id)
        if answered and asked.version is None and code_of(event.body) == _NO_SUCH_SESSION:
            raise _Forgotten(event.body)
        if event.body:
            await self._heard(event.body, asked)
        if self._draining and asked.id in self._waiting:
            await self._refuse(asked, _GIVEN_UP)
            return True
        return answered

    async def _heard(self, body: bytes, asked: Asking | None = None) -> None:
        """Write a message, after looking at what it says of the session or of the tools."""
        if asked is not None and answers(body, asked.id):
            self._session.took(asked, body)
        if asked is not None and asked.method == "tools/list":
            self._tools.note(body)
        if not self._draining or (asked is not None and answers(body, asked.id)):
            await self._write(on_one_line(body))

    async def _refuse(self, asked: Asking, text: str) -> None:
        await self._write(on_one_line(error(asked.id, text)))

    async def _notified(self, told: Telling) -> None:
        """Pass a notification on; a modern request is cancelled by closing its answer.

        None gets a response once it is cancelled (basic/utilities/cancellation).
        """
        if told.method == "notifications/cancelled":
            named = told.params.get("requestId")
            asked, task = self._running.get(canonical(named), (None, None))
            if asked is not None and task is not None:
                task.cancel()
                if asked.version is not None:
                    return
        await asyncio.wait({self._tell(told)}, timeout=_BEFORE)

    def _tell(self, told: Telling) -> asyncio.Task[None]:
        task = asyncio.create_task(self._told(told))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return task

    async def _told(self, told: Telling) -> None:
        """Pass a notification on; the one that opens the session, until it is taken."""
        taken = await self._taken(told)
        if told.method == _INITIALIZED:
            for pause in _PAUSES:
                if taken is not None:
                    break
                await asyncio.sleep(pause)
                taken = await self._taken(told)
            if taken:
                self._session.listen(told)

    async def _taken(self, told: Telling) -> bool | None:
        """Tell whether Placet took a notification; None where it may take it in a moment."""
        try:
            async with self._http.post(
                self._url, data=told.line, headers=self._headers(told), allow_redirects=False
            ) as answer:
                if answer.status < _BAD:
                    return True
                _LOG.warning("`%s` was not taken: HTTP status %s", told.method, answer.status)
                return None if is_later(answer.status) else False
        except (aiohttp.ClientError, OSError, TimeoutError) as failure:
            _LOG.warning("`%s` was not sent: %s", told.method, _brief(failure))
            return None

    def _headers(self, line: Line) -> Mapping[str, str]:
        more = self._session.headers if line.version is None else mirrored(line, self._tools.known)
        return {"Accept": _ACCEPT, "Content-Type": "application/json", **more}

    async def _learn(self, asked: Asking) -> bool:
        """List the tools, as the client of a call whose headers lack something would."""
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            listed = read_line(listing(asked.params.get("_meta"), cursor))
            headers = self._headers(listed)
            async with self._http.post(
                self._url, allow_redirects=False, data=listed.line, headers=headers
            ) as answer:
                cursor = self._tools.note(await last_message(answer))
            if cursor is None:
                break
        return True


class _Forgotten(Exception):
    """The server knows the session of a held call no more, as `body` says; it ran nowhere."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body


def _brief(failure: BaseException) -> str:
    return inert_line(str(failure) or type(failure).__name__, _ECHO)
