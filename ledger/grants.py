"""The life of a grant: issued by who may, used, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from ledger.approvals import CorruptHistory
from ledger.envelopes import Command, Event, Model, Recorded
from ledger.evidence import FRESH, Evidence, Standing, standing
from ledger.parties import Parties
from ledger.standing_events import (
    GrantExpired,
    GrantIssued,
    GrantRefused,
    GrantRevoked,
    GrantUsed,
)
from policies.decisions import LiveGrant
from policies.durations import written
from policies.matching import Glob
from policies.people import Agent, Directory
from policies.refusals import Refused


class GrantStatus(StrEnum):
    """Where a grant stands."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Grant(Model):
    """A temporary permission. `used` counts the calls that were allowed under it.

    `groups` are the user groups that the giver was found in when giving it.
    With a `digest` it is for such calls only; `given_with` is its approval.
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

    @property
    def open(self) -> bool:
        """Tell whether it can still lift a call."""
        return self.status is GrantStatus.LIVE

    @property
    def deadline(self) -> AwareDatetime | None:
        """When it ends by itself, while it is live."""
        return self.until if self.open else None

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
    for the teams that own the servers.
    """

    grant: str
    agent: str
    target: str
    lasting: timedelta
    uses: int | None = None
    reason: str | None = None
    longest: timedelta | None = None
    evidence: Evidence | None = None


@dataclass(frozen=True, kw_only=True)
class RevokeGrant(Command):
    """End a grant now. `evidence` is None for an operator at the shell."""

    grant: str
    reason: str | None = None
    evidence: Evidence | None = None


def issue(command: IssueGrant, agent: Agent | None, directory: Directory, at: datetime) -> Event:
    """Return GrantIssued, or GrantRefused with the reason for the person who asked.

    Raises Refused where nobody's evidence comes with it and no shell asks.
    """
    servers = _servers(command.target, directory)
    _only_at_the_shell(command)
    problem = _problem(command, agent, servers)
    if problem:
        return _refused(command, directory, "invalid", problem)
    assert agent is not None, "an unknown agent is a problem"
    teams = tuple(sorted({directory.server_teams[server] for server in servers}))
    entitled = teams
    if command.evidence is not None:
        where = _standing(command.evidence, agent, teams, directory, at)
        if where.because:
            return _refused(command, directory, where.because, where.message)
        missing = [team for team in teams if team not in where.teams]
        if missing:
            named = ", ".join(f"`{team}`" for team in missing)
            message = f"you are not an approver of {named}, which `{command.target}` also covers"
            return _refused(command, directory, "not-an-approver", message)
        entitled = where.teams
    return GrantIssued(
        grant=command.grant,
        agent=command.agent,
        target=command.target,
        until=at + command.lasting,
        uses=command.uses,
        reason=command.reason,
        by=_who(command.evidence, command.actor, directory),
        teams=entitled,
        evidence=command.evidence,
    )


def revoke(
    grant: Grant, command: RevokeGrant, agent: Agent | None, directory: Directory, at: datetime
) -> Event:
    """Return GrantRevoked, or GrantRefused. Raises Refused for a grant that has ended."""
    _only_at_the_shell(command)
    if not grant.open or at >= grant.until:
        message = (
            f"grant `{grant.id}` is already {GrantStatus.EXPIRED if grant.open else grant.status}"
        )
        raise Refused(message)
    who = _who(command.evidence, command.actor, directory)
    if command.evidence is not None and who not in {grant.by, agent.owner if agent else grant.by}:
        nobody = Agent(name=grant.agent, team="", owner="")
        where = _standing(command.evidence, nobody, grant.teams, directory, at)
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
        standing={team: 1 for team in grant.teams if _still_speaks(grant, team, agent, directory)},
        elsewhere=grant.digest is not None and grant.digest not in digests,
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
            )
        case Grant(), GrantUsed():
            changes: dict[str, object] = {"used": grant.used + 1}
        case Grant(), GrantRevoked() as event:
            changes = {"status": GrantStatus.REVOKED, "ended_at": recorded.at}
            changes |= {"ended_by": event.by}
        case Grant(), GrantExpired():
            changes = {"status": GrantStatus.EXPIRED, "ended_at": recorded.at}
        case _:
            raise CorruptHistory(recorded.event)
    changes |= {"version": recorded.version, "position": recorded.position}
    return grant.model_copy(update=changes)


def _only_at_the_shell(command: IssueGrant | RevokeGrant) -> None:
    if command.evidence is None and not command.actor.startswith("shell:"):
        message = "only an operator at the shell decides on grants without Slack's word"
        raise Refused(message)


def _servers(target: str, directory: Directory) -> tuple[str, ...]:
    server, _, _ = target.partition("/")
    return tuple(name for name in directory.server_teams if Glob(server).matches(name))


def _problem(command: IssueGrant, agent: Agent | None, servers: tuple[str, ...]) -> str | None:
    server, slash, tool = command.target.partition("/")
    if agent is None:
        return f"there is no agent `{command.agent}`; `placet agent list` names them"
    if not (server and slash and tool) or "/" in tool:
        return f"`{command.target}` names no tools; write `server/tool`, such as `files/write_*`"
    if not servers:
        return f"there is no server `{server}` in the configuration"
    return _bounds(command)


def _bounds(command: IssueGrant) -> str | None:
    if command.lasting <= timedelta(0):
        return "a grant has to last longer than nothing; write for example `for 1h`"
    if command.longest is not None and command.lasting > command.longest:
        return f"the policy allows grants of at most {written(command.longest)}; ask for less"
    if command.uses is not None and command.uses < 1:
        return "a grant has to be good for one use at least"
    return None


def _standing(
    evidence: Evidence,
    agent: Agent,
    teams: tuple[str, ...],
    directory: Directory,
    at: datetime,
) -> Standing:
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=teams,
        parties=_parties(agent, directory),
        group_age=FRESH,
        at=at,
    )


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


def _who(evidence: Evidence | None, actor: str, directory: Directory) -> str:
    return actor if evidence is None else evidence.person_in(directory)


def _refused(command: IssueGrant, directory: Directory, because: str, message: str) -> GrantRefused:
    return GrantRefused(
        person=_who(command.evidence, command.actor, directory),
        agent=command.agent,
        target=command.target,
        because=because,
        message=message,
    )
