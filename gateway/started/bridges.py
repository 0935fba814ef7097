"""Runs a server once for all callers, and again for each agent with an environment of its own."""

from collections.abc import Iterable, Mapping

from gateway.closing import close_all
from gateway.started.bridge import Bridge
from gateway.upstreams import Traffic, UpstreamAnswer, UpstreamRequest


class Bridges:
    """The processes of one server: the shared one, and those of single agents.

    An agent's own process is started when it first asks for something, and
    runs on; there are no more of them than the configuration names agents.

    INVARIANT: what an agent with its own process asks reaches no other one.
    """

    def __init__(self, shared: Bridge, own: Mapping[str, Bridge]) -> None:
        """Take the bridges, those of single agents by the agents' names."""
        self._shared = shared
        self._own = own
        self._started: list[Bridge] = []

    async def start(self) -> None:
        """Start the shared process; the others wait for their agents."""
        self._started.append(self._shared)
        await self._shared.start()

    async def close(self) -> None:
        """End every process."""
        await close_all((self._shared, *self._own.values()))

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Answer one request by the process that is for its agent. Raises UpstreamFailed."""
        bridge = self._own.get(request.agent, self._shared)
        if bridge not in self._started:
            self._started.append(bridge)
            await bridge.start()
        return await bridge.forward(request)

    def trouble(self) -> str | None:
        """Say why a process that should run cannot be used now; None where all can."""
        troubles = (self._named(bridge) for bridge in self._started)
        return next((trouble for trouble in troubles if trouble is not None), None)

    def _named(self, bridge: Bridge) -> str | None:
        trouble = bridge.trouble()
        agent = next((name for name, own in self._own.items() if own is bridge), None)
        return trouble if trouble is None or agent is None else f"{trouble} (for `{agent}`)"

    @property
    def traffic(self) -> Traffic:
        """What went to all processes so far, and how often one was started."""
        return _sum(bridge.traffic for bridge in self._started)


def _sum(traffic: Iterable[Traffic]) -> Traffic:
    whole = Traffic()
    for each in traffic:
        whole.requests += each.requests
        whole.opened += each.opened
        whole.under_way += each.under_way
    return whole
