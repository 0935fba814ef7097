"""When a server is asked for its tools again."""

import asyncio

import pytest

from gateway.tools.attention import Changes, Probes
from gateway.upstreams import UpstreamFailed


async def heard(*steps):
    for step in steps:
        if isinstance(step, Exception):
            raise step
        await step.wait()
        yield


async def test_many_changes_while_nobody_looks_are_one():
    now = asyncio.Event()
    now.set()
    async with Changes(heard(now, now, now)) as changes:
        while changes.ended_at is None:
            await asyncio.sleep(0)

        assert await changes.within(0.01)
        assert not await changes.within(0.01)


async def test_what_cannot_be_listened_to_is_said():
    async with Changes(heard(UpstreamFailed("it broke off", sent=True))) as changes:
        with pytest.raises(UpstreamFailed, match="broke off"):
            await changes.within(60)


async def test_leaving_ends_the_listening():
    never = asyncio.Event()
    async with Changes(heard(never)) as changes:
        assert not await changes.within(0.01)

    assert changes._hearing.cancelled()


def test_a_server_that_ails_is_asked_less_and_less_often():
    now = 0.0
    probes = Probes(lambda: now, 5, 60)
    asked = []
    for second in range(300):
        now = float(second)
        if probes.due(ails=second >= 10):
            asked.append(second)

    assert asked == [14, 24, 44, 84, 144, 204, 264]


def test_a_server_that_is_well_again_is_asked_soon_the_next_time():
    now = 0.0
    probes = Probes(lambda: now, 5, 60)
    for second in range(100):
        now = float(second)
        probes.due(ails=True)

    assert not probes.due(ails=False)
    now = 105.0
    assert probes.due(ails=True)
