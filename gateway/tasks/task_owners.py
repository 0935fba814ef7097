"""Keeps the tasks that servers run by themselves apart: each is for the caller that began it."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar

from gateway.calls.calling import Call
from gateway.calls.dispatching import Deliver
from gateway.calls.passing import Caller
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.upstreams import ByteStream, Era, UpstreamAnswer, UpstreamFailed
from gateway.wire.event_streams import EventReader, is_event_stream
from gateway.wire.json_text import NotAnObject, elements, members, with_member
from gateway.wire.task_shapes import declares_tasks
from ledger.ledger import Ledger
from ledger.readings.tasks import Handle
from ledger.unavailable import LedgerUnavailable
from policies.values.calls import JsonValue

_T = TypeVar("_T")

Note: TypeAlias = Callable[[bytes], Awaitable[None]]
"""Looks at a JSON-RPC message before it goes on."""

_MARGIN = timedelta(days=7)
_ENDLESS = timedelta(days=90)
_LARGEST = 4 * 1024 * 1024
_NOT_NOTED = (
    "the server began a task, but the ledger could not note whose it is, so nobody can ask for it"
)


class TaskOwners:
    """Remembers who began which task at which server, for all processes.

    All callers come to a server with the same credentials, so it cannot tell
    them apart. What nobody is known to have begun is nobody's.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        """Take the ledger; `now` returns UTC."""
        self._ledger = ledger
        self._now = now

    def noting(self, call: Call, deliver: Deliver[_T]) -> Deliver[_T]:
        """Return `deliver`, but that a task is noted before its id is handed on.

        Where it cannot be noted, there is no answer: UpstreamFailed. A call
        that cannot become a task keeps its `deliver`.
        """
        if not _may_become_task(call):
            return deliver

        async def note(body: bytes) -> None:
            begun = _begun(body)
            if begun is not None:
                await self._note(call.caller, *begun)

        async def noting(answer: UpstreamAnswer, reader: OutcomeReader) -> _T:
            noted = await _noted(answer, note)
            try:
                return await deliver(noted, reader)
            finally:
                if noted.stream is not None:
                    await noted.stream.aclose()

        return noting

    async def owns(self, caller: Caller, name: JsonValue) -> bool:
        """Tell whether a task of a server is this caller's own. Raises LedgerUnavailable."""
        if not isinstance(name, str):
            return False
        handle = await self._ledger.tasks.owner(caller.server.name, _hashed(name))
        return handle is not None and handle.principal == caller.agent.principal

    async def only_own(self, caller: Caller, result: str) -> str:
        """Return a result of `tasks/list` with this caller's tasks only.

        Raises UpstreamFailed where it cannot be read, LedgerUnavailable.
        """
        found = await self._ledger.tasks.owned(caller.server.name, caller.agent.principal)
        own = {handle.name for handle in found}
        try:
            listed = result[members(result)["tasks"]]
            texts = [listed[at] for at in elements(listed)]
            kept = [text for text in texts if _hashed(json.loads(text).get("taskId")) in own]
        except (NotAnObject, KeyError, ValueError, AttributeError):
            message = "the server lists its tasks in a form that cannot be read"
            raise UpstreamFailed(message, sent=True) from None
        return with_member(result, "tasks", f"[{','.join(kept)}]")

    async def _note(self, caller: Caller, name: str, life: timedelta | None) -> None:
        until = self._now() + (_ENDLESS if life is None else min(life, _ENDLESS) + _MARGIN)
        handle = Handle(caller.server.name, _hashed(name), caller.agent.principal, until)
        try:
            await self._ledger.tasks.own(handle)
        except LedgerUnavailable as refused:
            raise UpstreamFailed(_NOT_NOTED, sent=True) from refused


def _may_become_task(call: Call) -> bool:
    """Tell whether the server may answer a call with a task: if the very request says so."""
    if call.request.era is Era.MODERN:
        return declares_tasks(call.message.params)
    return "task" in call.message.params


async def _noted(answer: UpstreamAnswer, note: Note) -> UpstreamAnswer:
    """Return an answer whose messages go through `note` before they go on."""
    streams = is_event_stream(answer.headers.get("Content-Type", ""))
    if answer.stream is not None:
        through = _events_noted if streams else _text_noted
        return answer._replace(stream=through(answer.stream, note))
    body = answer.body or b""
    for text in EventReader().feed(body) if streams else [body]:
        await note(text)
    return answer


async def _events_noted(stream: ByteStream, note: Note) -> AsyncGenerator[bytes, None]:
    reader = EventReader()
    async for chunk in stream:
        for text in reader.feed(chunk):
            await note(text)
        yield chunk


async def _text_noted(stream: ByteStream, note: Note) -> AsyncGenerator[bytes, None]:
    """Yield an answer as a whole once it was noted; no task is told in so many bytes."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in stream:
        chunks.append(chunk)
        size += len(chunk)
        if size > _LARGEST:
            yield b"".join(chunks)
            chunks.clear()
    if size <= _LARGEST:
        await note(b"".join(chunks))
    yield b"".join(chunks)


def _begun(body: bytes) -> tuple[str, timedelta | None] | None:
    """Return the id of the task that a response tells of, and how long it lasts.

    The extension's shape (SEP-2663), or that of 2025-11-25 (basic/utilities/tasks).
    """
    try:
        result = json.loads(body)["result"]
        task: Any = result if result.get("resultType") == "task" else result["task"]
        name, life = task["taskId"], task.get("ttlMs", task.get("ttl"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not isinstance(name, str):
        return None
    known = isinstance(life, int | float) and 0 <= life < _ENDLESS / timedelta(milliseconds=1)
    return name, timedelta(milliseconds=life) if known else None


def _hashed(name: object) -> str:
    """Return what a task's id is kept as: one length, whatever the server calls it."""
    return sha256(str(name).encode(errors="surrogatepass")).hexdigest()
