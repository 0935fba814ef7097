"""A person's yes or no: who may say it, when it counts, what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ledger.events.card_events import (
    CardFound,
    DetailsViewed,
    VoteCast,
    VoteRefused,
)
from ledger.events.envelopes import Command, Event
from ledger.events.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
)
from ledger.events.evidence import Evidence
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deadlines_due import overdue
from ledger.lives.deciders import Seat, seat_of, taken
from ledger.lives.delegations import Delegation
from ledger.lives.lasting import Lasting, hindrance, promised
from ledger.lives.tallying import tally
from policies.people.people import Directory
from policies.secrets.redaction import redact, redact_text
from policies.values.calls import GRAVE
from policies.values.strict_json import canonical, parse


@dataclass(frozen=True, kw_only=True)
class CastVote(Command):
    """Vote on an approval.

    `channel`, `ts` and `revision` name the card that was clicked, `whole` says
    whether that card shows the call in full. `evidence` is of the voter,
    `voters` of everybody who voted before, `givers` of those in whose stead the
    voter or one of them may vote. `suggested` are arguments, canonical
    JSON, that the agent is told with a no; `lasting` is the grant that is to
    come with a yes, which does not count without it. Where the card asks several
    questions, `members` are all of them.
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
    givers: tuple[Evidence, ...] = ()
    suggested: str | None = None
    lasting: Lasting | None = None
    members: tuple[str, ...] = ()


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


def without_secrets(command: CastVote) -> CastVote:
    """Return a vote with what a person wrote redacted; it is kept for ever."""
    reason, suggested = command.reason, command.suggested
    if suggested is not None:
        suggested = canonical(redact(parse(suggested.encode()), ()).value)
    return replace(command, reason=reason and redact_text(reason).text, suggested=suggested)


def vote(
    approval: Approval,
    command: CastVote,
    directory: Directory,
    at: datetime,
    delegations: Sequence[Delegation] = (),
) -> list[Event]:
    """Return the events that a click causes; a vote that does not count is an event too.

    `delegations` are those that have not ended.
    """
    found = _found(approval, command, directory)
    expired = overdue(approval, at)
    if isinstance(expired, ApprovalExpired):
        message = "this request expired before you decided; the agent has to ask again"
        return [*found, expired, _refuse(approval, command, directory, "expired", message)]
    seat = _refusal(approval, command, delegations, directory, at)
    if isinstance(seat, VoteRefused):
        return [*found, seat]
    cast = VoteCast(
        approval=approval.id,
        person=command.evidence.person_in(directory),
        approves=command.approves,
        teams=seat.standing.teams,
        reason=command.reason,
        channel=command.channel,
        ts=command.ts,
        revision=command.revision,
        evidence=command.evidence,
        delegation=seat.delegation.id if seat.delegation else None,
        giver=seat.giver.person_in(directory) if seat.giver else None,
        giver_evidence=seat.giver,
    )
    if not command.approves:
        return [*found, cast, _denied(approval, cast, command)]
    return [*found, *_counted(approval, cast, seat, command, delegations, directory, at)]


def _denied(approval: Approval, cast: VoteCast, command: CastVote) -> ApprovalDenied:
    return ApprovalDenied(
        approval=approval.id,
        by=cast.person,
        reason=command.reason,
        suggested=command.suggested,
    )


def _counted(
    approval: Approval,
    cast: VoteCast,
    seat: Seat,
    command: CastVote,
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
) -> list[Event]:
    """Return the yes, and ApprovalGiven where it completes every count.

    Where it would complete them if Slack could confirm the earlier voters, it
    is refused instead, so that the same person can press again.
    """
    voters = (*command.voters, *command.givers)
    count = tally(approval, seat, command.evidence, voters, delegations, directory, at)
    if count.unsure:
        named = " and ".join(f"`{person}`" for person in count.unsure)
        message = f"Slack could not confirm that {named} may still decide; press the button again"
        return [_refuse(approval, command, directory, "undetermined", message)]
    if not count.complete:
        return [cast]
    use_until = at + timedelta(seconds=approval.request.use_within_seconds)
    given = ApprovalGiven(
        approval=approval.id,
        by=count.by,
        use_until=use_until,
        confirmed=count.confirmed,
        granted=promised(approval, command.lasting, at) if command.lasting else None,
    )
    return [cast, given]


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


def _refusal(
    approval: Approval,
    command: CastVote,
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
) -> VoteRefused | Seat:
    if approval.status is not ApprovalStatus.PENDING:
        message = _DECIDED[approval.status].format(
            by=" and ".join(f"`{name}`" for name in approval.by), reason=approval.reason
        )
        return _refuse(approval, command, directory, "already-decided", message)
    voter, lasting = command.evidence, command.lasting is not None
    seat = seat_of(approval, voter, command.givers, delegations, directory, at, lasting=lasting)
    where = seat.standing
    if where.because:
        return _refuse(approval, command, directory, where.because, where.message)
    by = taken(approval, seat, voter, delegations, directory, at)
    against = _hindrance(approval, command, directory) if command.approves else None
    if by != voter.person_in(directory):
        against = against or _seated(seat, command, by)
    if against is None and command.approves and command.lasting:
        against = hindrance(
            approval, command.lasting, where.teams, delegated=seat.delegation is not None
        )
    return _refuse(approval, command, directory, *against) if against else seat


def _seated(seat: Seat, command: CastVote, by: str | None) -> tuple[str, str] | None:
    """Return why a seat that `by` has voted on takes no other vote; None where it does.

    The person whose seat it is may still say no.
    """
    if by is None:
        return None
    if seat.delegation is not None:
        whose = f"`{seat.delegation.giver}`, for whom you vote,"
        who = "" if by == seat.delegation.giver else f" through `{by}`"
        return "seat-taken", f"{whose} has approved this{who}: that counts once"
    if not command.approves:
        return None
    return "seat-taken", f"`{by}` has approved this in your stead: that counts once"


def _hindrance(
    approval: Approval, command: CastVote, directory: Directory
) -> tuple[str, str] | None:
    """Return code and message of what keeps an approver's yes from counting."""
    person = command.evidence.person_in(directory)
    if any(known.is_of(person, command.evidence.slack) for known in approval.votes):
        return "already-voted", "you have already approved this; it waits for somebody else"
    if command.members and approval.request.risk in GRAVE:
        return "one-by-one", "a call of this risk is decided on a card of its own: open that first"
    if not command.whole and not approval.has_read_all(person, command.evidence.slack):
        return (
            "unread",
            "the card does not show the whole call: open Details to its last page first",
        )
    if approval.request.reason_required and not (command.reason or "").strip():
        return "reason-required", "a rule asks for a reason: approve again and give one"
    return None


def _refuse(
    approval: Approval, command: CastVote, directory: Directory, because: str, message: str
) -> VoteRefused:
    return VoteRefused(
        approval=approval.id,
        person=command.evidence.person_in(directory),
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
    asked = [t.team for t in approval.request.terms] + [*approval.patience.escalated.values()]
    named = [directory.teams[name] for name in asked if name in directory.teams]
    return [
        CardFound(
            approval=approval.id,
            team=next((t.name for t in named if t.channel == command.channel), ""),
            channel=command.channel,
            ts=command.ts,
            revision=command.revision,
            members=command.members,
        )
    ]
