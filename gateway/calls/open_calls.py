"""Knows the calls that may be called off, and cancellations that came before their calls."""

import asyncio
from types import TracebackType
from typing import NamedTuple

from gateway.calls.dropped import Forsakable, forsake_later

_EARLY = 5.0
"""Seconds for which a cancellation waits for its call: the two may come on two connections."""

_MOST_EARLY = 1000
"""Cancellations of one agent that wait for their calls; beyond, the oldest are forgotten."""

_LONGEST_NAME = 1024
"""Characters of the id of a request that is kept of a cancellation."""


class Ticket(NamedTuple):
    """Names a call as its caller can name it; `request` is the id of its request as JSON.

    Only whoever acts for the same person, `on_behalf_of`, can name it.
    """

    agent: str
    server: str
    session: str
    request: str
    on_behalf_of: str | None = None

    @property
    def shared(self) -> bool:
        """Whether all clients that have the agent's key may name calls so: without a session."""
        return not self.session


class OpenCall:
    """A call that was read and not answered yet: it can be called off until it is sent.

    It is the block in which it is open.
    """

    __slots__ = ("_among", "_run", "_task", "called_off", "dropped", "other", "ticket")

    def __init__(self, ticket: Ticket) -> None:
        """Be named by `ticket`; nobody can call it off before it is `opened`."""
        self.ticket = ticket
        self.called_off = False
        self.dropped = False
        self.other: OpenCall | None = None
        self._among: OpenCalls | None = None
        self._task: asyncio.Task[object] | None = None
        self._run: Forsakable | None = None

    def opened(self, among: "OpenCalls") -> None:
        """Be answered by the task that runs now, which calling off cancels."""
        self._among = among
        self._task = asyncio.current_task()

    def close(self) -> None:
        """Take no calling off from now on: the call is sent, or its end is told."""
        self._task = None

    def sent(self, run: Forsakable) -> None:
        """Be at the server: `run` is forsaken some time after that heard of a cancellation."""
        self._run = run

    def call_off(self) -> bool:
        """Keep the call from running; tell whether that is done, or else its server has it."""
        if self._task is not None:
            self.called_off = True
            self._task.cancel()
            self._task = None
        if not self.called_off and not self.dropped:
            self.dropped = True
            if self._run is not None and not self.owed():
                forsake_later(self._run)
        return self.called_off

    def owed(self) -> bool:
        """Tell whether a call that was sent is owed a response.

        None is to whoever dropped it (basic/utilities/cancellation); where the
        ticket is shared, another client may have meant its own call.
        """
        return self.ticket.shared or not self.dropped

    def stopped(self) -> bool:
        """Tell what was cancelled whether it was called off, and no more than that.

        Whoever hears so goes on, and answers; else its caller went away.
        """
        task = asyncio.current_task()
        return self.called_off and task is not None and not task.uncancel()

    def __enter__(self) -> None:
        """Be open."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Be open no more."""
        if self._among is not None:
            self._among.remove(self)


class OpenCalls:
    """Has clients before 2026-07-28 call off their calls, whatever these wait for.

    Calling off is going away, but that there is somebody left to answer: nothing
    runs, and what was asked of people stays open.
    """

    def __init__(self) -> None:
        """Know none."""
        self._calls: dict[Ticket, OpenCall] = {}
        self._early: dict[str, dict[Ticket, float]] = {}

    def add(self, call: OpenCall) -> None:
        """Know a call until its block ends; it may be called off already."""
        call.opened(self)
        first = self._calls.setdefault(call.ticket, call)
        if first is not call:
            call.other, first.other = first.other, call
        if self._early and self._came_early(call.ticket):
            call.called_off = True
            call.close()

    def remove(self, call: OpenCall) -> None:
        """Know a call no more."""
        first = self._calls.pop(call.ticket)
        if first is not call:
            self._calls[call.ticket] = before = first
            while before.other is not call:
                assert before.other is not None, "the call is open"
                before = before.other
            before.other = call.other
        elif call.other is not None:
            self._calls[call.ticket] = call.other
        elif not self._calls:
            self._calls.clear()  # which, empty as it is, gives back what thousands took

    def call_off(self, ticket: Ticket) -> bool:
        """Call off all calls of this name; tell whether no server need hear of it.

        All of them: nobody knows which of them is meant, and what was cancelled must not run.
        """
        call = self._calls.get(ticket)
        if call is None:
            self._remember(ticket)
            return False
        done = True
        while call is not None:
            done = call.call_off() and done
            call = call.other
        return done

    def _remember(self, ticket: Ticket) -> None:
        if len(ticket.request) > _LONGEST_NAME:
            return
        now = asyncio.get_running_loop().time()
        early = self._early.setdefault(ticket.agent, {})
        early.pop(ticket, None)
        early[ticket] = now
        while len(early) > _MOST_EARLY or early[next(iter(early))] < now - _EARLY:
            del early[next(iter(early))]

    def _came_early(self, ticket: Ticket) -> bool:
        early = self._early.get(ticket.agent)
        at = None if early is None else early.pop(ticket, None)
        if not early:
            self._early.pop(ticket.agent, None)
        return at is not None and asyncio.get_running_loop().time() - at <= _EARLY
