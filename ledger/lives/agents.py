"""Agents that the ledger itself knows, beside those of the configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from ledger.events.envelopes import Command, Event, Fact, Model, Recorded
from ledger.events.standing_events import AgentAdded, AgentKeyRotated, AgentRevoked
from ledger.lives.approvals import CorruptHistory
from policies.people.people import Agent, Directory
from policies.values.refusals import Refused
from policies.yaml.durations import written

LONGEST_GRACE = timedelta(days=30)
"""How long a key may stay good at most after another took its place."""


def _is_none(value: object) -> bool:
    return value is None


class ReplacedKey(Fact):
    """A key that another took the place of: its SHA-256, and when it ends."""

    sha256: str
    until: AwareDatetime


class AgentStatus(StrEnum):
    """Whether an agent may call."""

    LIVE = "live"
    REVOKED = "revoked"


class LedgerAgent(Model):
    """An agent made with `placet agent add`; only the SHA-256 of its key is kept.

    `rotated_at` is when the key came in place of another, and `replaced` that
    other one where it was to stay good for a while; absent, they are left out
    of what a projection keeps.
    """

    status: AgentStatus
    team: str
    owner: str
    key_sha256: str
    added_at: AwareDatetime
    rotated_at: Annotated[AwareDatetime | None, Field(exclude_if=_is_none)] = None
    replaced: Annotated[ReplacedKey | None, Field(exclude_if=_is_none)] = None

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

    def good_keys(self) -> Iterator[tuple[str, datetime | None]]:
        """Yield the SHA-256 of each key it may call with, and when that ends (None: never)."""
        if self.open:
            yield self.key_sha256, None
            if self.replaced is not None:
                yield self.replaced.sha256, self.replaced.until

    def takes(self, key: str, at: datetime) -> bool:
        """Tell whether the key with this SHA-256 is good at `at` (UTC)."""
        return any(key == own and (until is None or at < until) for own, until in self.good_keys())


@dataclass(frozen=True, kw_only=True)
class AddAgent(Command):
    """Make an agent; `key_sha256` is the hex SHA-256 of its key."""

    agent: str
    team: str
    owner: str
    key_sha256: str


@dataclass(frozen=True, kw_only=True)
class RotateAgentKey(Command):
    """Give an agent another key; the one it has stays good for `grace`, not at all if that is 0."""

    agent: str
    key_sha256: str
    grace: timedelta = timedelta(0)


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
    _recognised(command.owner, directory)
    return AgentAdded(
        agent=command.agent,
        team=command.team,
        owner=command.owner,
        key_sha256=command.key_sha256,
    )


def _recognised(owner: str, directory: Directory) -> None:
    """Refuse an owner who could approve unrecognised, as a member of an approvers' user group."""
    grouped = next((team.name for team in directory.teams.values() if team.groups), None)
    if grouped is not None and directory.people[owner].slack is None:
        message = (
            f"`{owner}` has no Slack id and might be in the group of team `{grouped}`, so nobody"
            f" could see to it that others approve; add `slack` to `{owner}` in the configuration"
        )
        raise Refused(message)


def rotate(
    command: RotateAgentKey, known: LedgerAgent | None, directory: Directory, at: datetime
) -> Event:
    """Return AgentKeyRotated. Raises Refused where there is no such agent, or too much grace."""
    live = _live(command.agent, known, directory, "change its key there")
    if not timedelta(0) <= command.grace <= LONGEST_GRACE:
        message = f"a key stays good for {written(LONGEST_GRACE)} at most; ask for less"
        raise Refused(message)
    return AgentKeyRotated(
        agent=command.agent,
        key_sha256=command.key_sha256,
        previous_sha256=live.key_sha256,
        previous_until=at + command.grace if command.grace else None,
    )


def revoke(command: RevokeAgent, known: LedgerAgent | None, directory: Directory) -> Event:
    """Return AgentRevoked. Raises Refused where there is nothing to revoke."""
    _live(command.agent, known, directory, "remove it there")
    return AgentRevoked(agent=command.agent, because=command.because)


def _live(
    name: str, known: LedgerAgent | None, directory: Directory, otherwise: str
) -> LedgerAgent:
    """Return the ledger's agent, even where the configuration has one of its name by mistake."""
    if known is not None and known.open:
        return known
    if name in directory.agents:
        message = f"agent `{name}` is in the configuration; {otherwise}"
    elif known is None:
        message = f"there is no agent `{name}`; `placet agent list` names them"
    else:
        message = f"agent `{name}` is already revoked"
    raise Refused(message)


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
        case LedgerAgent(), AgentKeyRotated() as event:
            changes: dict[str, object] = {
                "key_sha256": event.key_sha256,
                "rotated_at": recorded.at,
                "replaced": _replaced(event),
            }
        case LedgerAgent(), AgentRevoked():
            changes = {"status": AgentStatus.REVOKED}
        case _:
            raise CorruptHistory(recorded.event)
    changes |= {"version": recorded.version, "position": recorded.position}
    return agent.model_copy(update=changes)


def _replaced(event: AgentKeyRotated) -> ReplacedKey | None:
    if event.previous_until is None:
        return None
    return ReplacedKey(sha256=event.previous_sha256, until=event.previous_until)
