"""Who may give a grant, within which bounds, and what comes of it."""

from datetime import datetime, timedelta

from ledger.events.envelopes import Event
from ledger.events.standing_events import GrantIssued, GrantRefused
from ledger.lives.grants import IssueGrant, only_at_the_shell, standing_for, who_asks
from policies.people.people import Agent, Directory
from policies.rules.grant_terms import terms_problem
from policies.values.matching import Glob
from policies.yaml.durations import written


def issue(command: IssueGrant, agent: Agent | None, directory: Directory, at: datetime) -> Event:
    """Return GrantIssued, or GrantRefused with the reason for the person who asked.

    Raises Refused where nobody's evidence comes with it and no shell asks.
    """
    only_at_the_shell(command)
    problem = terms_wrong(command, agent, directory)
    if problem:
        return _refused(command, directory, "invalid", problem)
    assert agent is not None, "an unknown agent is a problem"
    teams = directory.teams_behind(command.target)
    entitled = teams
    if command.evidence is not None:
        where = standing_for(command.evidence, agent, teams, directory, at)
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
        by=who_asks(command.evidence, command.actor, directory),
        teams=entitled,
        evidence=command.evidence,
        when=command.when,
        sum=command.sum,
        at_most=command.at_most,
    )


def _servers(target: str, directory: Directory) -> tuple[str, ...]:
    server, _, _ = target.partition("/")
    return tuple(name for name in directory.server_teams if Glob(server).matches(name))


def terms_wrong(command: IssueGrant, agent: Agent | None, directory: Directory) -> str | None:
    """Return what is wrong with a grant whoever gives it, in words; None where nothing is."""
    servers = _servers(command.target, directory)
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
    return terms_problem(command.when, command.sum, command.at_most, command.redacted)


def _refused(command: IssueGrant, directory: Directory, because: str, message: str) -> GrantRefused:
    return GrantRefused(
        person=who_asks(command.evidence, command.actor, directory),
        agent=command.agent,
        target=command.target,
        because=because,
        message=message,
    )
