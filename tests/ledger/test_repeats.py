"""A request says of an identical call that was sent before, and of which nobody heard again."""

import pytest
from acme import ask, click, use
from open_ledgers import open_ledger, prepare, real_now

from ledger.events.events import ApprovalRequested
from ledger.ledger import Ledger
from ledger.lives.calls import CompleteCall, PresumeLost


async def sent(ledger: Ledger) -> None:
    """Have `call_1` asked for, approved and sent."""
    await prepare(ledger)
    await ledger.execute(ask())
    await ledger.execute(click("bob", real_now()))
    await ledger.execute(use())


async def requested(ledger: Ledger, call: str, **changes: object) -> ApprovalRequested:
    """Ask for another call, and return the request."""
    events = [each.event for each in await ledger.execute(ask(call, **changes))]
    return next(each for each in events if isinstance(each, ApprovalRequested))


def lost() -> PresumeLost:
    return PresumeLost(id="lost", actor="placet:leases", instances=("one",))


async def test_a_request_names_the_identical_call_that_may_have_run(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await sent(ledger)
        await ledger.execute(lost())

        assert (await requested(ledger, "call_2")).repeats == "call_1"


async def test_other_arguments_repeat_nothing(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await sent(ledger)
        await ledger.execute(lost())

        assert (await requested(ledger, "call_2", digests=("k1:" + "d2" * 32,))).repeats is None


@pytest.mark.parametrize("unsure", [False, True])
async def test_a_call_that_came_back_after_all_is_repeated_by_nobody(sqlite_url, unsure):
    done = CompleteCall(
        id="done", actor="placet:gateway", call="call_1", outcome="ok", duration_ms=1, size=1
    )
    with open_ledger(sqlite_url) as ledger:
        await sent(ledger)
        if unsure:
            await ledger.execute(lost())
        await ledger.execute(done)

        assert (await requested(ledger, "call_2")).repeats is None
