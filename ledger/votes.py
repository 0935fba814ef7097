"""A person's yes or no: who may say it, when it counts, what it comes to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.approvals import Approval, ApprovalStatus
from ledger.envelopes import Command, Event
from ledger.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    CardFound,
    DetailsViewed,
    VoteCast,
    VoteRefused,
)
from ledger.evidence import FRESH, GROUP_FRESH, Evidence, Standing, standing
from policies.calls import Risk
from policies.people import Directory


@dataclass(frozen=True, kw_only=True)
class CastVote(Command):
    """Vote on an approval.

    `channel`, `ts` and `revision` name the card that was clicked, `whole` says
    whether that card shows the call in full. `evidence` is of the voter,
    `voters` of everybody who voted before.
    """

    approval: str
    approves: bool
    reason: str | None
    channel: str
    ts: str
    revision: int
    whole: bool
    evidence: Evidence
    voters: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ViewDetails(Command):
    """Note that a person opened page `page` (from 1) of `pages` of the details."""

    approval: str
    slack: str
    page: int
    pages: int


_DECIDED = {
    ApprovalStatus.APPROVED: "already approved by {by}",
    ApprovalStatus.DENIED: "already denied by {by}",
    ApprovalStatus.EXPIRED: "already expired: nobody decided in time, the agent has to ask again",
    ApprovalStatus.CANCELLED: "already cancelled: {reason}",
    ApprovalStatus.DISPATCHED: "already approved by {by}, and the call is running",
    ApprovalStatus.COMPLETED: "already approved by {by}, and the call has run",
    ApprovalStatus.FAILED: "already approved by {by}, and the call failed",
    ApprovalStatus.OUTCOME_UNKNOWN: "already approved by {by}; the call's outcome is unknown",
    ApprovalStatus.LAPSED: "already approved by {by}, but not used in time",
    ApprovalStatus.VOIDED: "already void: {reason}",
}


def vote(approval: Approval, command: CastVote, directory: Directory, at: datetime) -> list[Event]:
    """Return the events that a click causes; a vote that does not count is an event too."""
    found = _found(approval, command, directory)
    if approval.status is ApprovalStatus.PENDING and at >= approval.request.expires_at:
        expired: list[Event] = [ApprovalExpired(approval=approval.id)]
        message = "this request expired before you decided; the agent has to ask again"
        return [*found, *expired, _refuse(approval, command, directory, "expired", message)]
    refusal = _refusal(approval, command, directory, at)
    if isinstance(refusal, VoteRefused):
        return [*found, refusal]
    cast = VoteCast(
        approval=approval.id,
        person=directory.person_at(command.evidence.slack),
        approves=command.approves,
        teams=refusal.teams,
        reason=command.reason,
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        evidence=command.evidence,
    )
    if not command.approves:
        denied = ApprovalDenied(approval=approval.id, by=cast.person, reason=command.reason)
        return [*found, cast, denied]
    return [*found, cast, *_given(approval, cast, command, directory, at)]


def view(approval: Approval, command: ViewDetails, directory: Directory) -> list[Event]:
    """Return the event of a page of details being opened."""
    return [
        DetailsViewed(
            approval=approval.id,
            person=directory.person_at(command.slack),
            page=command.page,
            pages=command.pages,
        )
    ]


def expire(approval: Approval, at: datetime) -> list[Event]:
    """Return what time has made of the approval at `at`: expired, lapsed, or nothing."""
    if approval.deadline is None or at < approval.deadline:
        return []
    if approval.status is ApprovalStatus.PENDING:
        return [ApprovalExpired(approval=approval.id)]
    return [ApprovalLapsed(approval=approval.id)]


def apart(approval: Approval, directory: Directory) -> frozenset[str]:
    """Return the people who may never decide: the owner and the one acted for, by every name."""
    names = {approval.request.owner, approval.request.on_behalf_of} - {None}
    known = {directory.people[name].slack for name in names if name in directory.people}
    return frozenset(name for name in names | known if name)


def _refusal(
    approval: Approval, command: CastVote, directory: Directory, at: datetime
) -> VoteRefused | Standing:
    if approval.status is not ApprovalStatus.PENDING:
        message = _DECIDED[approval.status].format(
            by=" and ".join(f"`{name}`" for name in approval.by), reason=approval.reason
        )
        return _refuse(approval, command, directory, "already-decided", message)
    where = _standing(approval, command.evidence, directory, at)
    if where.because:
        return _refuse(approval, command, directory, where.because, where.message)
    hindrance = _hindrance(approval, command, directory) if command.approves else None
    return _refuse(approval, command, directory, *hindrance) if hindrance else where


def _hindrance(
    approval: Approval, command: CastVote, directory: Directory
) -> tuple[str, str] | None:
    """Return code and message of what keeps an approver's yes from counting."""
    person = directory.person_at(command.evidence.slack)
    if any(known.person == person and known.approves for known in approval.votes):
        return "already-voted", "you have already approved this; it waits for somebody else"
    if not command.whole and not approval.has_read_all(person):
        return (
            "unread",
            "the card does not show the whole call: open Details to its last page first",
        )
    if approval.request.reason_required and not (command.reason or "").strip():
        return "reason-required", "a rule asks for a reason: approve again and give one"
    return None


def _given(
    approval: Approval, cast: VoteCast, command: CastVote, directory: Directory, at: datetime
) -> list[Event]:
    """Return ApprovalGiven where this vote completes every count.

    Earlier voters count only where fresh evidence says that they still may.
    """
    fresh = {known.slack: known for known in command.voters if at - known.fetched_at <= FRESH}
    counts = {term.team: 0 for term in approval.request.terms}
    people: list[str] = []
    for known in approval.votes:
        evidence = fresh.get(known.slack)
        if not known.approves or evidence is None or known.person == cast.person:
            continue
        still = _standing(approval, evidence, directory, at).teams
        people.append(known.person)
        for team in set(still) & set(known.teams) & set(counts):
            counts[team] += 1
    for team in cast.teams:
        counts[team] += 1
    if any(counts[term.team] < term.approvals for term in approval.request.terms):
        return []
    use_until = at + timedelta(seconds=approval.request.use_within_seconds)
    by = (*people, cast.person)
    return [ApprovalGiven(approval=approval.id, by=by, use_until=use_until)]


def _standing(
    approval: Approval, evidence: Evidence, directory: Directory, at: datetime
) -> Standing:
    mild = approval.request.risk in {Risk.READ, Risk.WRITE}
    return standing(
        directory.person_at(evidence.slack),
        evidence,
        directory,
        teams=tuple(term.team for term in approval.request.terms),
        apart=apart(approval, directory),
        group_age=GROUP_FRESH if mild else FRESH,
        at=at,
    )


def _refuse(
    approval: Approval, command: CastVote, directory: Directory, because: str, message: str
) -> VoteRefused:
    return VoteRefused(
        approval=approval.id,
        person=directory.person_at(command.evidence.slack),
        approves=command.approves,
        because=because,
        message=message,
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        evidence=command.evidence,
    )


def _found(approval: Approval, command: CastVote, directory: Directory) -> list[Event]:
    """Register a copy of the card that the ledger does not know, so that it is painted too."""
    if not command.ts:
        return []
    if any((c.channel, c.ts) == (command.channel, command.ts) for c in approval.cards):
        return []
    named = [directory.teams[t.team] for t in approval.request.terms if t.team in directory.teams]
    return [
        CardFound(
            approval=approval.id,
            team=next((t.name for t in named if t.channel == command.channel), ""),
            channel=command.channel,
            ts=command.ts,
            revision=command.revision,
        )
    ]
