"""Who is who: people, teams and the agents that act for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policies.people.owners import Owner, owners_behind
from policies.people.quiet_hours import QuietHours


@dataclass(frozen=True)
class Person:
    """A human known by configuration; `slack` is `T…/U…`.

    `subject` is what tokens call the person, where every issuer's say the same.
    `email` is there only where the configuration says that it names somebody
    in Slack, and only for who has no `slack`. `shell` is the name of the
    person's account where commands are run.
    """

    name: str
    slack: str | None = None
    subject: str | None = None
    email: str | None = None
    shell: str | None = None

    @property
    def reachable(self) -> bool:
        """Whether Slack's people can be told to be this one."""
        return self.slack is not None or self.email is not None


@dataclass(frozen=True)
class Team:
    """Who is responsible: a Slack channel, the people and user groups who may approve.

    `break_glass` are those who may approve alone in an emergency.
    What the team leaves undecided for `escalate_after`, by default half of the
    time it has, the approvers of `escalate_to` may decide too. In `quiet_hours`
    it is not reminded.
    """

    name: str
    channel: str
    approvers: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    escalate_to: str | None = None
    break_glass: tuple[str, ...] = ()
    escalate_after: timedelta | None = None
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True)
class Agent:
    """An authenticated caller: `owner` and `on_behalf_of` are names of people.

    `key` is the SHA-256, in hex, of the key that it came with, where the
    ledger keeps its keys: whether that one is still good is asked again when a
    call is decided. `until` (UTC) is when the token ends that it came with.
    """

    name: str
    team: str
    owner: str
    on_behalf_of: str | None = None
    key: str | None = field(default=None, compare=False, repr=False)
    until: datetime | None = field(default=None, compare=False, repr=False)

    @property
    def principal(self) -> str:
        """Who may use what belongs to this caller: the agent, with the person it acts for.

        Names hold no blanks, so two callers never have one principal.
        """
        return f"{self.name} for {self.on_behalf_of}" if self.on_behalf_of else self.name


@dataclass(frozen=True)
class Directory:
    """The people, teams and servers of the configuration, and the agents written there.

    `owners` are who owns tools instead of their server's team, as a policy says.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    teams: Mapping[str, Team] = field(default_factory=dict)
    agents: Mapping[str, Agent] = field(default_factory=dict)
    server_teams: Mapping[str, str] = field(default_factory=dict)
    owners: Sequence[Owner] = ()

    def teams_behind(self, target: str) -> tuple[str, ...]:
        """Return all teams that own tools which a target `server/tool` names, sorted."""
        return owners_behind(target, self.server_teams, self.owners)

    def person_at(self, slack: str) -> str:
        """Return the name of the person with Slack id `T…/U…`, or that id itself."""
        for person in self.people.values():
            if person.slack == slack:
                return person.name
        return slack

    def person_with(self, email: str) -> str | None:
        """Return who has this e-mail address and no Slack id, whatever the case; None if nobody."""
        for person in self.people.values():
            known = person.email if person.slack is None else None
            if known is not None and known.casefold() == email.casefold():
                return person.name
        return None

    def person_behind(self, actor: str) -> str:
        """Return the name of the person whose account `shell:…` is, or `actor` itself."""
        for person in self.people.values():
            if person.shell is not None and actor == f"shell:{person.shell}":
                return person.name
        return actor

    @property
    def matches_email(self) -> bool:
        """Whether anybody is known by an e-mail address."""
        return any(person.email is not None for person in self.people.values())
