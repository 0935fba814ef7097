"""Alarms ring at their time, each for itself, and one timer does for all."""

import asyncio

import pytest

from gateway.alarms import Alarm, Alarms


class Noting(Alarm):
    """Notes when it rang."""

    def __init__(self, name, rung, *, fails=False):
        super().__init__()
        self.name, self.rung, self.fails = name, rung, fails

    def ring(self):
        self.rung.append((self.name, asyncio.get_running_loop().time() >= self.due))
        if self.fails:
            raise ValueError(self.name)


@pytest.fixture
def rung():
    return []


async def some(rung, count):
    """Wait until so many have rung."""
    async with asyncio.timeout(30):
        while len(rung) < count:
            await asyncio.sleep(0.001)


async def test_alarms_ring_in_the_order_in_which_they_are_due_and_none_early(rung):
    alarms, now = Alarms(), asyncio.get_running_loop().time()
    for name, seconds in [("b", 0.02), ("c", 0.0304), ("a", 0.01), ("at once", 0), ("past", -1)]:
        alarms.set(Noting(name, rung), now + seconds)

    await some(rung, 5)

    assert rung == [(name, True) for name in ("past", "at once", "a", "b", "c")]


async def test_one_that_is_cancelled_does_not_ring(rung):
    alarms, now = Alarms(), asyncio.get_running_loop().time()
    known = {name: Noting(name, rung) for name in ("first", "second", "third", "last")}
    for alarm in known.values():
        alarms.set(alarm, now + 0.01)
    alarms.set(known["last"], now + 5)  # it is set already

    for name in ("first", "third", "third"):
        alarms.cancel(known[name])
    alarms.cancel(Noting("never set", rung))
    await some(rung, 2)

    assert sorted(rung) == [("last", True), ("second", True)]


async def test_one_may_be_set_again_once_it_has_rung_and_by_another_that_rings(rung):
    alarms, loop = Alarms(), asyncio.get_running_loop()

    class Again(Noting):
        def ring(self):
            super().ring()
            if len(rung) < 3:
                alarms.set(self, loop.time() + 0.001)
            else:
                alarms.set(Noting("other", rung), loop.time())

    alarms.set(Again("again", rung), loop.time())
    await some(rung, 4)

    assert rung == [*[("again", True)] * 3, ("other", True)]


async def test_one_that_fails_keeps_no_other_from_ringing(rung):
    loop, told = asyncio.get_running_loop(), []
    loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
    alarms, now = Alarms(), loop.time()
    alarms.set(Noting("broken", rung, fails=True), now)
    alarms.set(Noting("fine", rung), now + 0.001)

    await some(rung, 2)

    assert rung == [("broken", True), ("fine", True)]
    assert told == ["broken"]


async def test_a_thousand_take_one_timer_and_none_is_left_of_them(rung, monkeypatch):
    alarms, loop, timers = Alarms(), asyncio.get_running_loop(), []
    call_at = loop.call_at
    monkeypatch.setattr(
        loop, "call_at", lambda *given: timers.append(call_at(*given)) or timers[-1]
    )
    many = [Noting(str(number), rung) for number in range(1000)]

    for number, alarm in enumerate(many):
        alarms.set(alarm, loop.time() + 5 + number / 1000)
    set_by_then = len(timers)
    for alarm in many:
        alarms.cancel(alarm)

    assert set_by_then == 1
    assert all(timer.cancelled() for timer in timers)
