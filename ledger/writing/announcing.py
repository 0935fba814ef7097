"""Hands every event to the observers of this process, once and in the order of positions."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeAlias

from ledger.events.envelopes import Recorded
from ledger.events.events import CallCompleted, CallDecided

Listener: TypeAlias = Callable[[Sequence[Recorded]], None]
"""Is called on its event loop with events in the order of positions; must not block."""

_LOG = logging.getLogger(__name__)

_PAGE = 100

_OF_CALLS = frozenset({CallDecided, CallCompleted})


class Observer:
    """A listener, the event loop on which it is called, and the position after which it listens."""

    def __init__(
        self,
        listener: Listener,
        loop: asyncio.AbstractEventLoop,
        *,
        plain_calls: bool = True,
        own_only: bool = False,
    ) -> None:
        """Listen until `active` is turned off.

        `plain_calls` says whether to those as well, `own_only` whether to what
        this process records alone.
        """
        self._listener = listener
        self._loop = loop
        self.plain_calls = plain_calls
        self.own_only = own_only
        self.active = True
        self.after = 0

    def hand_over(self, recorded: Sequence[Recorded]) -> None:
        """Call the listener soon, from any thread; a loop that has ended hears nothing."""
        if recorded[0].position <= self.after:
            recorded = [each for each in recorded if each.position > self.after]
        if not recorded:
            return
        try:
            self._loop.call_soon_threadsafe(self._call, recorded)
        except RuntimeError:
            self.active = False

    def _call(self, recorded: Sequence[Recorded]) -> None:
        if not self.active:
            return
        try:
            self._listener(recorded)
        except Exception:  # noqa: BLE001 (one observer's bug keeps nobody else waiting)
            _LOG.exception("an observer of the ledger failed at position %s", recorded[0].position)


class Announcer:
    """Knows up to which position everybody has heard; called by the writer's thread alone.

    INVARIANT: `position` never moves over an event that was not handed to
    every active observer.
    """

    def __init__(self, read: Callable[[int, int], Sequence[Recorded]], position: int) -> None:
        """Begin after `position`; `read(after, limit)` returns recorded events."""
        self._read = read
        self._lock = Lock()
        self._observers: tuple[Observer, ...] = ()
        self._newest = position
        self.position = position

    @property
    def behind(self) -> int:
        """How many events of the history are not handed over yet."""
        return max(self._newest - self.position, 0)

    def note(self, newest: int) -> None:
        """Know that the history reaches to `newest`: who listens from now on hears the rest."""
        self._newest = max(self._newest, newest)

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Add an observer and return what takes it away."""
        with self._lock:
            observer.after = self._newest
            self._observers = (*self._observers, observer)

        def leave() -> None:
            observer.active = False
            with self._lock:
                self._observers = tuple(each for each in self._observers if each is not observer)

        return leave

    def announce(self, recorded: Sequence[Recorded]) -> None:
        """Hand over what this process has just committed, after all that came before it."""
        if not recorded:
            return
        self.catch_up(recorded[0].position - 1)
        self._hand_over(recorded, own=True)

    def catch_up(self, head: int) -> None:
        """Hand over what other processes have recorded up to position `head`."""
        while self.position < head:
            if not self._observers:
                self.position = head
                return
            page = self._read(self.position, min(_PAGE, head - self.position))
            if not page:
                return  # they are lost since, as the next look at the head row tells
            self._hand_over(page, own=False)

    def _hand_over(self, recorded: Sequence[Recorded], *, own: bool) -> None:
        with self._lock:
            observers = self._observers
            self.position = recorded[-1].position
        if not observers:
            return
        remarkable = [each for each in recorded if _is_remarkable(each)]
        for observer in observers:
            told = recorded if observer.plain_calls else remarkable
            if told and (own or not observer.own_only):
                observer.hand_over(told)


def _is_remarkable(recorded: Recorded) -> bool:
    """Tell whether an event is more than one of a call without an approval: most are just that."""
    event = recorded.event
    return type(event) not in _OF_CALLS or getattr(event, "approval", None) is not None
