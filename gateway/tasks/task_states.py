"""Tells how a task stands, from its approval and from what came of its call. Pure."""

import sys
from datetime import datetime

from gateway.calls import answers
from gateway.calls.answers import Answer
from gateway.calls.collecting import Failure, Result
from gateway.tasks.task_rounds import Asking, Came, outstanding
from gateway.upstreams import Era
from gateway.wire.task_shapes import Cancelled, Completed, Failed, InputRequired, TaskState, Working
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.readings.tasks import KeptTask


def waits(approval: Approval) -> str:
    """Return in words what a call waits for."""
    return waiting_for(approval.id, teams_of(approval))


def waiting_for(approval: str, teams: str) -> str:
    """Return in words what a call waits for: the id of an approval, and its teams in words."""
    return f"waiting for approval {approval}, {teams}"


def teams_of(approval: Approval) -> str:
    """Return in words which teams an approval asks; of thousands that ask the same it is one."""
    return sys.intern(", ".join(f"team {term.team}" for term in approval.request.terms))


def state_of(
    task: KeptTask, approval: Approval, came: Came | None, hindered: str | None, *, runs: bool
) -> TaskState:
    """Return how a task stands; `runs` says that its call is under way in this process."""
    match came:
        case Result(text):
            return Completed(text)
        case Failure(text):
            return Failed(text)
        case Asking() if not runs and came.name not in approval.continuations:
            return _asking(task, came, hindered)
        case _:
            return _standing(task, approval, hindered)


def _asking(task: KeptTask, asking: Asking, hindered: str | None) -> TaskState:
    if task.cancelled:
        return Cancelled()
    if hindered is not None or asking.whole:
        return Working(hindered or "the server is to be asked again in a moment")
    return InputRequired(outstanding(asking))


def _standing(task: KeptTask, approval: Approval, hindered: str | None) -> TaskState:
    """Return how a task stands of which nothing came, or nothing after it went on."""
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


def changed_at(approval: Approval) -> datetime:
    """Return when an approval became what it is."""
    times = (approval.ended_at, approval.dispatched_at, approval.decided_at)
    return next((at for at in times if at is not None), approval.requested_at)
