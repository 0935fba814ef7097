"""Holds calls while people may answer."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from gateway.alarms import Alarm, Alarms
from ledger.events.card_events import CardUndeliverable
from ledger.events.envelopes import Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalVoided,
)
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus

_NEWS = (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalVoided,
    CardUndeliverable,
)


_READS = 32
"""Approvals that are read at once: where a thousand calls are woken together, each has its own."""


class _Bell(Alarm):
    """Rings where there is news, or where time is up.

    Thousands may hang for hours: it is a third of what an event and a timeout are.
    """

    __slots__ = ("_heard", "other", "rung")

    def __init__(self, other: "_Bell | None") -> None:
        """Hang beside the `other` bells for the same approval, of which this knows the first."""
        super().__init__()
        self.other = other
        self._heard: asyncio.Future[None] | None = None
        self.rung = False

    def ring(self) -> None:
        """Wake whoever listens; `rung` tells those who come later."""
        self.rung = True
        if self._heard is not None and not self._heard.done():
            self._heard.set_result(None)

    def heard(self) -> asyncio.Future[None]:
        """Return what is done once it rings again; one listens at a time."""
        self._heard = asyncio.get_running_loop().create_future()
        return self._heard


class WaitingRoom:
    """Where held calls hear at once what became of their approvals, in whatever process.

    Every held call has a bell here, and only here are they counted.
    """

    def __init__(self, ledger: Ledger, places: Callable[[str], int]) -> None:
        """Take the ledger; nothing is heard before `open`.

        `places` returns how many calls of an agent are held at once.
        """
        self._ledger = ledger
        self._places = places
        self._held: Counter[str] = Counter()
        self._bells: dict[str, _Bell] = {}
        self._alarms = Alarms()
        self._stop: Callable[[], None] | None = None
        self._closing = False
        self._reading = asyncio.Semaphore(_READS)

    @property
    def held(self) -> Counter[str]:
        """How many calls are held now, by agent."""
        return self._held

    def open(self) -> None:
        """Begin to listen to the ledger."""
        self._stop = self._ledger.observe(self._ring, plain_calls=False)

    def close(self) -> None:
        """Stop listening to the ledger."""
        if self._stop is not None:
            self._stop()

    def empty(self) -> None:
        """Hold no call any more: those that are held hear how they stand, as will all others."""
        self._closing = True
        for approval in self._bells:
            self._ring_for(approval)

    async def news(self, approval: str, seconds: float, agent: str) -> Approval | None:
        """Return the approval once there is news of it, or after `seconds`, for an agent's call.

        News is any end, a yes, or a card that could not be delivered. Nothing
        is missed: the bell hangs before the approval is read. A call for which
        there is no place is not held: it gets the approval as it stands.
        """
        if self._held[agent] >= self._places(agent):
            return await self._ledger.approval(approval)
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        bell = self._hang(approval, agent)
        try:
            while True:
                bell.rung = False
                async with self._reading:
                    known = await self._ledger.approval(approval)
                if known is None or known.status is not ApprovalStatus.PENDING:
                    return known
                if known.undeliverable or self._closing or loop.time() >= until:
                    return known
                del known  # thousands may wait here, for hours: each keeps as little as it can
                self._alarms.set(bell, until)
                if not bell.rung:
                    await bell.heard()
        finally:
            self._take_down(bell, approval, agent)

    def _hang(self, approval: str, agent: str) -> _Bell:
        bell = _Bell(self._bells.get(approval))
        self._held[agent] += 1
        self._bells[approval] = bell
        return bell

    def _take_down(self, bell: _Bell, approval: str, agent: str) -> None:
        self._alarms.cancel(bell)
        self._held[agent] -= 1
        if not self._held[agent]:
            del self._held[agent]
        before = self._bells[approval]
        if before is not bell:
            while before.other is not bell:
                assert before.other is not None, "the bell hangs here"
                before = before.other
            before.other = bell.other
        elif bell.other is not None:
            self._bells[approval] = bell.other
        else:
            del self._bells[approval]
        if not self._held:
            self._bells.clear()  # which, empty as it is, gives back what thousands took

    def _ring(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            if isinstance(recorded.event, _NEWS):
                self._ring_for(recorded.event.approval)

    def _ring_for(self, approval: str) -> None:
        bell = self._bells.get(approval)
        while bell is not None:
            bell.ring()
            bell = bell.other
