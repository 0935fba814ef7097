"""Tells which agent a key is of: one of the configuration, or of the ledger as it goes on."""

import contextlib
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gateway.identity.departures import Departures, told_in
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import AgentAdded, AgentKeyRotated, AgentRevoked
from ledger.lives import agents
from ledger.lives.agents import LedgerAgent
from policies.people.people import Agent

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Held:
    """Whose a key is, and when that ends (UTC; None: with the agent)."""

    agent: Agent
    until: datetime | None


class AgentKeys:
    """The agents by the SHA-256 of their keys; no key is ever here itself."""

    def __init__(
        self,
        configured: Mapping[bytes, Agent],
        taken: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        """Know the agents of the configuration, which never change.

        `taken` are the names of all of them, with a key or without; `now` returns UTC.
        """
        self._configured = dict(configured)
        self._now = now
        self._taken = frozenset(taken) | {agent.name for agent in configured.values()}
        self._ledger: dict[bytes, _Held] = {}
        self._agents: dict[str, LedgerAgent] = {}
        self._early: list[Recorded] | None = []
        self._departures = Departures()

    def holder(self, hashed: bytes) -> Agent | None:
        """Return whose key has this SHA-256 now; None where it is nobody's."""
        agent = self._configured.get(hashed)
        if agent is not None:
            return agent
        held = self._ledger.get(hashed)
        if held is None or (held.until is not None and self._now() >= held.until):
            return None
        return held.agent

    @contextlib.contextmanager
    def while_good(self, key: str, leave: Callable[[], object]) -> Iterator[None]:
        """Have `leave` called where the ledger's key with this SHA-256 (hex) ends in the block."""
        with contextlib.ExitStack() as told:
            told.enter_context(self._departures.told(key, leave))
            held = self._ledger.get(bytes.fromhex(key))
            if held is None:
                leave()
            elif held.until is not None:
                ending = partial(self._departures.end, key)  # which tells each of them once
                told.enter_context(told_in(self._left(held.until), ending))
            yield

    def learn(self, known: Iterable[LedgerAgent]) -> None:
        """Know the ledger's agents, and what `follow` was told of them meanwhile."""
        self._agents = {agent.id: agent for agent in known}
        early, self._early = self._early or [], None
        for recorded in early:
            self._take(recorded)
        self._index()

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take agents and keys in and out as the ledger says so; all of them after `learn`."""
        told = [
            r for r in events if isinstance(r.event, AgentAdded | AgentKeyRotated | AgentRevoked)
        ]
        if not told:
            return
        if self._early is not None:
            self._early += told
            return
        for recorded in told:
            self._take(recorded)
        self._index()

    def collisions(self) -> list[str]:
        """Say in words which of the ledger's live agents the configuration has as well."""
        found = []
        for agent in self._agents.values():
            if agent.open and agent.id in self._taken:
                found.append(
                    f"agent `{agent.id}` is in the configuration and in the ledger; give it another"
                    f" name in the file, or end the other with `placet agent revoke {agent.id}`"
                )
            for key, _ in agent.good_keys():
                owner = self._configured.get(bytes.fromhex(key))
                if owner is not None and owner.name != agent.id:
                    found.append(
                        f"agents `{owner.name}` of the configuration and `{agent.id}` of the ledger"
                        f" have one key; run `placet agent rotate {agent.id}`"
                    )
        return found

    def _take(self, recorded: Recorded) -> None:
        event = recorded.event
        assert isinstance(event, AgentAdded | AgentKeyRotated | AgentRevoked), "only these are told"
        before = self._agents.get(event.agent)
        if before is None or before.position < recorded.position:
            self._agents[event.agent] = agents.evolve(before, recorded)
            if isinstance(event, AgentAdded) and event.agent in self._taken:
                _LOG.error(
                    "agent `%s` is in the configuration; the ledger's is not let in", event.agent
                )

    def _index(self) -> None:
        """Have every good key at hand, and tell who listens with one that is good no more."""
        before, self._ledger = self._ledger, dict(self._keys())
        for key in before.keys() - self._ledger.keys():
            self._departures.end(key.hex())
        for key, held in self._ledger.items():
            if before.get(key) != held and held.until is not None:
                self._departures.end_in(key.hex(), self._left(held.until))

    def _left(self, until: datetime) -> float:
        """Return the seconds until a key ends."""
        return (until - self._now()).total_seconds()

    def _keys(self) -> Iterator[tuple[bytes, _Held]]:
        for agent in self._agents.values():
            if agent.id not in self._taken:
                for key, until in agent.good_keys():
                    yield bytes.fromhex(key), _Held(replace(agent.caller(), key=key), until)
