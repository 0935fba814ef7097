"""Opens real ledgers for tests, with a clock that the test moves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from acme import DIRECTORY, NOON, PREPARED

from ledger.ledger import Ledger


class Clock:
    """A wall and a monotonic clock that go together until the wall is told to jump."""

    def __init__(self, at: datetime = NOON) -> None:
        self._wall = at
        self._seconds = 1000.0

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._seconds

    def advance(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)
        self._seconds += seconds

    def jump(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)


def real_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (the tests' root)


def open_ledger(url: str, clock: Clock | None = None, **world: object) -> Ledger:
    """Open a ledger of the acme company; with the real clock where none is given."""
    if clock is not None:
        world = {"now": clock.now, "monotonic": clock.monotonic, **world}
    return Ledger.open(url, **{"now": real_now, "directory": DIRECTORY, "instance": "one", **world})


async def prepare(ledger: Ledger) -> None:
    """Record what a serving Placet records before the first call."""
    for command in PREPARED:
        await ledger.execute(command)


async def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
