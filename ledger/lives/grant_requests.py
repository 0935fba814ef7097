"""Requests for grants: by whom an agent belongs to, answered by the teams that own the servers."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded
from ledger.events.evidence import Evidence, Standing, standing
from ledger.events.grant_request_events import (
    GrantRequestAnswered,
    GrantRequested,
    GrantRequestExpired,
)
from ledger.events.parties import Parties
from ledger.events.standing_events import GrantIssued, GrantRefused
from ledger.lives.approvals import CorruptHistory
from ledger.lives.grants import IssueGrant, standing_for
from ledger.lives.issuing import issue, terms_wrong
from policies.people.people import Agent, Directory
from policies.values.refusals import Refused

OPEN_FOR = timedelta(hours=24)
"""How long a request waits for an answer."""


class RequestStatus(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    GIVEN = "given"
    DENIED = "denied"
    EXPIRED = "expired"


class GrantRequest(Model):
    """A request for a grant; `id` is `grq_…`, `grant` the one it led to."""

    status: RequestStatus
    agent: str
    target: str
    lasting_seconds: int
    uses: int | None
    when: str | None
    reason: str | None
    by: str
    teams: tuple[str, ...]
    requested_at: AwareDatetime
    expires_at: AwareDatetime
    grant: str | None = None
    answered_by: str | None = None
    answered_at: AwareDatetime | None = None
    answer: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether it can still be answered."""
        return self.status is RequestStatus.PENDING

    @property
    def lasting(self) -> timedelta:
        """How long the grant is to last."""
        return timedelta(seconds=self.lasting_seconds)

    def columns(self) -> dict[str, str | int | None]:
        """Return what the table is searched by: when it ends by itself, UTC microseconds."""
        return {"deadline": int(self.expires_at.timestamp() * 1_000_000) if self.open else None}


@dataclass(frozen=True, kw_only=True)
class RequestGrant(Command):
    """Ask for a grant for an agent of one's own; the fields are those of IssueGrant.

    `request` is the new request's id, `grq_…`.
    """

    request: str
    agent: str
    target: str
    lasting: timedelta
    uses: int | None = None
    when: str | None = None
    reason: str | None = None
    longest: timedelta | None = None
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class AnswerRequest(Command):
    """Give what was asked for as the new `grant`, or say no where that is None."""

    request: str
    grant: str | None
    reason: str | None = None
    longest: timedelta | None = None
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class ExpireRequest(Command):
    """End a request whose time has come."""

    request: str


def ask(command: RequestGrant, agent: Agent | None, directory: Directory, at: datetime) -> Event:
    """Return GrantRequested, or GrantRefused: it takes the agent's owner, or who it acts for."""
    wanted = _wanted(command)
    problem = terms_wrong(wanted, agent, directory)
    if problem is not None:
        return _refused(command, command.agent, command.target, "invalid", problem, directory)
    assert agent is not None, "an unknown agent is a problem"
    where = _owns(command.evidence, agent, directory, at)
    if where.because:
        return _refused(
            command, command.agent, command.target, where.because, where.message, directory
        )
    return GrantRequested(
        request=command.request,
        agent=command.agent,
        target=command.target,
        lasting_seconds=int(command.lasting / timedelta(seconds=1)),
        uses=command.uses,
        when=command.when,
        reason=command.reason,
        by=command.evidence.person_in(directory),
        teams=directory.teams_behind(command.target),
        expires_at=at + OPEN_FOR,
        evidence=command.evidence,
    )


def answer(
    request: GrantRequest,
    command: AnswerRequest,
    agent: Agent | None,
    directory: Directory,
    at: datetime,
) -> list[Event]:
    """Return the grant and the answer, the no, or GrantRefused. Raises Refused where it is over.

    A yes is held to the rules of a grant that the same person gives by hand.
    """
    if not request.open or at >= request.expires_at:
        status = RequestStatus.EXPIRED if request.open else request.status
        by = f" by `{request.answered_by}`" if request.answered_by else ""
        raise Refused(f"request `{request.id}` is {status}{by} already")
    if command.grant is None:
        return [_denied(request, command, agent, directory, at)]
    event = issue(_given(request, command, command.grant), agent, directory, at)
    if not isinstance(event, GrantIssued):
        return [event]
    return [event, _answered(request, command, directory)]


