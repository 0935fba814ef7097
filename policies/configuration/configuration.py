"""Reads `placet.yaml`: text and environment in, a checked configuration out."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from policies.configuration.credentials import credential_problems
from policies.configuration.exposure import exposure_problems
from policies.configuration.identity_settings import IdentitySection, OperatorSection
from policies.configuration.issuers import issuer_problems
from policies.configuration.recognition import recognition_problems
from policies.configuration.references import reference_problems
from policies.configuration.servers import Server
from policies.configuration.settings import (
    AgentSection,
    GatewaySection,
    LedgerSection,
    ListenSection,
    PersonSection,
    SlackSection,
    TeamSection,
)
from policies.people.people import Agent, Directory, Person, Team
from policies.values.problems import InvalidDocument, Place
from policies.yaml.composing import Path
from policies.yaml.documents import Document, read_document
from policies.yaml.expansion import expand
from policies.yaml.fields import Name, Text, Version
from policies.yaml.validation import Section, validated


class Configuration(Section):
    """All that `placet.yaml` says. Secrets are `SecretStr` and show as stars."""

    version: Version
    policy: Text
    ledger: LedgerSection
    listen: ListenSection
    people: dict[Name, PersonSection] = Field(default_factory=dict)
    teams: dict[Name, TeamSection] = Field(default_factory=dict)
    servers: dict[Name, Server] = Field(default_factory=dict)
    agents: dict[Name, AgentSection] = Field(default_factory=dict)
    operators: dict[Name, OperatorSection] = Field(default_factory=dict)
    identity: Annotated[IdentitySection, Field(default_factory=IdentitySection)]
    slack: SlackSection
    gateway: Annotated[GatewaySection, Field(default_factory=GatewaySection)]
    log: Literal["human", "json"] | None = None

    _document: Document | None = PrivateAttr(default=None)

    def directory(self) -> Directory:
        """Return the people, teams, servers' teams and agents written here."""
        return Directory(
            people={
                name: Person(
                    name,
                    person.slack,
                    person.subject if isinstance(person.subject, str) else None,
                    person.email if self.slack.match_email else None,
                    person.shell,
                )
                for name, person in self.people.items()
            },
            teams={
                name: Team(
                    name,
                    team.channel,
                    team.people,
                    team.groups,
                    team.escalate_to,
                    team.break_glass,
                    team.escalate_after,
                    team.quiet_hours,
                )
                for name, team in self.teams.items()
            },
            agents={
                name: Agent(name, agent.team, agent.owner, agent.on_behalf_of)
                for name, agent in self.agents.items()
            },
            server_teams={name: server.team for name, server in self.servers.items()},
        )

    @property
    def anonymous_agent(self) -> str | None:
        """The name of the agent that callers without a key are, if there is one."""
        return next((name for name, agent in self.agents.items() if agent.anonymous), None)

    @property
    def observing(self) -> tuple[str, ...]:
        """The names of the servers whose calls are decided and recorded, but never blocked."""
        return tuple(name for name, server in self.servers.items() if server.observe)

    @property
    def file(self) -> str:
        """The file's name, for messages."""
        return self._document.file if self._document else "placet.yaml"

    def place(self, path: Path) -> Place:
        """Return where the key of `path` stands in the file."""
        return self._document.key(path) if self._document else Place(1, 1)


def parse_configuration(
    text: str,
    environment: Mapping[str, str],
    *,
    file: str = "placet.yaml",
    unsafe_no_auth: bool = False,
    unsafe_local_approvers: bool = False,
) -> Configuration:
    """Return the configuration that `text` writes, `${NAME}` replaced from `environment`.

    `unsafe_no_auth` allows an agent without a key beyond loopback;
    `unsafe_local_approvers` allows the local workspace beside real servers.

    Raises InvalidDocument with every problem found.
    """
    document = expand(read_document(text, file=file), environment)
    configuration, problems = validated(Configuration, document)
    problems += reference_problems(document)
    problems += credential_problems(document)
    problems += issuer_problems(document)
    problems += recognition_problems(document)
    problems += exposure_problems(
        document,
        unsafe_no_auth=unsafe_no_auth,
        unsafe_local_approvers=unsafe_local_approvers,
    )
    if configuration is None or problems:
        raise InvalidDocument(problems)
    configuration._document = document  # noqa: SLF001 - the model's own private attribute
    return configuration
