"""A yes that holds on for a while: the grant that comes with an approval, in one command."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from ledger.events.envelopes import Draft, Event
from ledger.events.events import ApprovalGiven, GrantedWith
from ledger.events.evidence import Evidence
from ledger.events.standing_events import GrantIssued
from ledger.lives.approvals import Approval
from policies.checking.argument_conditions import condition_problem
from policies.yaml.durations import written

_PATTERNS = frozenset("*?")
_ONCE = "approve this one only"


@dataclass(frozen=True)
class ThisCall:
    """The grant is for calls with exactly the arguments of the one that is approved."""


@dataclass(frozen=True)
class ThisTool:
    """The grant is for the tool, whatever the arguments."""


@dataclass(frozen=True)
class ThisToolWhere:
    """The grant is for calls of the tool of which the condition `when` (CEL) holds."""

    when: str


Scope: TypeAlias = ThisCall | ThisToolWhere | ThisTool
"""Which calls of the agent the grant is for; none is of another tool."""


@dataclass(frozen=True)
class Lasting:
    """The grant that a person wants to give with a yes.

    `grant` is the new grant's id, `grt_…`. `longest` is the policy's cap. `uses` is None
    where they are not counted.
    """

    grant: str
    scope: Scope
    lasting: timedelta
    longest: timedelta
    uses: int | None = None


def hindrance(
    approval: Approval, wanted: Lasting, teams: tuple[str, ...], *, delegated: bool = False
) -> tuple[str, str] | None:
    """Return code and message of why the grant cannot come with the yes; None where it can.

    `teams` are those that the voter may decide for, `delegated` whether in the
    stead of somebody else. A grant that could lift no later call, or more than
    the policy lets any lift, is not given.
    """
    if delegated:
        return "delegated", f"who votes for somebody else gives no grants: {_ONCE}"
    request = approval.request
    if not request.grantable:
        return "not-grantable", f"the policy lets no grant lift such calls: {_ONCE}"
    if _PATTERNS & set(request.tool):
        what = "the tool's name holds `*` or `?`, which a grant would read as a pattern"
        return "not-grantable", f"{what}: {_ONCE}"
    for term in request.terms:
        if term.approvals > 1 or term.team not in teams:
            asked = "a yes" if term.approvals == 1 else f"{term.approvals} people"
            what = f"such calls need {asked} of `{term.team}`, so your grant would lift none"
            return "needs-others", f"{what}: {_ONCE}"
    return _bounds(wanted)


def promised(approval: Approval, wanted: Lasting, at: datetime) -> GrantedWith:
    """Return what the approval says of the grant that comes with it."""
    request = approval.request
    return GrantedWith(
        grant=wanted.grant,
        target=f"{request.server}/{request.tool}",
        until=at + wanted.lasting,
        exact=isinstance(wanted.scope, ThisCall),
        when=wanted.scope.when if isinstance(wanted.scope, ThisToolWhere) else None,
        uses=wanted.uses,
    )


def issued(
    approval: Approval, events: list[Event], evidence: Evidence, reason: str | None
) -> list[Draft]:
    """Return the grant that a vote's events promise, as a draft of its own stream."""
    return [
        Draft(f"grant-{event.granted.grant}", _issued(approval, event, evidence, reason))
        for event in events
        if isinstance(event, ApprovalGiven) and event.granted is not None
    ]


def _issued(
    approval: Approval, given: ApprovalGiven, evidence: Evidence, reason: str | None
) -> GrantIssued:
    request, promise = approval.request, given.granted
    assert promise is not None, "the caller looks for one"
    return GrantIssued(
        grant=promise.grant,
        agent=request.agent,
        target=promise.target,
        until=promise.until,
        uses=promise.uses,
        reason=reason,
        by=given.by[-1],
        teams=tuple(term.team for term in request.terms),
        evidence=evidence,
        digest=request.digest if promise.exact else None,
        when=promise.when,
        given_with=approval.id,
    )


def _bounds(wanted: Lasting) -> tuple[str, str] | None:
    if wanted.lasting <= timedelta(0):
        return "invalid", "a grant has to last longer than nothing; choose for how long"
    if wanted.uses is not None and wanted.uses < 1:
        return "invalid", "a grant has to be good for one use at least; choose how often"
    if wanted.lasting > wanted.longest:
        return (
            "too-long",
            f"the policy allows grants of at most {written(wanted.longest)}; choose less",
        )
    match wanted.scope:
        case ThisToolWhere(when):
            problem = condition_problem(when)
            return ("invalid", problem) if problem else None
        case ThisCall() | ThisTool():
            return None
        case _:
            assert_never(wanted.scope)
