"""Keeps what a server lists to single callers, as far as it lists something else to others."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from gateway.callers.headers import SESSION
from gateway.upstreams import Era, UpstreamRequest
from policies.values.calls import Tool
from policies.values.strict_json import plain

_MOST_LISTS = 512
_ROOM = 16 * 1024 * 1024
"""Bytes that all lists take; a list of 8 MiB and 5,000 tools takes less."""

_BESIDE = 1024
"""Bytes that a tool takes besides its definition."""

_LONG_AGO = float("-inf")


_META = (
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
)


def client_of(request: UpstreamRequest) -> dict[str, object]:
    """Return what a request of 2026-07-28 says of its client in `_meta`."""
    params = request.message.get("params") if request.message else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    if not isinstance(meta, dict) or request.era is not Era.MODERN:
        return {}
    return {key: plain(meta[key]) for key in _META if key in meta}


class View(NamedTuple):
    """Whose list it is: servers may list by credentials, era and session, and by client.

    `client` is what the request says of it, as JSON; within a session the server knows it.
    """

    agent: str
    era: Era
    session: str | None
    client: str = "{}"

    @classmethod
    def of(cls, request: UpstreamRequest) -> "View":
        """Return the one that a request sees."""
        client = json.dumps(client_of(request), sort_keys=True)
        return cls(request.agent, request.era, request.headers.get(SESSION), client)


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
    asked_at: float = _LONG_AGO

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
        self._lost: set[str] = set()

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
            oldest = next(iter(self._lists))
            self._lost |= self._lists[oldest].tools.keys()
            self.forget(oldest)

    def forget(self, view: View) -> None:
        """Keep nothing of a caller's list any more."""
        found = self._lists.pop(view, None)
        if found is not None:
            self._size -= found.size
            for each in _names(found):
                self._known[each] -= 1
                if not self._known[each]:
                    del self._known[each]

    def outdate(self, names: AbstractSet[str], own: Mapping[str, Tool]) -> None:
        """Note that `own` defines these names anew: how lists do has to be asked anew.

        What it defines as a list had it differs no more.
        """
        outdated = [view for view, found in self._lists.items() if names & found.tools.keys()]
        for view in outdated:
            left = {
                name: kept._replace(at=_LONG_AGO) if name in names else kept
                for name, kept in self._lists[view].tools.items()
                if name not in names or own.get(name) != kept.tool
            }
            self.keep(view, KeptList(left, _LONG_AGO))

    def tools(self) -> Iterator[Tool]:
        """Yield the tools of all lists, each as often as it is listed."""
        every = chain.from_iterable(found.tools.values() for found in [*self._lists.values()])
        return (kept.tool for kept in every)

    def differing(self, own: Mapping[str, Tool]) -> set[str]:
        """Return the names which some list defines otherwise than `own` does, or did.

        Of a list that there was no room for nobody knows any more how it defines them.
        """
        self._lost &= own.keys()
        return self._lost | {
            name for name, defined, _ in self._known if name in own and own[name].hash != defined
        }


def _names(found: KeptList) -> Iterator[tuple[str, str, bool]]:
    return ((kept.tool.name, kept.tool.hash, kept.noted) for kept in found.tools.values())
