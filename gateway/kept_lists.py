"""Keeps what a server lists to single callers, as far as it lists something else to others."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from gateway.headers import SESSION
from gateway.upstreams import Era, UpstreamRequest
from policies.calls import Tool

_MOST_LISTS = 512
_ROOM = 16 * 1024 * 1024
"""Bytes that all lists take; a list of 8 MiB and 5,000 tools takes less."""

_BESIDE = 1024
"""Bytes that a tool takes besides its definition."""


class View(NamedTuple):
    """Whose list it is: servers may list by credentials, by era, and by session."""

    agent: str
    era: Era
    session: str | None

    @classmethod
    def of(cls, request: UpstreamRequest) -> "View":
        """Return the one that a request sees."""
        return cls(request.agent, request.era, request.headers.get(SESSION))


class Kept(NamedTuple):
    """A tool, and when the server listed it, in seconds of the event loop.

    Of one that is not `noted`, for which the ledger had no room, nobody decides.
    """

    tool: Tool
    at: float
    noted: bool = True


@dataclass(frozen=True)
class KeptList:
    """The tools of one caller's list that others may not see, by name.

    `asked_at` is when the server was asked for all of it, in seconds of the event loop.
    """

    tools: Mapping[str, Kept] = field(default_factory=dict)
    asked_at: float = float("-inf")

    @property
    def size(self) -> int:
        """How many bytes it takes, about."""
        return sum(_BESIDE + len(kept.tool.definition) for kept in self.tools.values())


NOTHING = KeptList()


class KeptLists:
    """Such lists of one server; the oldest are forgotten where there is no room for all."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._lists: dict[View, KeptList] = {}
        self._known: Counter[tuple[str, str, bool]] = Counter()
        self._size = 0

    def of(self, view: View) -> KeptList:
        """Return what is kept of a caller's list."""
        return self._lists.get(view, NOTHING)

    def has(self, tool: Tool) -> bool:
        """Tell whether this definition is on any list, and noted."""
        return (tool.name, tool.hash, True) in self._known

    def keep(self, view: View, found: KeptList) -> None:
        """Keep a list in the place of the one before."""
        self.forget(view)
        self._lists[view] = found
        self._known.update(_names(found))
        self._size += found.size
        while len(self._lists) > _MOST_LISTS or self._size > _ROOM:
            self.forget(next(iter(self._lists)))

    def forget(self, view: View) -> None:
        """Keep nothing of a caller's list any more."""
        found = self._lists.pop(view, None)
        if found is not None:
            self._size -= found.size
            for each in _names(found):
                self._known[each] -= 1
                if not self._known[each]:
                    del self._known[each]

    def forget_names(self, names: AbstractSet[str]) -> None:
        """Keep of no list any more how it defines these names."""
        outdated = [view for view, found in self._lists.items() if names & found.tools.keys()]
        for view in outdated:
            found = self._lists[view]
            left = {name: kept for name, kept in found.tools.items() if name not in names}
            self.keep(view, KeptList(left, found.asked_at))

    def tools(self) -> Iterator[Tool]:
        """Yield the tools of all lists, each as often as it is listed."""
        every = chain.from_iterable(found.tools.values() for found in [*self._lists.values()])
        return (kept.tool for kept in every)

    def differing(self, own: Mapping[str, Tool]) -> set[str]:
        """Return the names which some list defines otherwise than `own` does."""
        return {
            name for name, defined, _ in self._known if name in own and own[name].hash != defined
        }


def _names(found: KeptList) -> Iterator[tuple[str, str, bool]]:
    return ((kept.tool.name, kept.tool.hash, kept.noted) for kept in found.tools.values())
