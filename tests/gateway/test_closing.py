"""What is slow to end keeps nothing else waiting."""

import asyncio

import pytest

from gateway.closing import close_all
from gateway.started.bridges import Bridges


class Waiting:
    """Closes once all others are closing, too."""

    def __init__(self, others: asyncio.Barrier) -> None:
        self._others = others

    async def close(self) -> None:
        await self._others.wait()


class Failing:
    async def close(self) -> None:
        raise ConnectionError("it is gone")


async def test_all_are_closed_at_once():
    together = asyncio.Barrier(3)

    await asyncio.wait_for(close_all(Waiting(together) for _ in range(3)), 30)

    assert not together.broken


async def test_what_fails_to_close_keeps_no_other_from_closing_and_is_told():
    together = asyncio.Barrier(2)
    things = [Waiting(together), Failing(), Waiting(together)]

    with pytest.raises(ConnectionError, match="it is gone"):
        await asyncio.wait_for(close_all(things), 30)


async def test_the_processes_of_single_agents_are_ended_at_once():
    together = asyncio.Barrier(3)
    bridges = Bridges(Waiting(together), {name: Waiting(together) for name in ("ci", "nightly")})

    await asyncio.wait_for(bridges.close(), 30)

    assert not together.broken
