"""What operators may read over HTTP: approvals, grants and the history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gateway.api.decision_bodies import Body, Told, ToldRule
from ledger.audit.stories import event_as_json
from ledger.events.catalogue import EVENTS
from ledger.events.envelopes import Recorded
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.grants import Grant, GrantStatus
from ledger.lives.known_votes import KnownVote
from policies.values.calls import Risk

MOST = 1000
"""Things on one page at most."""

_NAMES = tuple(sorted(event.TOPIC for event in EVENTS))


def _known(name: str) -> str:
    if name not in _NAMES:
        raise ValueError("is not the name of an event")
    return name


EventName = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": list(_NAMES)})]
_Limit = Annotated[int, Field(ge=1, le=MOST, description=f"How many at most, up to {MOST}.")]
_Page = Annotated[
    str | None,
    Field(description="The `next` of the page before; left out for the first page."),
]


class ApprovalsQuery(Body):
    """Which approvals to list, the newest first."""

    status: Annotated[
        tuple[ApprovalStatus, ...], Field(description="Only these; may be given several times.")
    ] = ()
    agent: Annotated[str | None, Field(description="Only those of this agent.")] = None
    server: Annotated[str | None, Field(description="Only those of this server.")] = None
    page: _Page = None
    limit: _Limit = 100


class GrantsQuery(Body):
    """Which grants to list, by id."""

    live: Annotated[bool, Field(description="Only those in force.")] = True
    agent: Annotated[str | None, Field(description="Only those of this agent.")] = None
    page: _Page = None
    limit: _Limit = 100


class AuditQuery(Body):
    """Which events to list, in order."""

    after: Annotated[int, Field(ge=0, le=2**62, description="Only events after this position.")] = 0
    event: Annotated[
        tuple[EventName, ...],
        Field(description="Only events of these names; may be given several times."),
    ] = ()
    agent: Annotated[str | None, Field(description="Only what concerns this agent.")] = None
    server: Annotated[str | None, Field(description="Only what concerns this server.")] = None
    about: Annotated[
        str | None, Field(description="Only the story of this call, approval or grant.")
    ] = None
    limit: _Limit = 100


class ToldTerm(Told):
    """How many of a team's approvers must say yes."""

    team: str
    approvals: int


class ToldVote(Told):
    """A vote that counts; `giver` is in whose stead the person cast it."""

    person: str
    giver: str | None
    approves: bool
    teams: list[str]
    reason: str | None
    at: datetime


class ToldApproval(Told):
    """An approval as it stands."""

    id: str
    status: ApprovalStatus
    agent: str
    agent_team: str
    owner: str
    on_behalf_of: str | None
    server: str
    tool: str
    description: Annotated[str, Field(description="What the server says of the tool.")]
    arguments: Annotated[
        str,
        Field(
            description="The arguments without their secrets, as canonical JSON in a text, so that "
            "every number stays as it was written."
        ),
    ]
    hidden: Annotated[int, Field(description="How many values were taken out of them.")]
    risk: Risk
    evidence: Annotated[str, Field(description="What speaks for the risk.")]
    rules: list[ToldRule]
    terms: list[ToldTerm]
    votes: list[ToldVote]
    by: Annotated[list[str], Field(description="Who decided.")]
    reason: str | None
    suggested: Annotated[
        str | None,
        Field(description="The arguments that came with a no, as canonical JSON in a text."),
    ]
    granted: Annotated[str | None, Field(description="The grant that was given with the yes.")]
    undeliverable: Annotated[
        dict[str, str], Field(description="By team, why the card could not be delivered.")
    ]
    requested_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    use_until: datetime | None
    calls: Annotated[list[str], Field(description="The identical calls that asked.")]
    used_by: Annotated[str | None, Field(description="The call that used it.")]
    used_at: datetime | None
    outcome: str | None
    error: str | None
    duration_ms: int | None
    size: int | None
    ended_at: datetime | None


class ToldApprovals(Told):
    """A page of approvals."""

    approvals: list[ToldApproval]
    next: Annotated[str | None, Field(description="Names the next page; null at the end.")]


