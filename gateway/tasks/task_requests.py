"""Answers or checks what callers ask about tasks, be they ours or a server's."""

import json
from collections.abc import Mapping

from gateway.calls.collecting import Failure, collected
from gateway.calls.passing import Caller
from gateway.listening.hearing import LISTEN
from gateway.tasks.task_desk import PREFIX, TaskDesk
from gateway.tasks.task_owners import TaskOwners
from gateway.upstreams import Era, UpstreamRequest
from gateway.wire.envelopes import Request
from gateway.wire.errors import SOON, Code, Rejected
from gateway.wire.json_text import elements, members, with_member
from gateway.wire.task_shapes import unknown
from ledger.unavailable import LedgerUnavailable
from policies.values.calls import JsonValue
from policies.values.strict_json import canonical

_LIST = "tasks/list"
_ABOUT_ONE = frozenset({"tasks/get", "tasks/update", "tasks/cancel", "tasks/result"})

ABOUT_TASKS = _ABOUT_ONE | {_LIST, LISTEN}
"""Methods that may be about tasks."""

_OK = 200


class TaskRequests:
    """What a caller may know and do of tasks: of its own, and of no others.

    INVARIANT: a request about a task of a server passes only where this caller
    is known to have begun it.
    """

    def __init__(self, desk: TaskDesk, owners: TaskOwners) -> None:
        """Take what answers for our tasks, and what knows whose the others are."""
        self._desk = desk
        self._owners = owners

    async def answer(
        self, caller: Caller, request: UpstreamRequest, message: Request
    ) -> bytes | UpstreamRequest:
        """Return the answer to a request about tasks, or the request as it may pass.

        Raises Rejected, and UpstreamFailed from a server that is asked.
        """
        try:
            return await self._answer(caller, request, message)
        except LedgerUnavailable as refused:
            text = f"{refused}; ask again"
            rejected = Rejected(503, Code.UNDECIDED, text, id=message.id, headers=SOON)
            raise _of_era(rejected, request.era) from refused

    async def _answer(
        self, caller: Caller, request: UpstreamRequest, message: Request
    ) -> bytes | UpstreamRequest:
        if message.method == _LIST:
            return await self._list(caller, request, message)
        if message.method == LISTEN:
            return await self._subscribed(caller, request, message)
        if request.era is Era.MODERN:
            answer = await self._desk.answer(caller, request, message)
            if answer is not None:
                return answer
        if not await self._owners.owns(caller, message.params.get("taskId")):
            raise _of_era(unknown(message.id), request.era)
        return request

    async def _list(self, caller: Caller, request: UpstreamRequest, message: Request) -> bytes:
        """Return the server's list with this caller's tasks only."""
        answer = await caller.server.upstream.forward(request)
        try:
            response = await collected(answer, lambda _: None)
        finally:
            if answer.stream is not None:
                await answer.stream.aclose()
        if isinstance(response, Failure):
            told = f'"error":{response.text}'
        else:
            told = f'"result":{await self._owners.only_own(caller, response.text)}'
        return f'{{"jsonrpc":"2.0","id":{canonical(message.id)},{told}}}'.encode()

    async def _subscribed(
        self, caller: Caller, request: UpstreamRequest, message: Request
    ) -> UpstreamRequest:
        """Return a request to listen without our tasks, which no server knows: these are polled."""
        named = _subscribed(message.params)
        theirs = [name for name in named if not (isinstance(name, str) and name.startswith(PREFIX))]
        for name in theirs:
            if not await self._owners.owns(caller, name):
                raise _of_era(unknown(message.id), request.era)
        return request if len(theirs) == len(named) else _without_ours(request)


def _subscribed(params: Mapping[str, JsonValue]) -> list[JsonValue]:
    """Return the tasks whose changes a caller wants to hear of (SEP-2663)."""
    wanted = params.get("notifications")
    named = wanted.get("taskIds", []) if isinstance(wanted, dict) else []
    return named if isinstance(named, list) else [named]


def _without_ours(request: UpstreamRequest) -> UpstreamRequest:
    text = request.body.decode()
    params = text[members(text)["params"]]
    wanted = params[members(params)["notifications"]]
    listed = wanted[members(wanted)["taskIds"]]
    names = [listed[at] for at in elements(listed)]
    kept = [name for name in names if not json.loads(name).startswith(PREFIX)]
    wanted = with_member(wanted, "taskIds", f"[{','.join(kept)}]")
    params = with_member(params, "notifications", wanted)
    return request._replace(body=with_member(text, "params", params).encode())


def _of_era(rejected: Rejected, era: Era) -> Rejected:
    """Return an error with the HTTP status that it has in this era."""
    if era is Era.LEGACY:
        rejected.status = _OK
    return rejected
