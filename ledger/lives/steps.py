"""What may be done about a question that waits: remind, escalate, give it time, take it back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.events.envelopes import Command, Event
from ledger.events.evidence import Evidence, Standing, unfit
from ledger.events.parties import Parties
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    StepRefused,
)
from ledger.lives.approvals import OPEN, Approval, ApprovalStatus
from ledger.lives.closing import closing
from ledger.lives.deadlines_due import overdue
from ledger.lives.deciders import parties, standing_on
from ledger.lives.patience import reminders
from policies.people.people import Directory
from policies.values.refusals import Refused
from policies.yaml.durations import written

LONGEST = timedelta(hours=24)
"""How long after it was asked a question may wait, however often it is given more time."""


_ASKS = frozenset({ApprovalStatus.PENDING})
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class TakeStep(Command):
    """Do what is planned and due for an approval that waits: remind its teams, escalate it."""

    approval: str


@dataclass(frozen=True, kw_only=True)
class ExtendApproval(Command):
    """Give a question so much more time."""

    approval: str
    lasting: timedelta
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class WithdrawApproval(Command):
    """Take a question back: by the person of `evidence`, or by the agent that is the actor."""

    approval: str
    reason: str | None
    evidence: Evidence | None


def step(
    approval: Approval,
    command: TakeStep | ExtendApproval | WithdrawApproval,
    directory: Directory,
    at: datetime,
) -> list[Event]:
    """Return the events of a step at `at`. Raises Refused where an agent may not take it."""
    match command:
        case TakeStep():
            return planned(approval, directory, at)
        case ExtendApproval():
            return _extend(approval, command, directory, at)
        case WithdrawApproval():
            return _withdraw(approval, command, directory, at)


def planned(approval: Approval, directory: Directory, at: datetime) -> list[Event]:
    """Return what is due at `at`, whoever notices it; nothing where it was done or is too late."""
    if approval.status is not ApprovalStatus.PENDING or overdue(approval, at) is not None:
        return []
    patience, waiting = approval.patience, approval.undecided
    due = {plan.team for plan in patience.reminders if plan.at <= at and plan.team in waiting}
    events: list[Event] = [
        ApprovalReminded(approval=approval.id, team=team, number=patience.reminded.get(team, 0) + 1)
        for team in sorted(due)
    ]
    events += [
        ApprovalEscalated(approval=approval.id, team=plan.team, to=plan.to)
        for plan in patience.escalations
        if plan.at <= at and plan.team in waiting and plan.to in directory.teams
    ]
    return events


def _extend(
    approval: Approval, command: ExtendApproval, directory: Directory, at: datetime
) -> list[Event]:
    against = _over(approval, at, _ASKS) or _outsider(approval, command, directory, at)
    until = approval.expires_at + command.lasting
    asked_at, given = approval.requested_at, approval.request.expires_at
    latest = max(asked_at + LONGEST, given)
    if against is None and until > latest:
        hours, minutes = divmod(max(latest - approval.expires_at, timedelta(0)) // _MINUTE, 60)
        left = f"{hours}h{minutes}m" if hours else f"{minutes}m"
        message = f"a question waits for {written(LONGEST)} at most; this one can get {left} more"
        against = Standing(because="too-long", message=message)
    if against is not None:
        return [_refused(approval, "extend", command.evidence, against, directory)]
    more = reminders(
        approval.undecided, asked_at, until, directory, first=(given - asked_at) / 2, after=at
    )
    by = command.evidence.person_in(directory)
    extended = ApprovalExtended(
        approval=approval.id, by=by, until=until, reminders=more, evidence=command.evidence
    )
    return [extended]


def _withdraw(
    approval: Approval, command: WithdrawApproval, directory: Directory, at: datetime
) -> list[Event]:
    evidence = command.evidence
    if evidence is None:
        if command.actor != f"agent:{approval.request.agent}":
            raise Refused("only the agent that asked can take the question back")
        return _withdrawn(approval, f"the agent `{approval.request.agent}`", command.reason)
    person = evidence.person_in(directory)
    against = _over(approval, at, OPEN) or unfit(person, evidence, Parties(), at)
    if against is None and not parties(approval, directory).include(person, evidence.slack):
        message = "only the agent's owner, or whom it acts for, can take it back; deny it instead"
        against = Standing(because="not-the-owner", message=message)
    if against is not None:
        return [_refused(approval, "withdraw", evidence, against, directory)]
    return _withdrawn(approval, f"`{person}`", command.reason)


def _withdrawn(approval: Approval, who: str, reason: str | None) -> list[Event]:
    """Return the end of an open question; a call that has run is beyond taking back."""
    if approval.status not in OPEN:
        raise Refused(
            f"approval `{approval.id}` is {approval.status}: nothing is left to take back"
        )
    because = f"withdrawn by {who}" + (f": {reason}" if reason else "")
    return [closing(approval, because).event]


def _over(approval: Approval, at: datetime, states: frozenset[ApprovalStatus]) -> Standing | None:
    """Return why it is too late, where the approval is in none of `states` or its time is up."""
    if approval.status in states and overdue(approval, at) is None:
        return None
    state = approval.status if overdue(approval, at) is None else ApprovalStatus.EXPIRED
    message = f"this request is {state}: it is too late for that"
    return Standing(because="already-decided", message=message)


def _outsider(
    approval: Approval, command: ExtendApproval, directory: Directory, at: datetime
) -> Standing | None:
    where = standing_on(approval, command.evidence, directory, at)
    return where if where.because else None


def _refused(
    approval: Approval, name: str, evidence: Evidence, against: Standing, directory: Directory
) -> StepRefused:
    return StepRefused(
        approval=approval.id,
        step=name,
        person=evidence.person_in(directory),
        because=against.because,
        message=against.message,
        evidence=evidence,
    )
