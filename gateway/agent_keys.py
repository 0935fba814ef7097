"""Tells which agent a key is of: one of the configuration, or of the ledger as it goes on."""

from collections.abc import Iterable, Mapping, Sequence

from ledger.agents import LedgerAgent
from ledger.envelopes import Recorded
from ledger.standing_events import AgentAdded, AgentRevoked
from policies.people import Agent


class AgentKeys:
    """The agents by the SHA-256 of their keys; no key is ever here itself."""

    def __init__(self, configured: Mapping[bytes, Agent]) -> None:
        """Know the agents of the configuration, which never change."""
        self._configured = dict(configured)
        self._ledger: dict[bytes, Agent] = {}

    def holder(self, hashed: bytes) -> Agent | None:
        """Return whose key has this SHA-256; None where it is nobody's."""
        return self._configured.get(hashed) or self._ledger.get(hashed)

    def learn(self, agents: Iterable[LedgerAgent]) -> None:
        """Know the ledger's agents that may call, and no others of it."""
        self._ledger = {
            bytes.fromhex(agent.key_sha256): agent.caller() for agent in agents if agent.open
        }

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take agents in and out as the ledger says so."""
        for recorded in events:
            match recorded.event:
                case AgentAdded() as event:
                    agent = Agent(event.agent, event.team, event.owner)
                    self._ledger[bytes.fromhex(event.key_sha256)] = agent
                case AgentRevoked() as event:
                    self._forget(event.agent)
                case _:
                    pass

    def _forget(self, name: str) -> None:
        self._ledger = {key: agent for key, agent in self._ledger.items() if agent.name != name}
