"""Turns calls that wait for people into tasks, and answers for these from the ledger."""

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway.calls.aftermath import Aftermath
from gateway.calls.calling import Call
from gateway.calls.collecting import Failure, Response
from gateway.calls.passing import Caller
from gateway.calls.verdicts import Pending
from gateway.sealing import Unsealable
from gateway.tasks.handed_tasks import asked_behind
from gateway.tasks.sealed_tasks import SealedTasks
from gateway.tasks.task_results import TaskResults
from gateway.tasks.task_rounds import Asking, Came, Handed, brought
from gateway.tasks.task_runs import TaskRuns
from gateway.tasks.task_states import changed_at, state_of, waits
from gateway.upstreams import Era, UpstreamRequest
from gateway.wire.envelopes import Request
from gateway.wire.errors import Rejected
from gateway.wire.task_shapes import (
    ACKNOWLEDGED,
    InputRequired,
    Working,
    created,
    declares_tasks,
    shown,
    undeclared,
    unknown,
)
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.readings.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable
from policies.values.calls import JsonValue
from policies.values.refusals import Refused
from policies.values.strict_json import canonical

PREFIX = "placet-task-"
"""How the ids of our tasks begin; what follows nobody can guess."""

_SECRET_BYTES = 32
_LARGEST = 1024 * 1024
"""Bytes of a request above which it is not kept for a task."""

_MOST = 1000
"""Tasks that one agent has at most."""

_MARGIN = timedelta(minutes=10)
_ONCE_MORE = timedelta(minutes=1)
"""How long an end is there to be heard again, should its first telling be lost."""

_AGAIN = timedelta(seconds=5)
"""How long a server rests that wants to be asked again."""

_LINGER = 1.0
"""Seconds that a caller waits for a call which it just let run; most end in that time."""

_LOST = '{"code":-31008,"message":"the key that the request was kept with is gone; call again"}'


