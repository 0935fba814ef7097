"""Tells agents that their list of tools is another one, where Placet itself made it so."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeAlias

from gateway.calls.gate import PolicyInForce
from gateway.listening.open_streams import Listening, OpenStreams
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import PolicyActivated, ToolAccepted, ToolGone, ToolSeen
from policies.people.people import Agent
from policies.rules.policy import Policy
from policies.values.calls import Tool
from policies.values.refusals import Refused

_GATHERING = 0.5
"""Seconds in which whatever happens is told once."""

Hides: TypeAlias = Callable[[Agent, str, Policy], Callable[[Tool], bool]]
"""Returns what tells of a server's tools which ones an agent need not see under a policy."""


class Listed(Protocol):
    """The tools of one server, as far as they are known."""

    def listed(self) -> Iterable[Tool]:
        """Return what it lists to anybody."""
        ...


class ListChanges:
    """Follows the ledger, so that every replica tells its own callers.

    What is seen, gone or accepted of a server's tools is told to all who
    listen to the server; another policy to those from whom it hides more or
    less than the one before.
    """

    def __init__(
        self,
        streams: OpenStreams,
        tools: Mapping[str, Listed],
        policy: PolicyInForce,
        hides: Hides,
    ) -> None:
        """Take who listens, and what their lists are made of."""
        self._streams = streams
        self._tools = tools
        self._policy = policy
        self._hides = hides
        self._before = policy()
        self._servers: set[str] = set()
        self._activated = False
        self._telling: asyncio.Task[None] | None = None

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take in what changes lists; a listener of `Ledger.observe`."""
        for recorded in events:
            match recorded.event:
                case ToolSeen() | ToolGone() | ToolAccepted() as event:
                    self._servers.add(event.server)
                case PolicyActivated():
                    self._activated = True
        due = self._servers or self._activated
        if due and (self._telling is None or self._telling.done()):
            self._telling = asyncio.create_task(self._tell(), name="changed lists of tools")

    async def close(self) -> None:
        """Tell nothing any more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell(self) -> None:
        while self._servers or self._activated:
            await asyncio.sleep(_GATHERING)
            servers, activated = self._servers, self._activated
            self._servers, self._activated = set(), False
            concerned = await self._concerned() if activated else ()
            self._streams.tell(partial(_is_among, servers, concerned))

    async def _concerned(self) -> Collection[tuple[Agent, str]]:
        """Return who sees other tools, and at which servers, than under the policy before."""
        before, now = self._before, await self._in_force()
        if before.digest == now.digest:
            return ()
        self._before = now
        listening = {(who.agent, who.server) for who in self._streams.listening()}
        return await asyncio.to_thread(self._differing, listening, before, now)

    async def _in_force(self) -> Policy:
        try:
            return await self._policy.again()
        except Refused:
            return self._policy()

    def _differing(
        self, listening: Collection[tuple[Agent, str]], before: Policy, now: Policy
    ) -> set[tuple[Agent, str]]:
        listed = {server: tuple(self._tools[server].listed()) for _, server in listening}

        def differs(agent: Agent, server: str) -> bool:
            tools = listed[server]
            hid, hides = self._hides(agent, server, before), self._hides(agent, server, now)
            return any(hid(tool) != hides(tool) for tool in tools)

        return {(agent, server) for agent, server in listening if differs(agent, server)}


def _is_among(
    servers: Collection[str], callers: Collection[tuple[Agent, str]], who: Listening
) -> bool:
    return who.server in servers or (who.agent, who.server) in callers
