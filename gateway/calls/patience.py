"""Says how long the calls of an agent wait for people, and how many of them at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.configuration.configuration import Configuration
from policies.configuration.settings import AgentSection

_WITH_PROGRESS = 50.0
"""Seconds that every client waits that asks for progress; the shortest gives up after 60."""

_IN_SILENCE = 290.0
"""Seconds at most without progress: most clients give up after 300, whatever else they are sent."""


@dataclass(frozen=True)
class Pace:
    """How often a caller that is held hears that its call still waits, in seconds."""

    progress: float = 10.0
    comments: float = 15.0


class Patience:
    """What the configuration says of waiting, for one agent at a time."""

    def __init__(self, configuration: Configuration) -> None:
        """Read it; agents that only the ledger knows get what is said for all."""
        self._grace = configuration.gateway.hold.total_seconds()
        self._held_calls = configuration.gateway.held_calls
        self._agents: Mapping[str, AgentSection] = configuration.agents

    def grace(self, agent: str) -> float:
        """Return for how many seconds a call is held before anything is sent to its caller."""
        own = self._own(agent)
        return self._grace if own is None else min(self._grace, own)

    def longest(self, agent: str, *, progress: bool) -> float:
        """Return for how many seconds a call is held in all.

        `progress` says that the caller can be told of it. Without, no call is
        held longer than in silence, but where the agent's configuration says so.
        """
        own = self._own(agent)
        if progress:
            return _WITH_PROGRESS if own is None else own
        return 0.0 if own is None else min(own, _IN_SILENCE)

    def held_calls(self, agent: str) -> int:
        """Return how many calls of an agent are held at once."""
        section = self._agents.get(agent)
        if section is None or section.held_calls is None:
            return self._held_calls
        return section.held_calls

    def _own(self, agent: str) -> float | None:
        section = self._agents.get(agent)
        return (
            section.hold.total_seconds()
            if section is not None and section.hold is not None
            else None
        )