class TaskDesk:
    """The second rung of the waiting ladder: a task that is polled, by whatever replica.

    A task is bound to its agent, to the person it acts for and to its server.
    Its call runs when it is asked for after the approval, once.
    """

    def __init__(
        self,
        ledger: Ledger,
        runs: TaskRuns,
        results: TaskResults,
        seals: SealedTasks,
        aftermath: Aftermath,
        now: Callable[[], datetime],
        reach: Callable[[str], None],
    ) -> None:
        """Take the collaborators; `now` returns UTC."""
        self._ledger = ledger
        self._runs = runs
        self._results = results
        self._seals = seals
        self._aftermath = aftermath
        self._now = now
        self._reach = reach

    async def open(self, call: Call, pending: Pending) -> bytes | None:
        """Return the answer that makes a waiting call a task, once that is on disk.

        None where its client cannot do tasks, or no task can be kept.
        """
        params, body = call.message.params, call.request.body
        if call.request.era is not Era.MODERN or not declares_tasks(params) or len(body) > _LARGEST:
            return None
        task = self._task(call, pending.approval)
        task = replace(task, request=self._seals.request(task, call.request))
        try:
            if not await self._ledger.tasks.put(task, _MOST):
                return None
        except LedgerUnavailable:
            return None
        self._reach("task-kept")
        return _response(call.message, created(task, waits(pending.approval)))

    async def answer(
        self, caller: Caller, request: UpstreamRequest, message: Request
    ) -> bytes | None:
        """Return the answer to a request about a task of ours; None where it is about another.

        Raises Rejected: the task is not known to this caller, or the client
        does not declare the extension; LedgerUnavailable; UpstreamFailed.
        """
        name = message.params.get("taskId")
        if not isinstance(name, str) or not name.startswith(PREFIX):
            return None
        if not declares_tasks(message.params):
            raise undeclared(message.id)
        task = await self._found(caller, name)
        if task is None:
            raise unknown(message.id)
        came = self._came(task, caller)
        if isinstance(came, Handed):
            return _passed(message, await asked_behind(caller, request, name, came))
        match message.method:
            case "tasks/get":
                return _response(message, await self._shown(caller, task, came))
            case "tasks/cancel":
                await self._ledger.tasks.cancel(task.id, self._now() + _ONCE_MORE)
                self._runs.cancel(task.id)
            case _:
                await self._take(caller, task, message.params.get("inputResponses"))
        return _response(message, ACKNOWLEDGED)

    async def _shown(self, caller: Caller, task: KeptTask, came: Came | None) -> str:
        """Return how a task stands, after letting its call go on where that may be."""
        approval = await self._approval(task)
        if approval.status is ApprovalStatus.APPROVED and not task.cancelled:
            self._runs.begin(caller, task)
        elif isinstance(came, Asking) and self._may_go_on(came, approval, task):
            self._runs.go_on(caller, task, came)
        hindered = None
        if self._runs.has(task.id):
            hindered = await self._lingered(task)
            approval = await self._approval(task)
        # What came of a call is kept before its outcome: whoever sees that, sees it.
        task = await self._found(caller, task.id) or task
        came = self._came(task, caller)
        state = state_of(task, approval, came, hindered, runs=self._runs.has(task.id))
        if not isinstance(state, Working | InputRequired):
            await self._heard(task, approval)
        return shown(task, state, changed_at(approval))

    def _came(self, task: KeptTask, caller: Caller) -> Came | None:
        try:
            return self._results.of(task, caller.agent.name)
        except Unsealable:
            return Failure(_LOST)

    def _may_go_on(self, asking: Asking, approval: Approval, task: KeptTask) -> bool:
        """Tell whether the server is to be asked again, who rests in between."""
        rested = self._now() - asking.since >= _AGAIN
        open_yet = asking.name not in approval.continuations and not task.cancelled
        return asking.whole and rested and open_yet

    async def _take(self, caller: Caller, task: KeptTask, given: JsonValue) -> None:
        """Keep what the caller brings to a server that asks; once all is there, that gets it."""
        approval = await self._approval(task)
        asking = self._came(task, caller)
        if not isinstance(asking, Asking) or not isinstance(given, dict) or task.cancelled:
            return
        if asking.name in approval.continuations or self._runs.has(task.id):
            return
        asking = brought(asking, given)
        if not await self._results.add(task, asking):
            again = await self._found(caller, task.id)
            if again is not None and again.result != task.result:
                await self._take(caller, again, given)
        elif asking.whole:
            self._runs.go_on(caller, task, asking)

    async def _lingered(self, task: KeptTask) -> str | None:
        """Wait a moment for the call of a task that runs here; say what hindered it."""
        try:
            await self._runs.wait(task.id, _LINGER)
        except Rejected as rejected:
            return rejected.message
        except Refused as refused:
            return str(refused)
        except Unsealable:
            return "the key that the request was kept with is gone"
        return None

    async def _heard(self, task: KeptTask, approval: Approval) -> None:
        """Note that the end of a task was told: it is kept for a moment more."""
        soon = self._now() + _ONCE_MORE
        if task.expires_at <= soon:
            return
        self._aftermath.came_back(approval.request.digest, approval.id)
        with contextlib.suppress(LedgerUnavailable):
            await self._ledger.tasks.keep_until(task.id, soon)

    async def _found(self, caller: Caller, name: str) -> KeptTask | None:
        """Return a task of this caller."""
        task = await self._ledger.tasks.find(name) if "\0" not in name else None
        own = (caller.agent.principal, caller.server.name)
        return task if task is not None and (task.principal, task.server) == own else None

    async def _approval(self, task: KeptTask) -> Approval:
        approval = await self._ledger.approval(task.approval)
        assert approval is not None, "a task is made of an approval"
        return approval

    def _task(self, call: Call, approval: Approval) -> KeptTask:
        at = self._now()
        use_within = timedelta(seconds=approval.request.use_within_seconds)
        return KeptTask(
            id=PREFIX + secrets.token_urlsafe(_SECRET_BYTES),
            principal=call.asked.agent.principal,
            server=call.asked.server,
            approval=approval.id,
            created_at=at,
            expires_at=approval.request.expires_at + use_within + _MARGIN,
        )


def _response(message: Request, result: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":{canonical(message.id)},"result":{result}}}'.encode()


def _passed(message: Request, response: Response) -> bytes:
    """Return a server's response under the id of the caller's request."""
    kind = "error" if isinstance(response, Failure) else "result"
    known = canonical(message.id)
    return f'{{"jsonrpc":"2.0","id":{known},"{kind}":{response.text}}}'.encode()
