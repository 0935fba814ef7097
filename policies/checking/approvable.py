"""Finds what the policy asks and nobody could give."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from policies.configuration.configuration import Configuration
from policies.people.people import Agent, Directory
from policies.rules.decisions import Effect
from policies.rules.limits import Limit
from policies.rules.policy import Policy
from policies.rules.rules import Rule
from policies.values.matching import Glob, Matcher
from policies.values.problems import Problem
from policies.yaml.validation import choice, suggestion


def nobody_could_approve(configuration: Configuration, policy: Policy) -> list[Problem]:
    """Return a problem for each approval that the policy can ask and nobody could give.

    An agent's owner and the person on whose behalf it acts never count, nor
    do people without a Slack id. A user group counts as if anybody could be
    in it. Rules that a denial of all their calls hides are left out.
    """
    directory = configuration.directory()
    return [
        *_unknown_teams(directory, policy),
        *_unknown_servers(directory, policy),
        *_short_of_people(configuration, policy),
    ]


def possible_approvers(directory: Directory, team: str, agent: Agent) -> frozenset[str] | None:
    """Return who of `team` may approve calls of `agent`; None where a group makes it anybody."""
    found = directory.teams.get(team)
    if found is None:
        return frozenset()
    if found.groups:
        return None
    reachable = {
        name
        for name in found.approvers
        if name in directory.people and directory.people[name].reachable
    }
    return frozenset(reachable - {agent.owner, agent.on_behalf_of})


def _unknown_teams(directory: Directory, policy: Policy) -> Iterator[Problem]:
    for entry in _entries(policy):
        team = entry.asking.team
        if team is not None and team not in directory.teams:
            what = f"{_called(entry)} asks a team `{team}` that is not there"
            advice = suggestion(team, directory.teams, choice(directory.teams))
            yield Problem(entry.file, entry.line, entry.column, what, advice)
    for owner in policy.owners:
        if owner.team not in directory.teams:
            what = f"`{owner.target}` is owned by a team `{owner.team}` that is not there"
            advice = suggestion(owner.team, directory.teams, choice(directory.teams))
            yield Problem(owner.file, owner.line, owner.column, what, advice)


def _unknown_servers(directory: Directory, policy: Policy) -> Iterator[Problem]:
    servers = directory.server_teams
    for included in policy.included:
        if included.server not in servers:
            what = f"a file is included for a server `{included.server}` that is not there"
            advice = suggestion(included.server, servers, choice(servers))
            yield Problem(policy.file, included.place.line, included.place.column, what, advice)


@dataclass(frozen=True)
class _Pair:
    """An agent and a server it may call; `team` owns the server, or some of its tools."""

    agent: Agent
    server: str
    team: str

    def may_match(self, matcher: Matcher) -> bool:
        """Say whether some tool of the server, of some risk, could fit."""
        return (
            _fits(matcher.server, self.server)
            and _fits(matcher.agent, self.agent.name)
            and _fits(matcher.team, self.team)
            and _fits(matcher.on_behalf_of, self.agent.on_behalf_of)
        )

    def always_matches(self, matcher: Matcher) -> bool:
        """Say whether every tool of the server, of any risk, fits."""
        every_tool = matcher.tool is None or any(glob.anything for glob in matcher.tool)
        return matcher.risk is None and every_tool and self.may_match(matcher)

    def may_concern(self, entry: Rule | Limit) -> bool:
        """Say whether the rule or limit could speak of a call of this pair."""
        out = entry.exception is not None and self.always_matches(entry.exception)
        return self.may_match(entry.match) and not out

    def always_concerns(self, rule: Rule) -> bool:
        """Say whether the rule covers every call of this pair."""
        out = rule.exception is not None and self.may_match(rule.exception)
        return rule.condition is None and self.always_matches(rule.match) and not out


def _fits(globs: tuple[Glob, ...] | None, text: str | None) -> bool:
    return globs is None or (text is not None and any(glob.matches(text) for glob in globs))


class _Reach:
    """Which entries of a policy could speak of a pair at all.

    That is found once for each agent and each server: of hundreds with a
    thousand rules, not every pair is held against every rule.
    """

    def __init__(self, policy: Policy) -> None:
        self._entries = tuple(_entries(policy))
        self._of_agents: dict[str, frozenset[int]] = {}
        self._of_servers: dict[tuple[str, str], frozenset[int]] = {}

    def entries(self, pair: _Pair) -> list[Rule | Limit]:
        """Return the rules and limits whose agents and servers the pair's are among."""
        agent, server = pair.agent, (pair.server, pair.team)
        if agent.name not in self._of_agents:
            self._of_agents[agent.name] = self._where(
                lambda match: (
                    _fits(match.agent, agent.name) and _fits(match.on_behalf_of, agent.on_behalf_of)
                )
            )
        if server not in self._of_servers:
            self._of_servers[server] = self._where(
                lambda match: _fits(match.server, pair.server) and _fits(match.team, pair.team)
            )
        numbers = self._of_agents[agent.name] & self._of_servers[server]
        return [self._entries[number] for number in sorted(numbers)]

    def _where(self, fits: Callable[[Matcher], bool]) -> frozenset[int]:
        return frozenset(number for number, entry in enumerate(self._entries) if fits(entry.match))


