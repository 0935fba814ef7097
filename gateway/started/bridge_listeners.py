"""Tells callers of a bridged server what changed: lists, and resources they subscribed to."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.servers.synthesis import tagged

_KEEP_ALIVE = 15.0
STILL_HERE: Final = b": still here\n\n"
"""A comment that keeps a stream of server-sent events open."""

_MOST_WAITING = 1000
_LARGEST_WAITING = 1024 * 1024
_MOST_SESSIONS = 10_000
_LONGEST_PARTED = 2048
_PARTING = frozenset("/?#")

UPDATED: Final = "notifications/resources/updated"
LISTS: Final = {
    "notifications/tools/list_changed": "toolsListChanged",
    "notifications/prompts/list_changed": "promptsListChanged",
    "notifications/resources/list_changed": "resourcesListChanged",
}
"""The notifications of changed lists, and how a caller of 2026-07-28 asks for each."""


class Listener:
    """A stream of server-sent events to one caller, with a comment each 15 seconds.

    It ends after `end`, or when the caller gives it up; `left` is called then.
    """

    def __init__(self, left: Callable[["Listener"], None], first: Sequence[str] = ()) -> None:
        """Start with the messages `first`."""
        self._left = left
        self._waiting: deque[bytes] = deque()
        self._size = 0
        for message in first:
            self._add(message)
        self._arrived = asyncio.Event()
        self._ended = False

    def tell(self, message: str) -> None:
        """Send one JSON-RPC message; a caller that reads nothing is sent 1,000 or 1 MiB at most."""
        full = len(self._waiting) >= _MOST_WAITING or self._size + len(message) > _LARGEST_WAITING
        if not full and not self._ended:
            self._add(message)
            self._arrived.set()

    def end(self, message: str | None = None) -> None:
        """Send a last message and end the stream."""
        if message is not None:
            self._add(message)
        self._ended = True
        self._arrived.set()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> bytes:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), _KEEP_ALIVE)
            except TimeoutError:
                return STILL_HERE
        taken = self._waiting.popleft()
        self._size -= len(taken)
        return taken

    def _add(self, message: str) -> None:
        self._waiting.append(event(message))
        self._size += len(self._waiting[-1])

    async def aclose(self) -> None:
        """Stop listening."""
        self._left(self)


@dataclass
class Session:
    """What a caller before 2026-07-28 has open: its streams and its subscriptions."""

    streams: list[Listener] = field(default_factory=list)
    uris: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Subscription:
    """What a caller of 2026-07-28 asked to be told; `id` is JSON text."""

    id: str
    methods: frozenset[str]
    uris: frozenset[str]


class Listeners:
    """Who is to be told what.

    Sessions are remembered as long as they have something open; an id is known
    to be one of ours by whoever hands it in, so only ended ones are refused.
    """

    def __init__(self) -> None:
        """Start with nobody."""
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._subscribed: dict[Listener, _Subscription] = {}

    def session(self, name: str) -> Session | None:
        """Return the session of that id; None where it has ended."""
        if name in self._ended:
            return None
        session = self._sessions.setdefault(name, Session())
        self._sessions.move_to_end(name)
        if len(self._sessions) > _MOST_SESSIONS:
            idle = next((n for n, s in self._sessions.items() if not s.streams), name)
            del self._sessions[idle]
        return session

    def end_session(self, name: str) -> set[str]:
        """End a session and return the resources that nobody is subscribed to any more."""
        session = self._sessions.pop(name, Session())
        for stream in session.streams:
            stream.end()
        self._ended[name] = None
        if len(self._ended) > _MOST_SESSIONS:
            self._ended.popitem(last=False)
        return session.uris - self.uris()

    def stream(self, session: Session) -> Listener:
        """Open a stream of a session's notifications (specification 2025-11-25, transports)."""
        listener = Listener(lambda left: _discard(session.streams, left))
        session.streams.append(listener)
        return listener

    def subscribe(
        self,
        subscription: str,
        methods: Collection[str],
        uris: Collection[str],
        first: str,
        left: Callable[[set[str]], None],
    ) -> Listener:
        """Open a `subscriptions/listen` stream; `left` gets the resources nobody asks for then."""

        def leave(listener: Listener) -> None:
            if self._subscribed.pop(listener, None) is not None:
                left(set(uris) - self.uris())

        listener = Listener(leave, [first])
        self._subscribed[listener] = _Subscription(
            subscription, frozenset(methods), frozenset(uris)
        )
        return listener

    def uris(self) -> set[str]:
        """Return every resource that somebody is subscribed to."""
        asked = [session.uris for session in self._sessions.values()]
        return set().union(*asked, *[subscribed.uris for subscribed in self._subscribed.values()])

    def tell(self, method: str, params: str | None, uri: str | None) -> None:
        """Pass a notification on to those who asked for it, each session on one stream."""
        message = notification(method, params)
        holders = set() if uri is None else _holders(uri)
        for session in self._sessions.values():
            if session.streams and (method in LISTS or not holders.isdisjoint(session.uris)):
                session.streams[-1].tell(message)
        for listener, asked in self._subscribed.items():
            if method in asked.methods or not holders.isdisjoint(asked.uris):
                listener.tell(notification(method, tagged(params, asked.id)))

    def close(self, ended: Callable[[str], str]) -> None:
        """End every stream; `ended` makes the last message of a subscription from its id."""
        for session in self._sessions.values():
            for stream in session.streams:
                stream.end()
        for listener, asked in list(self._subscribed.items()):
            listener.end(ended(asked.id))


def event(message: str) -> bytes:
    """Return a JSON-RPC message as one server-sent event (WHATWG HTML, 9.2.6)."""
    return f"event: message\ndata: {message}\n\n".encode()


def notification(method: str, params: str | None) -> str:
    """Return a notification; `method` is one of the protocol's, `params` JSON text."""
    rest = "" if params is None else f',"params":{params}'
    return f'{{"jsonrpc":"2.0","method":"{method}"{rest}}}'


def _holders(uri: str) -> set[str]:
    """Return the resource and all whose sub-resource it is by its path, query or fragment.

    What is updated "might be a sub-resource of the one that the client actually
    subscribed to" (schema, ResourceUpdatedNotification). Of a URI above 2,048
    characters only itself, since each part costs as much as all before it.
    """
    if len(uri) > _LONGEST_PARTED:
        return {uri}
    ends = [at for at, letter in enumerate(uri) if letter in _PARTING]
    return {uri, *(uri[:at] for at in ends), *(uri[: at + 1] for at in ends)}


def _discard(streams: list[Listener], listener: Listener) -> None:
    if listener in streams:
        streams.remove(listener)
