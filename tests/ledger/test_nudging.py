"""What is planned for a question that waits is done once, whoever watches and whoever dies."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import DIRECTORY, ask, assessed, click
from open_ledgers import Clock, open_ledger, prepare

from ledger.watching.nudging import Nudges
from policies.people.people import Directory

PLATFORM = replace(DIRECTORY.teams["platform"], escalate_to="security")
ESCALATING = Directory(
    DIRECTORY.people,
    {**DIRECTORY.teams, "platform": PLATFORM},
    DIRECTORY.agents,
    DIRECTORY.server_teams,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(sqlite_url, clock):
    with open_ledger(sqlite_url, clock, directory=ESCALATING) as opened:
        await prepare(opened)
        yield opened


async def nudges(ledger) -> Nudges:
    watching = Nudges(ledger)
    await watching.start()
    return watching


async def topics(ledger) -> list[str]:
    recorded = await ledger.events(stream="approval-apr_1")
    return [one.event.TOPIC for one in recorded if one.actor == "placet:deadlines"]


async def test_two_that_watch_and_one_that_comes_later_remind_and_escalate_once(
    ledger, clock
) -> None:
    one, other = await nudges(ledger), await nudges(ledger)
    await ledger.execute(ask())
    await one.tick()
    await other.tick()

    clock.advance(15 * 60)
    for watching in (one, other, one):
        await watching.tick()
    late = await nudges(ledger)
    await late.tick()

    assert await topics(ledger) == ["ApprovalReminded", "ApprovalEscalated"]


async def test_what_came_due_while_nobody_watched_is_done_at_the_first_tick(ledger, clock) -> None:
    await ledger.execute(ask(assessment=assessed(expires_in=timedelta(hours=4))))

    clock.advance(3 * 3_600)
    watching = await nudges(ledger)
    await watching.tick()

    assert await topics(ledger) == ["ApprovalReminded", "ApprovalEscalated"]


async def test_nothing_is_done_for_what_was_decided(ledger, clock) -> None:
    watching = await nudges(ledger)
    await ledger.execute(ask())
    await watching.tick()
    await ledger.execute(click("bob", await ledger.now()))

    clock.advance(15 * 60)
    await watching.tick()
    await watching.tick()

    assert await topics(ledger) == []
