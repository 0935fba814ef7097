"""A process that reads later what others recorded knows what they know."""

from dataclasses import replace

import pytest
from acme import NOON, PREPARED, ask, assessed, card, charge, click, use
from open_ledgers import Clock, open_ledger

from ledger.events.events import CallDecided
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CompleteCall, PresumeLost
from ledger.storage.history import History
from policies.rules.decisions import Effect

ALLOWED = assessed(Effect.ALLOW, charges=(charge(),))
HELD = assessed(charges=(charge(),))
MORE = 40
"""More open approvals than a process keeps in memory."""


@pytest.fixture
async def two(ledger_url):
    """Two processes on one ledger; the second has heard of whatever came before."""
    clock = Clock(NOON)
    with (
        open_ledger(ledger_url, clock) as one,
        open_ledger(ledger_url, clock, instance="two", serving=False) as other,
    ):
        for command in PREPARED:
            await one.execute(command)
        yield one, other


def bound(number):
    return {"digests": (f"k1:{number}",)}


async def asked(ledger, number, assessment=HELD):
    """Have a call decided, and return its decision and what is asked of people."""
    events = await ledger.execute(ask(f"call_{number}", assessment, **bound(number)))
    return [each.event for each in events]


async def approved(ledger, number):
    """Have people be asked about a call, and say yes; return the approval."""
    _, requested = await asked(ledger, number)
    await voted(ledger, requested.approval, approves=True)
    return requested.approval


async def voted(ledger, approval, *, approves):
    """Have bob answer a card."""
    await ledger.execute(card(approval))
    vote = click("bob", await ledger.now(), approval=approval, approves=approves)
    await ledger.execute(replace(vote, id=f"vote-{approval}"))


def completed(number, *, sent):
    return CompleteCall(
        id=f"complete-{number}",
        actor="placet:gateway",
        call=f"call_{number}",
        outcome="ok" if sent else "failed",
        duration_ms=1,
        size=0,
        sent=sent,
    )


ENDED = completed(0, sent=True)
LOST = PresumeLost(id="lost", actor="placet:leases", instances=("one",))


async def test_what_others_recorded_is_read_in_pages(two, monkeypatch):
    one, other = two
    await asked(other, 300, assessed(Effect.ALLOW))
    for number in range(150):
        await asked(one, number, assessed())
    sizes, after = [], History.after

    def noted(*arguments, **options):
        found = after(*arguments, **options)
        sizes.append(len(found))
        return found

    monkeypatch.setattr(History, "after", noted)
    await asked(other, 200, assessed())

    assert sum(sizes) >= 300
    assert max(sizes) == 100
    assert await other.differences() == []


async def test_what_another_process_lets_through_by_an_approval_counts_for_a_limit(two):
    one, other = two
    approvals = [await approved(one, number) for number in range(2)]
    await asked(other, 10, assessed(Effect.ALLOW))  # by which it hears of the approvals
    for number, approval in enumerate(approvals):
        await one.execute(use(f"call_{number}", approval, HELD, **bound(number)))

    (decided,) = await asked(other, 11, ALLOWED)

    assert isinstance(decided, CallDecided)
    assert decided.effect is Effect.DENY


@pytest.mark.parametrize("before", [ENDED, LOST], ids=["runs", "thought to have run"])
async def test_what_another_process_could_not_send_counts_no_more(two, before):
    one, other = two
    for number in range(2):
        await asked(one, number, ALLOWED)
    await one.execute(before)
    (denied,) = await asked(other, 10, ALLOWED)
    await one.execute(completed(1, sent=False))

    (decided,) = await asked(other, 11, ALLOWED)

    assert (denied.effect, decided.effect) == (Effect.DENY, Effect.ALLOW)


async def test_an_end_by_another_process_is_known_also_of_an_approval_that_left_memory(two):
    one, other = two
    found = [(await asked(one, number, assessed()))[1].approval for number in range(MORE)]
    await asked(other, 100, assessed(Effect.ALLOW))
    await voted(one, found[0], approves=False)

    await asked(other, 101, assessed())
    again = await other.execute(ask("call_again", assessed(), **bound(0)))

    assert again[-1].event.approval not in found
    assert (await other.approval(found[0])).status is ApprovalStatus.DENIED
    state = other._parts.writer._settler._state
    assert found[0] not in [each.id for each in state.open_approvals("ci-bot")]
