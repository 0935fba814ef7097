"""Two processes on one ledger decide as one would, in whatever order commands reach them."""

import asyncio
import tempfile
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from acme import ADD_MOLE, NOON, PREPARED, Book, ask, assessed, card, charge, click, grant, use
from hypothesis import given, settings
from hypothesis import strategies as st
from open_ledgers import Clock, open_ledger

from ledger.deciding.state import State
from ledger.events.envelopes import Command, Recorded
from ledger.ledger import Ledger
from ledger.lives.agents import RevokeAgent
from ledger.lives.calls import CompleteCall, PresumeLost
from ledger.lives.deadlines_due import ExpireApproval, ExpireGrant
from ledger.lives.freezes import BeginFreeze, EndFreeze, ExpireFreeze
from ledger.lives.grants import RevokeGrant
from policies.deciding.freezes import Frozen
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

CALLS = ("call_1", "call_2", "call_3")
APPROVALS = ("apr_1", "apr_2", "apr_3")
UNWILLING = 7
UNLIMITED = 3
PEOPLE = ("alice", "bob", "cat", "eve")


TAKES = (charge(),)
"""What a call adds to a limit of two."""


def completed(call: str, *, sent: bool = True) -> Command:
    return CompleteCall(
        id=f"complete-{call}-{sent}",
        actor="placet:gateway",
        call=call,
        outcome="ok" if sent else "failed",
        duration_ms=1,
        size=1,
        sent=sent,
    )


def asks(number: int) -> dict[str, object]:
    """Return what some calls are assessed with: half of them count for the limit."""
    return {"assessment": assessed(charges=TAKES if number > UNLIMITED else ())}


def digests(number: int) -> dict[str, object]:
    return {"digests": (f"k1:{number % 2}",)}


BUILD = {
    "ask": lambda n, _: ask(CALLS[n % 3], **asks(n), **digests(n)),
    "allow": lambda n, _: ask(CALLS[n % 3], assessed(Effect.ALLOW)),
    "take": lambda n, _: ask(CALLS[n % 3], assessed(Effect.ALLOW, charges=TAKES)),
    "fail": lambda n, _: completed(CALLS[n % 3], sent=False),
    "card": lambda n, _: card(APPROVALS[n % 3]),
    "click": lambda n, at: click(
        PEOPLE[n % 4], at, approval=APPROVALS[n % 3], approves=n != UNWILLING
    ),
    "use": lambda n, _: use(CALLS[n % 3], APPROVALS[n % 3], **asks(n), **digests(n)),
    "complete": lambda n, _: completed(CALLS[n % 3]),
    "grant": lambda n, at: grant(PEOPLE[n % 4], at, uses=1 + n % 2),
    "revoke": lambda n, _: RevokeGrant(id=f"revoke-{n}", actor="shell:root", grant="grt_1"),
    "expire": lambda n, _: ExpireApproval(
        id=f"expire:{APPROVALS[n % 3]}", actor="placet:deadlines", approval=APPROVALS[n % 3]
    ),
    "end": lambda _n, _: ExpireGrant(id="expire:grt_1", actor="placet:deadlines", grant="grt_1"),
    "lose": lambda n, _: PresumeLost(id=f"lost:{n}", actor="placet:leases", instances=("one",)),
    "add": lambda n, _: replace(ADD_MOLE, id=f"add-{n}"),
    "remove": lambda n, _: RevokeAgent(id=f"remove-{n}", actor="shell:root", agent="mole"),
    "freeze": lambda n, _: BeginFreeze(
        id=f"freeze-{n}",
        actor="shell:ops",
        freeze=f"frz_{n}",
        over=Frozen.AGENT if n % 2 else Frozen.EVERYTHING,
        name="ci-bot" if n % 2 else "",
        lasting=timedelta(seconds=90) if n % 3 else None,
    ),
    "lift": lambda n, _: EndFreeze(id=f"lift-{n}", actor="shell:root", freeze=f"frz_{n}"),
    "thaw": lambda n, _: ExpireFreeze(id=f"thaw-{n}", actor="placet:x", freeze=f"frz_{n}"),
}
"""Commands by name, of a number that chooses among their variants, and the time."""

OFTEN = ("ask", "ask", "click", "click", "use", "use")


def makes_sense(book: Book, kind: str, number: int) -> bool:
    """Tell whether gateway and bot would send it: no claim without a call, no id used twice."""
    if kind == "grant":
        return book.state.grant("grt_1") is None
    if kind == "freeze":
        return book.state.freeze(f"frz_{number}") is None
    return kind != "use" or book.state.call(CALLS[number % 3]) is not None


STEPS = st.lists(
    st.tuples(
        st.sampled_from((*BUILD, *OFTEN)),
        st.integers(0, 7),
        st.booleans(),
        st.sampled_from((0, 0, 0, 60, 1200)),
    ),
    max_size=25,
)


def names(book: Book, command: Command, at) -> list[str] | None:
    """Return what one process in memory does with a command; None where it refuses."""
    earlier = [each.event.TOPIC for each in book.recorded if each.command_id == command.id]
    if earlier:
        return earlier
    try:
        return [event.TOPIC for event in book.do(command, at)]
    except Refused:
        return None


async def run(steps: list[tuple[str, int, bool, int]], url: str) -> None:
    clock, book = Clock(NOON - timedelta(hours=1)), Book()
    with (
        open_ledger(url, clock) as one,
        open_ledger(url, clock, instance="two", serving=False) as two,
    ):
        for command in PREPARED:
            await one.execute(command)
        clock.advance(3600)
        for kind, number, first, seconds in steps:
            clock.advance(seconds)
            if not makes_sense(book, kind, number):
                continue
            command = BUILD[kind](number, clock.now())
            expected = names(book, command, clock.now())
            assert await told(one if first else two, command) == expected
        assert [facts(each) for each in await one.events()] == [
            facts(each) for each in book.recorded
        ]
        assert await two.differences() == []


async def told(ledger: Ledger, command: Command) -> list[str] | None:
    try:
        return [recorded.event.TOPIC for recorded in await ledger.execute(command)]
    except Refused:
        return None


def facts(recorded: Recorded) -> tuple[object, ...]:
    return (recorded.position, recorded.stream, recorded.version, recorded.at, recorded.event)


@pytest.fixture(scope="module", autouse=True)
def forgetful():
    """Let processes keep one open approval in memory, so that they read others again."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("ledger.writing.loading.State", partial(State, at_hand=1))
        yield


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_two_processes_decide_as_one_would(steps):
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(run(steps, f"sqlite:///{place}/placet.db"))
