"""Who may stop an agent, a server or everything, and who may lift that."""

from collections.abc import Sequence
from datetime import datetime

from ledger.events.evidence import FRESH, Evidence, Standing, standing
from ledger.events.parties import Parties
from policies.deciding.freezes import Frozen
from policies.people.people import Agent, Directory


def teams_over(
    over: Frozen, agent: Agent | None, name: str, directory: Directory
) -> frozenset[str]:
    """Return the teams whose approvers may begin and lift such a freeze.

    An agent may call every server: beside its own team these are all owners of servers.
    """
    match over:
        case Frozen.SERVER:
            team = directory.server_teams.get(name)
            return frozenset({team} if team else ())
        case Frozen.AGENT:
            own = {agent.team} if agent is not None else set()
            return frozenset(own | set(directory.server_teams.values()))
        case Frozen.EVERYTHING:
            return frozenset(directory.teams)


def may_begin(
    over: Frozen,
    name: str,
    evidence: Evidence,
    agent: Agent | None,
    directory: Directory,
    at: datetime,
) -> Standing:
    """Return whether a person may stop this; everybody may who may lift it, and the owner."""
    person = evidence.person_in(directory)
    teams = tuple(sorted(teams_over(over, agent, name, directory)))
    where = _standing(evidence, Parties(), teams, directory, at)
    owns = over is Frozen.AGENT and agent is not None and person in _owners(agent)
    unsure = where.because == "undetermined" and evidence.undetermined is None  # of the groups
    if owns and (unsure or where.because == "not-an-approver"):
        return Standing(teams=teams)
    return where


def _owners(agent: Agent) -> tuple[str, ...]:
    return (agent.owner, agent.on_behalf_of) if agent.on_behalf_of else (agent.owner,)


def may_lift(
    over: Frozen,
    name: str,
    evidence: Evidence,
    agent: Agent | None,
    directory: Directory,
    at: datetime,
) -> Standing:
    """Return whether a person may lift such a freeze; an agent's owner never may."""
    parties = Parties()
    if over is Frozen.AGENT and agent is not None:
        parties = Parties.of(agent.owner, agent.on_behalf_of, directory)
    teams = tuple(sorted(teams_over(over, agent, name, directory)))
    return _standing(evidence, parties, teams, directory, at)


def may_lift_at_the_shell(over: Frozen, person: str, agent: Agent | None) -> Standing:
    """Return whether an operator may lift it: not who is known to own the frozen agent."""
    if over is Frozen.AGENT and agent is not None and person in _owners(agent):
        message = f"agent `{agent.name}` is yours or acts for you: somebody else has to lift it"
        return Standing(because="own-request", message=message)
    return Standing()


def same_user(slack: str, other: str | None) -> bool:
    """Tell whether two ids `T…/U…` are of one user, whatever workspace they name."""
    return other is not None and slack.rpartition("/")[2] == other.rpartition("/")[2]


def _standing(
    evidence: Evidence,
    parties: Parties,
    teams: Sequence[str],
    directory: Directory,
    at: datetime,
) -> Standing:
    return standing(
        evidence.person_in(directory),
        evidence,
        directory,
        teams=tuple(teams),
        parties=parties,
        group_age=FRESH,
        at=at,
    )