class ToldGrant(Told):
    """A grant as it stands."""

    id: str
    status: GrantStatus
    agent: str
    target: Annotated[str, Field(description="`server/tool`, with globs.")]
    until: datetime
    exact: Annotated[
        bool, Field(description="Whether it is for the very arguments of `given_with` only.")
    ]
    given_with: Annotated[str | None, Field(description="The approval that it came with.")]
    when: Annotated[str | None, Field(description="The condition in CEL that calls have to meet.")]
    sum: Annotated[str | None, Field(description="What is added up over the calls; null: nothing.")]
    at_most: Annotated[str | None, Field(description="How much that may be in all.")]
    taken: Annotated[str, Field(description="How much that is already.")]
    uses: Annotated[int | None, Field(description="How many calls it lets run; null: any number.")]
    used: int
    reason: str | None
    by: str
    teams: list[str]
    issued_at: datetime
    ended_at: datetime | None
    ended_by: str | None


class ToldGrants(Told):
    """A page of grants."""

    grants: list[ToldGrant]
    next: Annotated[str | None, Field(description="Names the next page; null at the end.")]


class ToldEvent(Told):
    """An event in its place."""

    position: int
    at: str
    event: Annotated[str, Field(description="Its name.")]
    stream: str
    version: int
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str
    redacted: Annotated[bool, Field(description="Whether its content was taken away for good.")]
    state: Annotated[dict[str, Any], Field(description="What it says; the fields are its own.")]


class ToldEvents(Told):
    """A page of the history."""

    events: list[ToldEvent]
    next: Annotated[
        int,
        Field(
            description="The position up to which was looked: go on with it as `after`. A page may "
            "be empty and not the last one."
        ),
    ]
    head: Annotated[int, Field(description="The position of the newest event.")]


def told_approval(approval: Approval) -> ToldApproval:
    """Return an approval as operators are told."""
    request = approval.request
    return ToldApproval(
        id=approval.id,
        status=approval.status,
        agent=request.agent,
        agent_team=request.agent_team,
        owner=request.owner,
        on_behalf_of=request.on_behalf_of,
        server=request.server,
        tool=request.tool,
        description=request.description,
        arguments=request.arguments,
        hidden=request.hidden,
        risk=request.risk,
        evidence=request.evidence,
        rules=[ToldRule.model_validate(rule.model_dump()) for rule in request.rules],
        terms=[ToldTerm(team=term.team, approvals=term.approvals) for term in request.terms],
        votes=[_vote(vote) for vote in approval.votes],
        by=list(approval.by),
        reason=approval.reason,
        suggested=approval.suggested,
        granted=approval.granted.grant if approval.granted else None,
        undeliverable=dict(approval.undeliverable),
        requested_at=approval.requested_at,
        expires_at=approval.expires_at,
        decided_at=approval.decided_at,
        use_until=approval.use_until,
        calls=list(approval.calls),
        used_by=approval.dispatched_call,
        used_at=approval.dispatched_at,
        outcome=approval.outcome,
        error=approval.error,
        duration_ms=approval.duration_ms,
        size=approval.size,
        ended_at=approval.ended_at,
    )


def told_grant(grant: Grant) -> ToldGrant:
    """Return a grant as operators are told."""
    known = grant.model_dump(include=set(ToldGrant.model_fields))
    exact = grant.digest is not None
    return ToldGrant.model_validate({**known, "teams": list(grant.teams), "exact": exact})


def told_events(events: Sequence[Recorded], after: int, head: int) -> ToldEvents:
    """Return a page of the history that was looked at up to `after`."""
    told = [ToldEvent.model_validate(event_as_json(recorded)) for recorded in events]
    return ToldEvents(events=told, next=after, head=head)


def _vote(vote: KnownVote) -> ToldVote:
    return ToldVote(
        person=vote.person,
        giver=vote.giver,
        approves=vote.approves,
        teams=list(vote.teams),
        reason=vote.reason,
        at=vote.at,
    )
