"""Who is who: people, teams and the agents that act for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Person:
    """A human known by configuration; `slack` is `T…/U…`, `subject` a token's subject."""

    name: str
    slack: str | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Team:
    """Who is responsible: a Slack channel, the people and user groups who may approve."""

    name: str
    channel: str
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    escalate_to: str | None = None


@dataclass(frozen=True)
class Agent:
    """An authenticated caller: `owner` and `on_behalf_of` are names of people."""

    name: str
    team: str
    owner: str
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Directory:
    """The people, teams and servers of the configuration, and the agents written there."""

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    server_teams: Mapping[str, str] = field(default_factory=dict)

    def person_at(self, slack: str) -> str:
        """Return the name of the person with Slack id `T…/U…`, or that id itself."""
        for person in self.people.values():
            if person.slack == slack:
                return person.name
        return slack
