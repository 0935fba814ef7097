"""Takes on as much at once as can be served, and shares that fairly between agents."""

from collections.abc import Mapping
from sys import intern
from types import TracebackType
from typing import Self

from gateway.wire.errors import SOON, Code, Rejected
from policies.configuration.capacity import CapacitySection

SMALL = 16 * 1024
"""Bytes of a body that are not counted: that many requests may be under way anyway."""

_FULL = 503
_YOURS = 429


class Shares:
    """A number of things of which everybody may have some at once.

    Somebody gets more as long as they have less than what is left: one alone
    gets half of all, and whatever others have, half of the rest is there for
    the next (dynamic thresholds, Choudhury and Hahne, 1998).
    """

    def __init__(self, all_of_it: int) -> None:
        """Share `all_of_it`."""
        self._all = self.left = all_of_it
        self._of: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How much everybody has together."""
        return self._all - self.left

    def of(self, who: str) -> int:
        """Return how much somebody has."""
        return self._of.get(who, 0)

    def take(self, who: str, count: int = 1) -> int:
        """Give somebody `count` more. Return 0, or the HTTP status that says whose fault it is."""
        has = self._of.get(who, 0)
        if count > self.left:
            return _FULL
        if has >= self.left:
            return _YOURS
        self.left -= count
        self._of[who] = has + count
        return 0

    def force(self, who: str, count: int = 1) -> None:
        """Give somebody `count` more, come what may."""
        self.left -= count
        self._of[who] = self._of.get(who, 0) + count

    def give_back(self, who: str, count: int = 1) -> None:
        """Take `count` back from somebody."""
        self.left += count
        has = self._of[who] - count
        if has:
            self._of[who] = has
        else:
            del self._of[who]


class Crowd:
    """The requests under way, and the memory that their bodies take.

    Both are shared between agents, requests also between an agent's servers:
    so a server that hangs keeps its callers from no other server.
    """

    def __init__(self, capacity: CapacitySection) -> None:
        """Share the configured capacity."""
        self._most = capacity.requests_per_agent
        self._agents: dict[str, int] = {}
        self.requests = Shares(capacity.requests)
        self.bytes = Shares(capacity.body_memory)

    @property
    def under_way(self) -> Mapping[str, int]:
        """How many requests are under way now, by agent."""
        return self._agents

    def enter(self, agent: str, server: str) -> "Place":
        """Return a place for one request. Raises Rejected (HTTP 429 or 503)."""
        has = self._agents.get(agent, 0)
        share = intern(f"{agent} {server}")
        status = _YOURS if has >= self._most else self.requests.take(share)
        if status:
            whose = "this agent has" if status == _YOURS else "Placet has"
            text = f"{whose} too many requests under way; nothing was executed, call again soon"
            raise Rejected(status, Code.BUSY, text, headers=SOON)
        self._agents[agent] = has + 1
        return Place(self, agent, share)

    def stay(self, agent: str, server: str) -> "Place":
        """Return a place for what goes on when its request is over: there was one for that."""
        share = f"{agent} {server}"
        self.requests.force(share)
        self._agents[agent] = self._agents.get(agent, 0) + 1
        return Place(self, agent, share)

    def leave(self, agent: str, share: str, held: int) -> None:
        """Take a place back, of the share it is of, and the memory that it holds."""
        self.requests.give_back(share)
        if held:
            self.bytes.give_back(agent, held)
        has = self._agents[agent] - 1
        if has:
            self._agents[agent] = has
        else:
            del self._agents[agent]


class Place:
    """Room for one request, until the block ends."""

    __slots__ = ("_agent", "_bytes", "_crowd", "_share")

    def __init__(self, crowd: Crowd, agent: str, share: str) -> None:
        """Use `Crowd.enter`."""
        self._crowd = crowd
        self._agent = agent
        self._share = share
        self._bytes = 0

    def hold(self, count: int) -> None:
        """Take memory for `count` more bytes of a body. Raises Rejected (HTTP 429 or 503)."""
        status = self._crowd.bytes.take(self._agent, count)
        if status:
            text = "too many large bodies are under way; nothing was executed, call again soon"
            raise Rejected(status, Code.BUSY, text, headers=SOON)
        self._bytes += count

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._crowd.leave(self._agent, self._share, self._bytes)
