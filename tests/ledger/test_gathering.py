"""The writer is woken at once for single callers, and for a crowd when its loop comes to rest."""

import asyncio
import concurrent.futures

from acme import ADD_MOLE

from ledger.writing.gathering import Gathering
from ledger.writing.inbox import Inbox, Waiting


def put(inbox: Inbox) -> None:
    inbox.put(Waiting(ADD_MOLE, 0.0, concurrent.futures.Future()))


def woken(inbox: Inbox) -> bool:
    return not inbox._bell.empty()


def crowded(count: int) -> Inbox:
    """Return an inbox whose last batch had so many commands."""
    inbox = Inbox(1000)
    for _ in range(count):
        put(inbox)
    inbox.take(1000, 0)
    return inbox


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_caller_that_comes_alone_waits_for_nobody():
    inbox = crowded(2)
    put(inbox)

    Gathering(inbox).hurry(asyncio.get_running_loop())

    assert woken(inbox)


async def test_a_crowd_is_taken_together_once_no_more_come(monkeypatch):
    monkeypatch.setattr("ledger.writing.gathering._LONGEST", 60)  # however slow the machine is
    inbox = crowded(3)
    gathering, loop = Gathering(inbox), asyncio.get_running_loop()

    for _ in range(3):
        put(inbox)
        gathering.hurry(loop)
        await turns(2)
        assert not woken(inbox)

    await turns(4)
    assert woken(inbox)


async def test_nobody_waits_for_a_loop_that_never_rests():
    inbox = crowded(3)
    gathering, loop = Gathering(inbox), asyncio.get_running_loop()
    until = loop.time() + 5

    while not woken(inbox) and loop.time() < until:
        put(inbox)
        gathering.hurry(loop)
        await turns(1)

    assert woken(inbox)
    assert loop.time() < until


async def test_a_crowd_that_was_taken_gathers_again():
    inbox = crowded(3)
    gathering, loop = Gathering(inbox), asyncio.get_running_loop()
    for _ in range(3):
        put(inbox)
        gathering.hurry(loop)
    await turns(6)
    inbox.take(10, 0)

    put(inbox)
    gathering.hurry(loop)
    await turns(6)

    assert woken(inbox)


async def test_what_nobody_waits_for_is_taken_within_a_moment():
    inbox = crowded(0)
    gathering, loop = Gathering(inbox), asyncio.get_running_loop()
    put(inbox)

    gathering.take_time(loop)
    assert not woken(inbox)

    while not woken(inbox):
        await asyncio.sleep(0.001)
