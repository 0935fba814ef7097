"""The life of a delegation: an approver lets another person vote in their stead for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Command, Model, Recorded
from ledger.events.evidence import FRESH, Evidence, standing, unfit
from ledger.events.parties import Parties
from ledger.lives.approvals import CorruptHistory
from ledger.lives.freeze_rights import same_user
from policies.people.people import Directory
from policies.values.refusals import Refused

LONGEST = timedelta(days=30)
"""How long a delegation may last."""

REVOKED, EXPIRED = "revoked", "expired"


class Delegation(Model):
    """A right to vote in another's stead; `id` is `dlg_…`.

    `giver_slack` and `delegate_slack` are ids `T…/U…`: the accounts that it is between.
    """

    giver: str
    giver_slack: str
    delegate: str
    delegate_slack: str
    teams: tuple[str, ...]
    reason: str | None
    given_at: AwareDatetime
    until: AwareDatetime
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None
    ended_because: str | None = None

    @property
    def open(self) -> bool:
        """Tell whether it has not ended."""
        return self.ended_at is None

    @property
    def revoked(self) -> bool:
        """Tell whether the giver took it back."""
        return self.ended_because == REVOKED

    def holds(self, at: datetime) -> bool:
        """Tell whether the delegate may vote under it at `at`."""
        return self.open and at < self.until

    def columns(self) -> dict[str, str | int | None]:
        """Return what the table is searched by: when it ends by itself, UTC microseconds."""
        return {"deadline": int(self.until.timestamp() * 1_000_000) if self.open else None}


@dataclass(frozen=True, kw_only=True)
class GiveDelegation(Command):
    """Let a person vote in one's stead, for `teams`, or for all that one is an approver of.

    `delegation` is the new one's id, `dlg_…`; `evidence` is of the giver,
    `delegate` of who is to vote.
    """

    delegation: str
    lasting: timedelta
    teams: tuple[str, ...] = ()
    reason: str | None = None
    evidence: Evidence
    delegate: Evidence


@dataclass(frozen=True, kw_only=True)
class EndDelegation(Command):
    """Take back the delegation that the person with Slack id `slack` (`T…/U…`) gave."""

    slack: str


@dataclass(frozen=True, kw_only=True)
class ExpireDelegation(Command):
    """End a delegation whose time has come."""

    delegation: str


def give(
    command: GiveDelegation, live: Sequence[Delegation], directory: Directory, at: datetime
) -> DelegationGiven:
    """Return DelegationGiven. Raises Refused, with the reason for the person who asked.

    `live` are the delegations that have not ended.
    """
    _check_time(command.lasting)
    _check_delegate(command, directory, at)
    given = _given_by(command.evidence.slack, live, at)
    if given is not None:
        raise Refused(
            f"`{given.delegate}` votes for you until {given.until:%Y-%m-%d %H:%M} UTC:"
            " end that with `/placet undelegate` first"
        )
    return DelegationGiven(
        delegation=command.delegation,
        giver=command.evidence.person_in(directory),
        delegate=command.delegate.person_in(directory),
        teams=_own_teams(command, live, directory, at),
        until=at + command.lasting,
        reason=command.reason,
        evidence=command.evidence,
        delegate_evidence=command.delegate,
    )


def end(command: EndDelegation, live: Sequence[Delegation], at: datetime) -> DelegationEnded:
    """Return DelegationEnded. Raises Refused where the person has given none."""
    given = _given_by(command.slack, live, at)
    if given is None:
        raise Refused("nobody votes for you; `/placet delegations` names who votes for whom")
    return DelegationEnded(delegation=given.id, by=given.giver, because=REVOKED)


def expire(delegation: Delegation, at: datetime) -> list[DelegationEnded]:
    """Return DelegationEnded where the delegation is open and its time has come."""
    if not delegation.open or at < delegation.until:
        return []
    return [DelegationEnded(delegation=delegation.id, by=None, because=EXPIRED)]


def evolve(delegation: Delegation | None, recorded: Recorded) -> Delegation:
    """Return the delegation after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match delegation, recorded.event:
        case None, DelegationGiven() as event:
            return Delegation(
                id=event.delegation,
                version=recorded.version,
                position=recorded.position,
                giver=event.giver,
                giver_slack=event.evidence.slack,
                delegate=event.delegate,
                delegate_slack=event.delegate_evidence.slack,
                teams=event.teams,
                reason=event.reason,
                given_at=recorded.at,
                until=event.until,
            )
        case Delegation(), DelegationEnded() as event:
            changes = {
                "version": recorded.version,
                "position": recorded.position,
                "ended_at": recorded.at,
                "ended_by": event.by,
                "ended_because": event.because,
            }
            return delegation.model_copy(update=changes)
        case _:
            raise CorruptHistory(recorded.event)


def _check_time(lasting: timedelta) -> None:
    if lasting <= timedelta(0):
        raise Refused("a delegation has to last longer than nothing; write for example `for 2d`")
    if lasting > LONGEST:
        raise Refused(f"a delegation lasts at most {LONGEST.days} days; choose less")


def _check_delegate(command: GiveDelegation, directory: Directory, at: datetime) -> None:
    """Refuse who could not vote at all: nobody votes for themselves, and no bot or guest does."""
    giver, delegate = command.evidence, command.delegate
    person = delegate.person_in(directory)
    if same_user(giver.slack, delegate.slack) or person == giver.person_in(directory):
        raise Refused("you vote for yourself already; name somebody else")
    against = unfit(person, delegate, Parties(), at)
    if against is None:
        return
    if against.because in {"undetermined", "stale-evidence"}:
        raise Refused(f"Slack could not confirm who `{person}` is; try again in a moment")
    raise Refused(f"`{person}` cannot vote for you: {against.message}")


def _own_teams(
    command: GiveDelegation, live: Sequence[Delegation], directory: Directory, at: datetime
) -> tuple[str, ...]:
    """Return the teams that are delegated: the giver is an approver of each, in their own right.

    INVARIANT: what was delegated to somebody is never looked at here.
    """
    unknown = [name for name in command.teams if name not in directory.teams]
    if unknown:
        named = ", ".join(f"`{name}`" for name in sorted(directory.teams))
        raise Refused(f"there is no team `{unknown[0]}`; the teams are {named or 'none'}")
    wanted = tuple(dict.fromkeys(command.teams)) or tuple(sorted(directory.teams))
    evidence = command.evidence
    where = standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=wanted,
        parties=Parties(),
        group_age=FRESH,
        at=at,
    )
    lacking = [name for name in command.teams if name not in where.teams]
    if where.because not in {"", "not-an-approver"}:
        raise Refused(where.message)
    if where.because or lacking:
        raise Refused(_no_approver(evidence, tuple(lacking) or wanted, live, at))
    return where.teams


def _no_approver(
    evidence: Evidence, teams: tuple[str, ...], live: Sequence[Delegation], at: datetime
) -> str:
    chained = any(
        each.holds(at) and same_user(evidence.slack, each.delegate_slack) for each in live
    )
    named = " or ".join(f"`{name}`" for name in teams)
    more = ", and what was delegated to you cannot be delegated on" if chained else ""
    return f"you are not an approver of {named} yourself{more}; an approver can delegate"


def _given_by(slack: str, live: Sequence[Delegation], at: datetime) -> Delegation | None:
    return next(
        (each for each in live if each.holds(at) and same_user(slack, each.giver_slack)), None
    )