def expire(request: GrantRequest, at: datetime) -> list[Event]:
    """Return GrantRequestExpired where nobody answered and the time has come."""
    overdue = request.open and at >= request.expires_at
    return [GrantRequestExpired(request=request.id)] if overdue else []


def evolve(request: GrantRequest | None, recorded: Recorded) -> GrantRequest:
    """Return the request after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match request, recorded.event:
        case None, GrantRequested() as event:
            return GrantRequest(
                id=event.request,
                version=recorded.version,
                position=recorded.position,
                status=RequestStatus.PENDING,
                agent=event.agent,
                target=event.target,
                lasting_seconds=event.lasting_seconds,
                uses=event.uses,
                when=event.when,
                reason=event.reason,
                by=event.by,
                teams=event.teams,
                requested_at=recorded.at,
                expires_at=event.expires_at,
            )
        case GrantRequest(), GrantRequestAnswered() as event:
            changes: dict[str, object] = {
                "status": RequestStatus.GIVEN if event.grant else RequestStatus.DENIED,
                "grant": event.grant,
                "answered_by": event.by,
                "answered_at": recorded.at,
                "answer": event.reason,
            }
        case GrantRequest(), GrantRequestExpired():
            changes = {"status": RequestStatus.EXPIRED}
        case _:
            raise CorruptHistory(recorded.event)
    changes |= {"version": recorded.version, "position": recorded.position}
    return request.model_copy(update=changes)


def _owns(evidence: Evidence, agent: Agent, directory: Directory, at: datetime) -> Standing:
    """Return whether a person may ask for an agent: its owner, or whom it acts for."""
    person = evidence.person_in(directory)
    where = standing(
        person, evidence, directory, teams=(), parties=Parties(), group_age=timedelta(0), at=at
    )
    if where.because != "not-an-approver":  # of no team at all: nothing else spoke against it
        return where
    if person in {agent.owner, agent.on_behalf_of}:
        return Standing()
    message = f"agent `{agent.name}` is not yours; its owner can ask, an approver can grant"
    return Standing(because="not-the-owner", message=message)


def _denied(
    request: GrantRequest,
    command: AnswerRequest,
    agent: Agent | None,
    directory: Directory,
    at: datetime,
) -> Event:
    nobody = Agent(name=request.agent, team="", owner="")
    where = standing_for(command.evidence, agent or nobody, request.teams, directory, at)
    if where.because:
        return _refused(
            command, request.agent, request.target, where.because, where.message, directory
        )
    return _answered(request, command, directory)


def _answered(
    request: GrantRequest, command: AnswerRequest, directory: Directory
) -> GrantRequestAnswered:
    return GrantRequestAnswered(
        request=request.id,
        grant=command.grant,
        by=command.evidence.person_in(directory),
        reason=command.reason,
        evidence=command.evidence,
    )


def _wanted(command: RequestGrant) -> IssueGrant:
    return IssueGrant(
        id=command.id,
        actor=command.actor,
        grant="",
        agent=command.agent,
        target=command.target,
        lasting=command.lasting,
        uses=command.uses,
        when=command.when,
        longest=command.longest,
        evidence=command.evidence,
    )


def _given(request: GrantRequest, command: AnswerRequest, grant: str) -> IssueGrant:
    return IssueGrant(
        id=command.id,
        actor=command.actor,
        grant=grant,
        agent=request.agent,
        target=request.target,
        lasting=request.lasting,
        uses=request.uses,
        when=request.when,
        reason=request.reason,
        longest=command.longest,
        evidence=command.evidence,
    )


def _refused(
    command: RequestGrant | AnswerRequest,
    agent: str,
    target: str,
    because: str,
    message: str,
    directory: Directory,
) -> GrantRefused:
    return GrantRefused(
        person=command.evidence.person_in(directory),
        agent=agent,
        target=target,
        because=because,
        message=message,
    )
