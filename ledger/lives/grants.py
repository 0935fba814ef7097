"""The life of a grant: issued by who may, used, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded
from ledger.events.evidence import FRESH, Evidence, Standing, standing
from ledger.events.parties import Parties
from ledger.events.standing_events import (
    GrantExpired,
    GrantIssued,
    GrantRefused,
    GrantRevoked,
    GrantUsed,
)
from ledger.lives.approvals import CorruptHistory
from policies.conditions.amounts import taken
from policies.people.people import Agent, Directory
from policies.rules.decisions import GrantTerms, LiveGrant
from policies.rules.grant_terms import in_all
from policies.values.refusals import Refused


class GrantStatus(StrEnum):
    """Where a grant stands."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Grant(Model):
    """A temporary permission. `used` counts the calls that were allowed under it.

    `groups` are the user groups that the giver was found in when giving it.
    With a `digest` it is for such calls only; `given_with` is its approval.
    It is for calls that meet `when`; `taken` is what they took of `at_most`.
    """

    status: GrantStatus
    agent: str
    target: str
    until: AwareDatetime
    uses: int | None
    used: int = 0
    reason: str | None
    by: str
    teams: tuple[str, ...]
    groups: tuple[str, ...] = ()
    issued_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    ended_by: str | None = None
    digest: str | None = None
    given_with: str | None = None
    when: str | None = None
    sum: str | None = None
    at_most: str | None = None
    taken: str = "0"

    @property
    def open(self) -> bool:
        """Tell whether it can still lift a call."""
        return self.status is GrantStatus.LIVE

    @property
    def deadline(self) -> AwareDatetime | None:
        """When it ends by itself, while it is live."""
        return self.until if self.open else None

    @property
    def terms(self) -> GrantTerms | None:
        """What it asks of a call, None where nothing."""
        asks = self.when is not None or self.sum is not None
        return GrantTerms(self.when, self.sum) if asks else None

    @property
    def left(self) -> Decimal | None:
        """What is left of its sum, None where nothing is summed."""
        return None if self.at_most is None else taken(Decimal(self.at_most), Decimal(self.taken))

    def columns(self) -> dict[str, str | int | None]:
        """Return what the grants table is searched by; times are UTC microseconds."""
        return {
            "status": self.status.value,
            "agent": self.agent,
            "deadline": int(self.until.timestamp() * 1_000_000) if self.open else None,
        }


@dataclass(frozen=True, kw_only=True)
class IssueGrant(Command):
    """Give `agent` the tools under `target` (`server/tool`, globs) for `lasting`.

    `grant` is the new grant's id, `grt_…`. `longest` is the policy's cap.
    `evidence` is the giver's; None means an operator at the shell, who speaks
    for the teams that own the servers. `when` is a condition in CEL that each
    call has to meet; `sum` (a path like `args.amount`, or CEL) is added up over
    all of them, and may come to `at_most`, a decimal number; the policy's `redact`
    is in `redacted`, since what is summed is kept.
    """

    grant: str
    agent: str
    target: str
    lasting: timedelta
    uses: int | None = None
    reason: str | None = None
    longest: timedelta | None = None
    evidence: Evidence | None = None
    when: str | None = None
    sum: str | None = None
    at_most: str | None = None
    redacted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RevokeGrant(Command):
    """End a grant now. `evidence` is None for an operator at the shell."""

    grant: str
    reason: str | None = None
    evidence: Evidence | None = None


def revoke(
    grant: Grant, command: RevokeGrant, agent: Agent | None, directory: Directory, at: datetime
) -> Event:
    """Return GrantRevoked, or GrantRefused. Raises Refused for a grant that has ended."""
    only_at_the_shell(command)
    if not grant.open or at >= grant.until:
        message = (
            f"grant `{grant.id}` is already {GrantStatus.EXPIRED if grant.open else grant.status}"
        )
        raise Refused(message)
    who = who_asks(command.evidence, command.actor, directory)
    if command.evidence is not None and who not in {grant.by, agent.owner if agent else grant.by}:
        nobody = Agent(name=grant.agent, team="", owner="")
        where = standing_for(command.evidence, nobody, grant.teams, directory, at)
        if where.because:
            return GrantRefused(
                person=who,
                agent=grant.agent,
                target=grant.target,
                because=where.because,
                message=where.message,
            )
    return GrantRevoked(grant=grant.id, by=who, reason=command.reason)


