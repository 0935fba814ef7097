"""What ends by itself is ended: on time, after a restart, once, whoever else watches."""

import asyncio
from datetime import timedelta

import pytest
from acme import NOON, ask, assessed, card, click, evidence, grant
from open_ledgers import Clock, open_ledger, prepare, until

from ledger.events.delegation_events import DelegationEnded
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.delegations import GiveDelegation
from ledger.lives.grants import GrantStatus, RevokeGrant
from ledger.watching.deadlines import Deadlines

SOON = timedelta(milliseconds=300)


def names(recorded) -> list[str]:
    return [each.event.TOPIC for each in recorded]


@pytest.fixture
async def heard(ledger):
    found = []
    ledger.observe(found.extend)
    return found


@pytest.fixture
async def ledger(ledger_url):
    with open_ledger(ledger_url) as opened:
        await prepare(opened)
        yield opened


@pytest.fixture
async def deadlines(ledger):
    watching = Deadlines(ledger, sweep_seconds=3600)
    await watching.start()
    yield watching
    await watching.stop()


async def test_an_approval_that_nobody_decided_expires_on_time(ledger, deadlines, heard):
    await ledger.execute(ask(assessment=assessed(expires_in=SOON)))

    await until(lambda: "ApprovalExpired" in names(heard))

    expired = heard[-1]
    approval = await ledger.approval("apr_1")
    assert approval is not None
    assert approval.status is ApprovalStatus.EXPIRED
    assert expired.at >= approval.request.expires_at
    assert expired.actor == "placet:deadlines"


async def test_a_delegation_ends_on_time(ledger, deadlines, heard):
    at = await ledger.now()
    await ledger.execute(
        GiveDelegation(
            id="delegate",
            actor="person:bob",
            delegation="dlg_1",
            lasting=SOON,
            evidence=evidence("bob", at),
            delegate=evidence("eve", at),
        )
    )

    await until(lambda: "DelegationEnded" in names(heard))

    assert heard[-1].event == DelegationEnded(delegation="dlg_1", by=None, because="expired")
    assert heard[-1].at >= at + SOON


async def test_an_approval_that_was_not_used_lapses_on_time(ledger, deadlines, heard):
    await ledger.execute(ask(assessment=assessed(use_within=timedelta(seconds=1))))
    await ledger.execute(card())
    await ledger.execute(click("bob", await ledger.now()))

    await until(lambda: "ApprovalLapsed" in names(heard))


async def test_a_grant_ends_on_time(ledger, deadlines, heard):
    await ledger.execute(grant(at=await ledger.now(), lasting=SOON))

    await until(lambda: "GrantExpired" in names(heard))

    ended = await ledger.grant("grt_1")
    assert ended is not None
    assert ended.status is GrantStatus.EXPIRED
    assert await ledger.grants(live=True) == []


async def test_what_has_ended_has_no_timer(ledger, deadlines, heard):
    await ledger.execute(grant(at=await ledger.now()))
    await ledger.execute(ask("call_1", assessed(grantable=False)))
    await until(lambda: len(deadlines._scheduler.get_jobs()) == 4)

    await ledger.execute(RevokeGrant(id="r", actor="shell:root", grant="grt_1"))
    await ledger.execute(click("bob", await ledger.now(), approves=False))

    await until(lambda: [job.id for job in deadlines._scheduler.get_jobs()] == ["nudges", "sweep"])


async def test_what_is_due_in_a_long_time_has_no_timer_yet(ledger):
    watching = Deadlines(ledger, sweep_seconds=5)
    await watching.start()

    await ledger.execute(ask())
    await ledger.execute(grant(at=await ledger.now(), lasting=timedelta(seconds=9)))

    near = {"grant:grt_1", "nudges", "sweep"}
    await until(lambda: {job.id for job in watching._scheduler.get_jobs()} == near)
    await watching.stop()


async def test_the_sweep_makes_a_timer_for_what_has_become_due_soon(ledger, heard):
    watching = Deadlines(ledger, sweep_seconds=0.5)
    await watching.start()

    await ledger.execute(ask(assessment=assessed(expires_in=timedelta(seconds=1.8))))

    await until(lambda: "approval:apr_1" in [job.id for job in watching._scheduler.get_jobs()])
    await until(lambda: "ApprovalExpired" in names(heard))
    await watching.stop()


async def test_what_was_due_while_nobody_watched_ends_at_start(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        await ledger.execute(grant(None, agent="helper"))

    clock = Clock(NOON + timedelta(days=1))
    with open_ledger(sqlite_url, clock) as ledger:
        watching = Deadlines(ledger)
        await watching.start()
        await watching.stop()

        assert names(await ledger.events())[-2:] == ["ApprovalExpired", "GrantExpired"]


async def test_timers_are_made_anew_at_start(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask(assessment=assessed(expires_in=timedelta(seconds=2))))

    with open_ledger(ledger_url) as ledger:
        heard = []
        ledger.observe(heard.extend)
        watching = Deadlines(ledger, sweep_seconds=3600)
        await watching.start()
        await until(lambda: names(heard)[-1:] == ["ApprovalExpired"])
        await watching.stop()


async def test_the_sweep_finds_what_no_timer_knew(ledger, heard):
    watching = Deadlines(ledger, sweep_seconds=0.2)
    await watching.start()
    watching._leave()

    await ledger.execute(ask(assessment=assessed(expires_in=SOON)))

    await until(lambda: "ApprovalExpired" in names(heard))
    await watching.stop()


async def test_two_that_watch_end_a_thing_once(ledger, deadlines, heard):
    second = Deadlines(ledger, sweep_seconds=0.1)
    await second.start()

    await ledger.execute(ask(assessment=assessed(expires_in=SOON)))
    await until(lambda: "ApprovalExpired" in names(heard))
    await second.sweep()
    await deadlines.sweep()
    await second.stop()

    ended = [name for name in names(heard) if name != "ApprovalReminded"]  # between two looks
    assert ended == ["CallDecided", "ApprovalRequested", "ApprovalExpired"]


async def test_hundreds_that_are_due_at_once_all_end(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await asyncio.gather(
            *(ledger.execute(ask(f"call_{n}", digests=(f"k1:{n}",))) for n in range(450))
        )
        clock.advance(3600)
        watching = Deadlines(ledger)
        await watching.start()
        await watching.stop()

        assert await ledger.approvals(ApprovalStatus.PENDING) == []
        assert len(await ledger.approvals(ApprovalStatus.EXPIRED)) == 450
        assert await ledger.differences() == []


async def test_nothing_expires_while_the_clocks_have_parted(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        watching = Deadlines(ledger)
        clock.jump(7200)

        await watching.start()
        await watching.stop()

        assert [each.id for each in await ledger.approvals(ApprovalStatus.PENDING)] == ["apr_1"]


class HeldUp:
    """A ledger that is slow to say which deadlines are due, once Deadlines has started."""

    def __init__(self, ledger) -> None:
        self._ledger = ledger
        self.asked = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._ledger, name)

    async def deadlines(self, **given):
        if given and asyncio.current_task().get_name() != "starting":
            self.asked.set()
            await asyncio.Event().wait()
        return await self._ledger.deadlines(**given)


async def test_a_sweep_that_is_stopped_in_the_middle_is_no_error(ledger, caplog):
    held_up = HeldUp(ledger)
    watching = Deadlines(held_up, sweep_seconds=1)
    await asyncio.create_task(watching.start(), name="starting")
    await held_up.asked.wait()

    await watching.stop()
    await asyncio.sleep(0)

    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
