"""Who may decide on an approval: approvers in their own right, and others in their stead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ledger.events.evidence import (
    FRESH,
    GROUP_FRESH,
    Evidence,
    Standing,
    perhaps_own,
    standing,
    unfit,
)
from ledger.events.parties import Parties
from ledger.lives.approvals import Approval
from ledger.lives.delegations import Delegation
from ledger.lives.freeze_rights import same_user
from policies.people.people import Directory
from policies.values.calls import Risk

_UNREAD = frozenset({"stale-evidence", "undetermined"})
_OWN = frozenset({"own-request", "perhaps-own-request"})


@dataclass(frozen=True)
class Seat:
    """For which teams a person may vote; where in another's stead, under what, with evidence."""

    standing: Standing
    delegation: Delegation | None = None
    giver: Evidence | None = None

    def holder(self, voter: Evidence, directory: Directory) -> tuple[str, str]:
        """Return name and Slack id of the person whose vote it is."""
        whose = self.giver or voter
        return whose.person_in(directory), whose.slack


def parties(approval: Approval, directory: Directory) -> Parties:
    """Return the people who may never decide: the owner and the one acted for."""
    return Parties.of(approval.request.owner, approval.request.on_behalf_of, directory)


def standing_on(
    approval: Approval,
    evidence: Evidence,
    directory: Directory,
    at: datetime,
    *,
    lasting: bool = False,
) -> Standing:
    """Return for which of the approval's teams a person may decide at `at`, or why for none.

    A yes that is `lasting` needs memberships that were read just now, whatever the risk.
    """
    mild = approval.request.risk in {Risk.READ, Risk.WRITE} and not lasting
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=tuple(term.team for term in approval.request.terms),
        parties=parties(approval, directory),
        group_age=GROUP_FRESH if mild else FRESH,
        at=at,
        also=approval.patience.escalated,
    )


def seat_of(
    approval: Approval,
    voter: Evidence,
    givers: Sequence[Evidence],
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
    *,
    lasting: bool = False,
) -> Seat:
    """Return the seat that a person may vote on: their own, else that of a giver.

    `givers` is evidence of those in whose stead the person may vote. Of
    several seats, one that has not voted yet is taken.
    """
    own = Seat(standing_on(approval, voter, directory, at, lasting=lasting))
    unsure = own.standing.because == "undetermined" and voter.undetermined is None  # of the groups
    if own.standing.because != "not-an-approver" and not unsure:
        return own
    held = [
        each
        for each in delegations
        if each.holds(at) and same_user(voter.slack, each.delegate_slack)
    ]
    seats = [_seat(approval, voter, each, givers, directory, at) for each in held]
    free = [
        seat
        for seat in seats
        if seat.standing.teams and not taken(approval, seat, voter, delegations, directory, at)
    ]
    found = [*free, *(seat for seat in seats if seat.standing.teams), *seats, own]
    return own if unsure and not found[0].standing.teams else found[0]


def taken(
    approval: Approval,
    seat: Seat,
    voter: Evidence,
    delegations: Sequence[Delegation],
    directory: Directory,
    at: datetime,
) -> str | None:
    """Return who has voted on a seat with a yes that counts, None where nobody has."""
    holder = seat.holder(voter, directory)
    holding = {each.id for each in delegations if each.holds(at)}
    return next(
        (
            vote.person
            for vote in approval.votes
            if vote.fills(*holder) and (vote.delegation is None or vote.delegation in holding)
        ),
        None,
    )


def in_stead(
    approval: Approval,
    voter: Evidence,
    delegation: Delegation,
    giver: Evidence | None,
    directory: Directory,
    at: datetime,
) -> Standing:
    """Return for which teams a delegate may vote at `at`: never more than the giver may.

    INVARIANT: both are looked at by evidence of now; neither is a party to the call.
    """
    person = voter.person_in(directory)
    against = unfit(person, voter, parties(approval, directory), at)
    if against is not None:
        return against
    hidden = parties(approval, directory).mistakable(person, directory)
    if hidden is not None:
        return perhaps_own(hidden)
    if giver is None:
        return _against(delegation, Standing(because="undetermined"))
    teams = {name: team for name, team in directory.teams.items() if name in delegation.teams}
    where = standing_on(approval, giver, replace(directory, teams=teams), at)
    return _against(delegation, where) if where.because else where


def _seat(
    approval: Approval,
    voter: Evidence,
    delegation: Delegation,
    givers: Sequence[Evidence],
    directory: Directory,
    at: datetime,
) -> Seat:
    giver = next((each for each in givers if each.slack == delegation.giver_slack), None)
    where = in_stead(approval, voter, delegation, giver, directory, at)
    return Seat(where, delegation, giver)


def _against(delegation: Delegation, where: Standing) -> Standing:
    """Return why a giver's standing lets nobody vote, told to the delegate."""
    giver = f"`{delegation.giver}`, for whom you vote,"
    if where.because in _UNREAD:
        message = f"Slack could not confirm that {giver} may decide; press the button again"
        return Standing(because="undetermined", message=message)
    if where.because in _OWN:
        message = f"{giver} may own this agent, or it acts for them: someone else has to decide"
        return Standing(because="own-request", message=message)
    if where.because == "not-an-approver":
        message = f"neither you nor {giver} may decide on this; ask an approver"
        return Standing(because="not-an-approver", message=message)
    message = f"{giver} may not decide any more ({where.because}); ask an approver"
    return Standing(because="giver-unfit", message=message)