def _short_of_people(configuration: Configuration, policy: Policy) -> Iterator[Problem]:
    directory, reach = configuration.directory(), _Reach(policy)
    seen: set[tuple[str, str, str]] = set()
    for agent in directory.agents.values():
        for pair in _pairs(agent, directory, policy):
            entries = reach.entries(pair)
            if _surely_denied(entries, pair):
                continue
            for entry in _asking(policy, entries, pair):
                asked = (entry.asking.team or pair.team) if entry else pair.team
                key = (entry.pointer if entry else "", agent.name, asked)
                if key not in seen and asked in directory.teams:
                    seen.add(key)
                    possible = possible_approvers(directory, asked, agent)
                    yield from _shortage(configuration, possible, pair, entry, asked)


def _surely_denied(entries: Sequence[Rule | Limit], pair: _Pair) -> bool:
    return any(
        isinstance(entry, Rule) and entry.effect is Effect.DENY and pair.always_concerns(entry)
        for entry in entries
    )


def _pairs(agent: Agent, directory: Directory, policy: Policy) -> Iterator[_Pair]:
    for server, team in directory.server_teams.items():
        owning = [owner.team for owner in policy.owners if owner.target.server.matches(server)]
        yield from (_Pair(agent, server, each) for each in dict.fromkeys((team, *owning)))


def _asking(
    policy: Policy, entries: Sequence[Rule | Limit], pair: _Pair
) -> Iterator[Rule | Limit | None]:
    """Yield what may ask people about the pair's calls: rules, limits; None is the default."""
    for entry in entries:
        if entry.effect is Effect.REQUIRE_APPROVAL and pair.may_concern(entry):
            yield entry
    covered = any(isinstance(each, Rule) and pair.always_concerns(each) for each in entries)
    default = policy.default_at(pair.server).effect
    if default is Effect.REQUIRE_APPROVAL and not covered:
        yield None


def _shortage(
    configuration: Configuration,
    possible: frozenset[str] | None,
    pair: _Pair,
    entry: Rule | Limit | None,
    team: str,
) -> Iterator[Problem]:
    needed = entry.asking.approvals if entry else 1
    if possible is None or len(possible) >= needed:
        return
    source = _called(entry) if entry else "the default"
    what = (
        f"{source} asks {needed} of team `{team}` to approve calls of `{pair.agent.name}` to "
        f"`{pair.server}`, and {_who(possible)} could: owners never approve their agents' calls"
    )
    place = configuration.place(("agents", pair.agent.name))
    file, line, column = configuration.file, place.line, place.column
    if entry is not None:
        file, line, column = entry.file, entry.line, entry.column
    yield Problem(file, line, column, what, f"add approvers with a Slack id to `{team}`")


def _entries(policy: Policy) -> Iterator[Rule | Limit]:
    yield from policy.rules
    yield from policy.limits


def _called(entry: Rule | Limit) -> str:
    return f"{'limit' if isinstance(entry, Limit) else 'rule'} `{entry.name}`"


def _who(people: frozenset[str]) -> str:
    return "only " + ", ".join(f"`{name}`" for name in sorted(people)) if people else "nobody"
