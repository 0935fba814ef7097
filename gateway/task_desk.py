"""Turns calls that wait for people into tasks, and answers for these from the ledger."""

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from gateway import answers
from gateway.aftermath import Aftermath
from gateway.answers import Answer
from gateway.calling import Call
from gateway.collecting import Failure, Response, Result
from gateway.envelopes import Request
from gateway.errors import Code, Rejected
from gateway.passing import Caller
from gateway.sealed_tasks import SealedTasks
from gateway.sealing import Unsealable
from gateway.task_runs import TaskRuns
from gateway.task_shapes import (
    ACKNOWLEDGED,
    Cancelled,
    Completed,
    Failed,
    TaskState,
    Working,
    created,
    declares_tasks,
    shown,
    undeclared,
    unknown,
)
from gateway.tool_calls import Pending
from gateway.upstreams import Era
from ledger.approvals import Approval, ApprovalStatus
from ledger.ledger import Ledger
from ledger.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable
from policies.refusals import Refused
from policies.strict_json import canonical

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
        seals: SealedTasks,
        aftermath: Aftermath,
        now: Callable[[], datetime],
        reach: Callable[[str], None],
    ) -> None:
        """Take the collaborators; `now` returns UTC."""
        self._ledger = ledger
        self._runs = runs
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

    async def answer(self, caller: Caller, message: Request) -> bytes | None:
        """Return the answer to a request about a task of ours; None where it is about another.

        Raises Rejected: the task is not known to this caller, the client does
        not declare the extension, the ledger is away.
        """
        name = message.params.get("taskId")
        if not isinstance(name, str) or not name.startswith(PREFIX):
            return None
        if not declares_tasks(message.params):
            raise undeclared(message.id)
        try:
            task = await self._found(caller, name)
            if task is None:
                raise unknown(message.id)
            result = await self._answered(caller, message, task)
        except LedgerUnavailable as refused:
            text = f"{refused}; ask again"
            raise Rejected(503, Code.UNDECIDED, text, id=message.id) from refused
        return _response(message, result)

    async def _answered(self, caller: Caller, message: Request, task: KeptTask) -> str:
        match message.method:
            case "tasks/get":
                state, at = await self._state(caller, task)
                if not isinstance(state, Working):
                    await self._heard(task)
                return shown(task, state, at)
            case "tasks/cancel":
                await self._ledger.tasks.cancel(task.id)
                self._runs.cancel(task.id)
                return ACKNOWLEDGED
            case _:
                return ACKNOWLEDGED

    async def _state(self, caller: Caller, task: KeptTask) -> tuple[TaskState, datetime]:
        """Return how a task stands, after letting its call run where that may be."""
        approval = await self._approval(task)
        if approval.status is ApprovalStatus.APPROVED and not task.cancelled:
            self._runs.begin(caller, task)
        hindered = await self._lingered(task)
        task = await self._found(caller, task.id) or task
        approval = await self._approval(task)
        try:
            response = self._runs.response(task)
        except Unsealable:
            return Failed(_LOST), _changed(approval)
        if response is not None:
            return _ended(response), _changed(approval)
        return _standing(task, approval, hindered), _changed(approval)

    async def _lingered(self, task: KeptTask) -> str | None:
        """Wait a moment for the call of a task that runs here; say what hindered it."""
        try:
            await self._runs.wait(task.id, _LINGER)
        except Rejected as rejected:
            return rejected.message
        except Refused as refused:
            return str(refused)
        return None

    async def _heard(self, task: KeptTask) -> None:
        """Note that the end of a task was told: it is kept for a moment more."""
        soon = self._now() + _ONCE_MORE
        if task.expires_at <= soon:
            return
        approval = await self._approval(task)
        self._aftermath.came_back(approval.request.digest, approval.id)
        with contextlib.suppress(LedgerUnavailable):
            await self._ledger.tasks.keep_until(task.id, soon)

    async def _found(self, caller: Caller, name: str) -> KeptTask | None:
        """Return a task of this caller."""
        task = await self._ledger.tasks.find(name)
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


def waits(approval: Approval) -> str:
    """Return in words what a call waits for."""
    teams = ", ".join(f"team {term.team}" for term in approval.request.terms)
    return f"waiting for approval {approval.id}, {teams}"


def _standing(task: KeptTask, approval: Approval, hindered: str | None) -> TaskState:
    """Return how a task without a response stands."""
    mine = approval.dispatched_task == task.id
    if task.cancelled and (not mine or approval.status is not ApprovalStatus.DISPATCHED):
        return Cancelled()
    match approval.status:
        case ApprovalStatus.PENDING:
            return Working(waits(approval))
        case ApprovalStatus.APPROVED:
            return Working(hindered or f"approval {approval.id} was given, the call is to run")
        case ApprovalStatus.DISPATCHED if mine:
            return Working("the call runs at its server")
        case _ if mine:
            return _told(answers.unknown(approval))
        case _:
            return _told(answers.ending(approval) or answers.used(approval))


def _told(answer: Answer) -> TaskState:
    return Completed(answer.result(Era.MODERN))


def _ended(response: Response) -> TaskState:
    match response:
        case Result(text):
            return Completed(text)
        case Failure(text):
            return Failed(text)


def _changed(approval: Approval) -> datetime:
    """Return when an approval became what it is."""
    times = (approval.ended_at, approval.dispatched_at, approval.decided_at)
    return next((at for at in times if at is not None), approval.requested_at)


def _response(message: Request, result: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":{canonical(message.id)},"result":{result}}}'.encode()
