"""Agents that the ledger itself knows, beside those of the configuration."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from ledger.approvals import CorruptHistory
from ledger.envelopes import Command, Event, Model, Recorded
from ledger.standing_events import AgentAdded, AgentRevoked
from policies.people import Agent, Directory
from policies.refusals import Refused


class AgentStatus(StrEnum):
    """Whether an agent may call."""

    LIVE = "live"
    REVOKED = "revoked"


class LedgerAgent(Model):
    """An agent made with `placet agent add`; only the SHA-256 of its key is kept."""

    status: AgentStatus
    team: str
    owner: str
    key_sha256: str
    added_at: AwareDatetime

    @property
    def open(self) -> bool:
        """Tell whether it may call."""
        return self.status is AgentStatus.LIVE

    def columns(self) -> dict[str, str | int | None]:
        """Return what the agents table is searched by."""
        return {"status": self.status.value}

    def caller(self) -> Agent:
        """Return the agent as the decision looks at it."""
        return Agent(name=self.id, team=self.team, owner=self.owner)


@dataclass(frozen=True, kw_only=True)
class AddAgent(Command):
    """Make an agent; `key_sha256` is the hex SHA-256 of its key."""

    agent: str
    team: str
    owner: str
    key_sha256: str


@dataclass(frozen=True, kw_only=True)
class RevokeAgent(Command):
    """Take an agent's right to call, for good."""

    agent: str
    because: str | None = None


def add(command: AddAgent, known: LedgerAgent | None, directory: Directory) -> Event:
    """Return AgentAdded. Raises Refused where the name, team or owner will not do."""
    if command.agent in directory.agents:
        message = f"agent `{command.agent}` is in the configuration; choose another name"
        raise Refused(message)
    if known is not None:
        message = f"agent `{command.agent}` is already {known.status}; choose another name"
        raise Refused(message)
    if command.team not in directory.teams:
        message = f"there is no team `{command.team}`; the configuration names the teams"
        raise Refused(message)
    if command.owner not in directory.people:
        message = f"there is no person `{command.owner}`; the configuration names the people"
        raise Refused(message)
    return AgentAdded(
        agent=command.agent,
        team=command.team,
        owner=command.owner,
        key_sha256=command.key_sha256,
    )


def revoke(command: RevokeAgent, known: LedgerAgent | None, directory: Directory) -> Event:
    """Return AgentRevoked. Raises Refused where there is nothing to revoke."""
    if command.agent in directory.agents:
        message = f"agent `{command.agent}` is in the configuration; remove it there"
        raise Refused(message)
    if known is None:
        message = f"there is no agent `{command.agent}`; `placet agent list` names them"
        raise Refused(message)
    if not known.open:
        message = f"agent `{command.agent}` is already revoked"
        raise Refused(message)
    return AgentRevoked(agent=command.agent, because=command.because)


def evolve(agent: LedgerAgent | None, recorded: Recorded) -> LedgerAgent:
    """Return the agent after `recorded`. Raises CorruptHistory."""
    match agent, recorded.event:
        case None, AgentAdded() as event:
            return LedgerAgent(
                id=event.agent,
                version=recorded.version,
                position=recorded.position,
                status=AgentStatus.LIVE,
                team=event.team,
                owner=event.owner,
                key_sha256=event.key_sha256,
                added_at=recorded.at,
            )
        case LedgerAgent(), AgentRevoked():
            return agent.model_copy(
                update={
                    "status": AgentStatus.REVOKED,
                    "version": recorded.version,
                    "position": recorded.position,
                }
            )
        case _:
            raise CorruptHistory(recorded.event)