def expire(grant: Grant, at: datetime) -> list[Event]:
    """Return GrantExpired where the grant is live and its time has come."""
    return [GrantExpired(grant=grant.id)] if grant.open and at >= grant.until else []


def live(
    grant: Grant, agent: Agent | None, directory: Directory, digests: Sequence[str] = ()
) -> LiveGrant:
    """Return the grant as the decision looks at it, with its giver's standing of today.

    `digests` are the call's; where none is known, a grant for one digest lifts nothing.
    """
    return LiveGrant(
        id=grant.id,
        agent=grant.agent,
        target=grant.target,
        until=grant.until,
        uses_left=None if grant.uses is None else grant.uses - grant.used,
        standing=dict.fromkeys(_spoken_for(grant, agent, directory), 1),
        elsewhere=grant.digest is not None and grant.digest not in digests,
        terms=grant.terms,
        left=grant.left,
    )


def evolve(grant: Grant | None, recorded: Recorded) -> Grant:
    """Return the grant after `recorded`. Raises CorruptHistory. Never runs a guard."""
    match grant, recorded.event:
        case None, GrantIssued() as event:
            return Grant(
                id=event.grant,
                version=recorded.version,
                position=recorded.position,
                status=GrantStatus.LIVE,
                agent=event.agent,
                target=event.target,
                until=event.until,
                uses=event.uses,
                reason=event.reason,
                by=event.by,
                teams=event.teams,
                groups=tuple(sorted(event.evidence.groups)) if event.evidence else (),
                issued_at=recorded.at,
                digest=event.digest,
                given_with=event.given_with,
                when=event.when,
                sum=event.sum,
                at_most=event.at_most,
            )
        case Grant(), GrantUsed() as event:
            changes: dict[str, object] = {"used": grant.used + 1}
            if event.amount is not None:
                changes["taken"] = in_all(grant.taken, event.amount)
        case Grant(), GrantRevoked() as event:
            changes = {"status": GrantStatus.REVOKED, "ended_at": recorded.at}
            changes |= {"ended_by": event.by}
        case Grant(), GrantExpired():
            changes = {"status": GrantStatus.EXPIRED, "ended_at": recorded.at}
        case _:
            raise CorruptHistory(recorded.event)
    changes |= {"version": recorded.version, "position": recorded.position}
    return grant.model_copy(update=changes)


def only_at_the_shell(command: IssueGrant | RevokeGrant) -> None:
    """Refuse what comes without evidence from elsewhere than the shell. Raises Refused."""
    if command.evidence is None and not command.actor.startswith("shell:"):
        message = "only an operator at the shell decides on grants without Slack's word"
        raise Refused(message)


def standing_for(
    evidence: Evidence,
    agent: Agent,
    teams: tuple[str, ...],
    directory: Directory,
    at: datetime,
) -> Standing:
    """Return how a person stands to these teams as far as grants for `agent` go."""
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=teams,
        parties=_parties(agent, directory),
        group_age=FRESH,
        at=at,
    )


def _spoken_for(grant: Grant, agent: Agent | None, directory: Directory) -> list[str]:
    """Return the teams whose approver gave it: any of a person's, at the shell the servers' own."""
    teams = grant.teams if grant.by.startswith("shell:") else sorted(directory.teams)
    return [team for team in teams if _still_speaks(grant, team, agent, directory)]


def _still_speaks(grant: Grant, name: str, agent: Agent | None, directory: Directory) -> bool:
    if grant.by.startswith("shell:"):
        return True
    if agent is not None and _parties(agent, directory).may_include(grant.by, grant.by, directory):
        return False
    team = directory.teams.get(name)
    return team is not None and (
        grant.by in team.approvers or not set(grant.groups).isdisjoint(team.groups)
    )


def _parties(agent: Agent, directory: Directory) -> Parties:
    return Parties.of(agent.owner, agent.on_behalf_of, directory)


def who_asks(evidence: Evidence | None, actor: str, directory: Directory) -> str:
    """Return the name of the person, or the actor at the shell."""
    return actor if evidence is None else evidence.person_in(directory)
