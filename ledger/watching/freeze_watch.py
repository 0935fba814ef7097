"""Knows which freezes are in force, for those who look at readiness and metrics."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Self

from prometheus_client import CollectorRegistry, Gauge

from ledger.events.envelopes import Recorded
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.ledger import Ledger
from ledger.lives.freezes import Freeze, evolve
from ledger.views.freeze_readings import freezes_in_force
from policies.deciding.freezes import Frozen


class FreezeWatch:
    """Follows the ledger. It decides nothing: the writer looks at its own state."""

    def __init__(
        self, ledger: Ledger, registry: CollectorRegistry, now: Callable[[], datetime]
    ) -> None:
        """Know of no freeze before it is entered; `now` returns UTC."""
        self._ledger = ledger
        self._now = now
        self._known: dict[str, Freeze] = {}
        self._leave: Callable[[], None] | None = None
        gauge = Gauge(
            "placet_freezes", "Freezes in force, by what they are over", ["over"], registry=registry
        )
        for over in Frozen:
            gauge.labels(over.value).set_function(partial(self._count, over))

    async def __aenter__(self) -> Self:
        """Begin to follow. Raises LedgerUnavailable."""
        self._leave = self._ledger.observe(self._hear, plain_calls=False)
        for freeze in await freezes_in_force(self._ledger):
            self._known.setdefault(freeze.id, freeze)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._leave is not None:
            self._leave()

    def told(self) -> Sequence[str]:
        """Return what is frozen now, in words."""
        return [f"{freeze.live().told()} ({freeze.id})" for freeze in self._in_force()]

    def _in_force(self) -> list[Freeze]:
        at = self._now()
        return [
            freeze
            for freeze in self._known.values()
            if freeze.open and (freeze.until is None or at < freeze.until)
        ]

    def _count(self, over: Frozen) -> int:
        return sum(freeze.over is over for freeze in self._in_force())

    def _hear(self, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            match one.event:
                case FreezeBegun() as event:
                    self._known[event.freeze] = evolve(None, one)
                case FreezeEnded() as event:
                    self._known.pop(event.freeze, None)
