"""The contract of the ledger, the same on both databases."""

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from acme import ADD_MOLE, PREPARED, WRITE_FILE, ask, assessed, card, click, grant, use
from eventsourcing.persistence import StoredEvent
from open_ledgers import Clock, open_ledger, prepare, until
from sqlalchemy import text

from ledger.deciding.claims import AlreadyUsed
from ledger.events.envelopes import Command
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CallStatus, CompleteCall
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.tools import SeeTools
from ledger.storage.recorder import LedgerRecorder
from ledger.unavailable import LedgerUnavailable, NotRecorded
from policies.rules.decisions import Effect
from policies.values.refusals import Refused


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(ledger_url, clock) -> AsyncIterator[Ledger]:
    with open_ledger(ledger_url, clock) as opened:
        await prepare(opened)
        yield opened


@dataclass(frozen=True, kw_only=True)
class Nonsense(Command):
    """A command that nothing knows."""


def allowed(call: str) -> Command:
    return ask(call, assessed(Effect.ALLOW))


async def asked_and_given(ledger: Ledger) -> None:
    await ledger.execute(ask())
    await ledger.execute(card())
    await ledger.execute(click("bob", await ledger.now()))


async def test_what_execute_returns_is_in_the_history(ledger):
    (decided,) = await ledger.execute(allowed("call_1"))

    assert (decided.position, decided.stream, decided.version) == (3, "call-call_1", 1)
    assert (decided.actor, decided.command_id) == ("agent:ci-bot", "decide-call_1")
    assert (await ledger.events(after=2)) == [decided]


async def test_positions_have_no_gaps_and_times_never_go_back(ledger):
    await asyncio.gather(*(ledger.execute(allowed(f"call_{n}")) for n in range(50)))

    events = await ledger.events()
    assert [event.position for event in events] == list(range(1, 53))
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_a_refusal_is_raised_and_leaves_nothing(ledger):
    with pytest.raises(Refused, match="there is no approval `apr_9`"):
        await ledger.execute(click("bob", await ledger.now(), approval="apr_9"))

    assert len(await ledger.events()) == 2


async def test_a_command_sent_again_returns_its_first_events(ledger):
    first = await ledger.execute(allowed("call_1"))
    await ledger.execute(allowed("call_2"))

    again = await ledger.execute(allowed("call_1"))

    assert again == first
    assert len(await ledger.events()) == 4


async def test_a_running_call_that_is_sent_again_disturbs_no_other(ledger, caplog):
    caplog.set_level("INFO")
    first = await ledger.execute(allowed("call_1"))

    again, other = await asyncio.gather(
        ledger.execute(allowed("call_1")), ledger.execute(allowed("call_2"))
    )

    assert again == first
    assert other[0].event.call == "call_2"
    assert [line for line in caplog.messages if "settled again" in line] == []


async def test_a_command_sent_twice_at_once_is_recorded_once(ledger):
    outcomes = await asyncio.gather(*(ledger.execute(allowed("call_1")) for _ in range(20)))

    assert {events[0].position for events in outcomes} == {3}
    assert len(await ledger.events()) == 3


async def test_a_command_sent_again_by_another_process_returns_its_first_events(
    ledger, ledger_url, clock
):
    first = await ledger.execute(ADD_MOLE)

    with open_ledger(ledger_url, clock, instance="two", serving=False) as other:
        again = await other.execute(ADD_MOLE)

    assert again == first


async def test_a_command_that_would_be_refused_now_still_returns_its_first_events(ledger):
    await asked_and_given(ledger)
    first = await ledger.execute(use())

    again = await ledger.execute(use())

    assert again == first
    with pytest.raises(AlreadyUsed):
        await ledger.execute(use("call_2"))


async def test_a_command_that_had_nothing_to_do_is_decided_anew_when_it_comes_again(
    sqlite_url,
):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        expire = ExpireApproval(id="expire:apr_1", actor="placet:deadlines", approval="apr_1")

        assert await ledger.execute(expire) == ()
        clock.advance(31 * 60)
        (expired,) = await ledger.execute(expire)

        assert expired.event.TOPIC == "ApprovalExpired"


async def test_one_claim_of_many_wins(ledger):
    for number in range(1, 21):
        await ledger.execute(ask(f"call_{number}"))
    await ledger.execute(click("bob", await ledger.now()))

    outcomes = await asyncio.gather(
        *(ledger.execute(use(f"call_{number}")) for number in range(1, 21)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyUsed) for outcome in outcomes) == 19


async def test_a_bug_in_one_command_fails_that_command_alone(ledger):
    outcomes = await asyncio.gather(
        ledger.execute(allowed("call_1")),
        ledger.execute(Nonsense(id="n", actor="placet:test")),
        ledger.execute(allowed("call_2")),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], TypeError)
    assert len(await ledger.events()) == 4


@pytest.mark.parametrize(
    "poison",
    [
        replace(ADD_MOLE, agent="mo\ud800le"),
        replace(ADD_MOLE, agent="mo\0le"),
        replace(ADD_MOLE, agent="m" * 5000),
        replace(ADD_MOLE, key_sha256="\udfff"),
        replace(ADD_MOLE, actor="shell:\ud800"),
        replace(ADD_MOLE, id=""),
    ],
)
async def test_a_command_that_cannot_be_stored_fails_alone(ledger, poison):

    outcomes = await asyncio.gather(
        ledger.execute(allowed("call_1")),
        ledger.execute(poison),
        ledger.execute(allowed("call_2")),
        return_exceptions=True,
    )

    assert isinstance(outcomes[1], Exception)
    assert [type(outcomes[0]), type(outcomes[2])] == [tuple, tuple]
    assert len(await ledger.events()) == 4
    assert await ledger.differences() == []


async def test_a_call_sent_with_two_command_ids_is_decided_once(ledger):
    await ledger.execute(allowed("call_1"))

    with pytest.raises(Exception, match="call_1"):
        await ledger.execute(replace(allowed("call_1"), id="another"))

    assert len(await ledger.events()) == 3


async def test_text_with_a_nul_is_kept(ledger):
    definition = '{"name":"write_file","description":"a\\u0000b"}'
    tool = replace(WRITE_FILE, definition=definition, hash="a\0b", description="a\0b")

    await ledger.execute(SeeTools(id="see", actor="placet:gateway", server="files", tools=(tool,)))

    (seen,) = await ledger.tools("files")
    assert seen.hash == "a\0b"
    assert await ledger.differences() == []


async def test_observers_hear_every_event_once_and_in_order(ledger):
    heard = []
    ledger.observe(heard.extend)

    recorded = await asyncio.gather(*(ledger.execute(allowed(f"call_{n}")) for n in range(30)))
    await until(lambda: len(heard) >= 30)

    assert heard == sorted((e for events in recorded for e in events), key=lambda e: e.position)


async def test_observers_hear_what_other_processes_record(ledger, ledger_url, clock):
    heard = []
    ledger.observe(heard.extend)

    with open_ledger(ledger_url, clock, instance="two", serving=False) as other:
        await ledger.execute(allowed("call_1"))
        await other.execute(allowed("call_2"))
        await ledger.execute(allowed("call_3"))
        await other.execute(allowed("call_4"))
    await until(lambda: len(heard) >= 4)

    assert [recorded.position for recorded in heard] == [3, 4, 5, 6]


async def test_an_observer_that_left_hears_nothing_more(ledger):
    heard, others = [], []
    leave = ledger.observe(heard.extend)
    ledger.observe(others.extend)

    leave()
    await ledger.execute(allowed("call_1"))
    await until(lambda: len(others) == 1)

    assert heard == []


async def test_an_observer_that_fails_keeps_nobody_else_waiting(ledger):
    heard = []

    def fail(_: object) -> None:
        raise ValueError

    ledger.observe(fail)
    ledger.observe(heard.extend)
    await ledger.execute(allowed("call_1"))

    await until(lambda: len(heard) == 1)


async def test_reads_answer_from_the_projections(ledger):
    await asked_and_given(ledger)
    await ledger.execute(grant(at=await ledger.now()))
    await ledger.execute(ADD_MOLE)

    approval = await ledger.approval("apr_1")
    call = await ledger.call("call_1")

    assert approval is not None
    assert approval.status is ApprovalStatus.APPROVED
    assert call is not None
    assert call.status is CallStatus.WAITING
    assert [each.id for each in await ledger.approvals(ApprovalStatus.APPROVED)] == ["apr_1"]
    assert await ledger.approvals(ApprovalStatus.PENDING) == []
    assert [each.id for each in await ledger.grants(live=True)] == ["grt_1"]
    assert [each.id for each in await ledger.agents()] == ["mole"]
    assert [each.id for each in await ledger.tools("files")] == ["files/write_file"]
    assert (await ledger.policy_in_force()).digest == "5f" * 32
    assert [each.id for each in await ledger.deadlines()] == ["apr_1", "grt_1"]
    assert (await ledger.approval("apr_9"), await ledger.grant("grt_9")) == (None, None)


async def test_a_story_is_read_by_its_approval(ledger):
    await asked_and_given(ledger)
    await ledger.execute(use())
    await ledger.execute(allowed("call_2"))
    await ledger.execute(
        CompleteCall(id="c", actor="placet:gateway", call="call_1", outcome="ok",
                     duration_ms=1, size=2)
    )  # fmt: skip

    story = await ledger.events(correlation="apr_1")

    assert [recorded.event.TOPIC for recorded in story] == [
        "CallDecided",
        "ApprovalRequested",
        "CardPosted",
        "VoteCast",
        "ApprovalGiven",
        "ApprovalDispatched",
        "CallCompleted",
    ]


async def test_a_fresh_process_decides_as_the_old_one_would(ledger_url, clock):
    with open_ledger(ledger_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(ask())
        await ledger.execute(card())

    with open_ledger(ledger_url, clock) as ledger:
        await ledger.execute(click("bob", await ledger.now()))
        (dispatched,) = await ledger.execute(use())

        assert dispatched.version == 5
        assert await ledger.differences() == []


async def test_rebuilding_from_the_beginning_finds_what_was_changed_behind_its_back(ledger):
    await asked_and_given(ledger)
    assert await ledger.differences() == []

    with ledger._parts.database.write() as connection:
        connection.execute(text("UPDATE projected_approval SET status = 'denied'"))
        connection.execute(text("DELETE FROM projected_tool"))

    assert [(each.kind, each.id) for each in await ledger.differences()] == [
        ("approval", "apr_1"),
        ("tool", "files/write_file"),
    ]


async def test_a_command_that_waited_too_long_is_refused(
    ledger_url, clock, monkeypatch, own_limits
):
    monkeypatch.setattr(
        "ledger.writing.writer.PATIENCE", own_limits["ledger.writing.writer.PATIENCE"]
    )
    reached, go_on = threading.Event(), threading.Event()

    def reach(point: str) -> None:
        if point == "before-commit" and ledger_is_slow:
            reached.set()
            go_on.wait(30)

    ledger_is_slow = False
    with open_ledger(ledger_url, clock, reach=reach) as ledger:
        await prepare(ledger)
        ledger_is_slow = True
        first = asyncio.create_task(ledger.execute(allowed("call_1")))
        await until(reached.is_set)
        late = asyncio.create_task(ledger.execute(allowed("call_2")))
        await asyncio.sleep(0)
        clock.advance(6)
        go_on.set()

        assert len(await first) == 1
        with pytest.raises(NotRecorded, match="busy"):
            await late
        assert len(await ledger.events()) == 3


async def test_a_full_inbox_refuses_at_once(ledger_url, clock):
    reached, go_on = threading.Event(), threading.Event()

    def reach(point: str) -> None:
        if point == "before-commit":
            reached.set()
            go_on.wait(30)

    with open_ledger(ledger_url, clock, reach=reach, capacity=1) as ledger:
        first = asyncio.create_task(ledger.execute(PREPARED[0]))
        await until(reached.is_set)
        second = asyncio.create_task(ledger.execute(PREPARED[1]))
        await asyncio.sleep(0)

        with pytest.raises(NotRecorded, match="busy"):
            await ledger.execute(ADD_MOLE)

        go_on.set()
        assert [len(await first), len(await second)] == [1, 1]


async def test_what_was_accepted_is_recorded_before_the_ledger_closes(ledger_url, clock):
    ledger = open_ledger(ledger_url, clock)
    tasks = [asyncio.create_task(ledger.execute(command)) for command in PREPARED]
    await asyncio.sleep(0)

    await asyncio.to_thread(ledger.close)

    assert [len(await task) for task in tasks] == [1, 1]
    with pytest.raises(LedgerUnavailable):
        await ledger.execute(ADD_MOLE)
    with pytest.raises(LedgerUnavailable):
        await ledger.agents()
    assert ledger.ready() == ["the ledger is closed"]


async def test_a_caller_that_went_away_before_the_decision_records_nothing(ledger_url, clock):
    reached, go_on = threading.Event(), threading.Event()

    def reach(point: str) -> None:
        if point == "before-commit":
            reached.set()
            go_on.wait(30)

    with open_ledger(ledger_url, clock, reach=reach) as ledger:
        first = asyncio.create_task(ledger.execute(PREPARED[0]))
        await until(reached.is_set)
        gone = asyncio.create_task(ledger.execute(PREPARED[1]))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await first

        assert [each.event.TOPIC for each in await ledger.events()] == ["PolicyActivated"]


async def test_nothing_is_decided_on_events_that_cannot_be_read(ledger_url, clock, caplog):
    with open_ledger(ledger_url, clock) as ledger:
        await prepare(ledger)
        ledger.observe(lambda _: None)
        newer = StoredEvent("freeze-1", 1, "EverythingFrozen", b"{}")
        LedgerRecorder(ledger._parts.database, clock.now).insert_events([newer])

        with pytest.raises(LedgerUnavailable, match="run the newer one"):
            await ledger.execute(allowed("call_1"))
        with pytest.raises(LedgerUnavailable, match="run the newer one"):
            await ledger.execute(allowed("call_2"))
        await until(lambda: "cannot read" in "".join(ledger.ready()))
        for _ in range(4):
            clock.advance(1.5)
            ledger._parts.inbox.wake()
            await until(lambda: ledger._parts.writer._next_tick > clock.monotonic())
    told = [each for each in caplog.records if each.exc_info]
    assert len(told) <= 2  # by a look and by a batch, and not with each second


async def test_a_writer_that_stopped_by_a_bug_refuses_everything(ledger_url, clock):
    def reach(point: str) -> None:
        if point == "before-commit":
            raise SystemExit

    with open_ledger(ledger_url, clock, reach=reach) as ledger:
        with pytest.raises(LedgerUnavailable):
            await ledger.execute(PREPARED[0])
        with pytest.raises(LedgerUnavailable):
            await ledger.execute(PREPARED[1])

        assert "its writer stopped" in ledger.ready()[0]


async def test_a_lost_commit_acknowledgement_is_found_again(ledger_url, clock):
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 (only this test raises it)

    losses = []

    def reach(point: str) -> None:
        if point == "after-commit" and not losses:
            losses.append(point)
            raise OperationalError("COMMIT", {}, OSError("gone"), connection_invalidated=True)

    with open_ledger(ledger_url, clock, reach=reach) as ledger:
        (activated,) = await ledger.execute(PREPARED[0])

        assert activated.position == 1
        assert await ledger.events() == [activated]
        assert ledger.ready() == []


async def test_a_policy_put_in_force_by_another_process_counts_for_the_next_call(
    ledger, ledger_url, clock
):
    with open_ledger(ledger_url, clock, instance="two", serving=False) as other:
        await other.execute(
            ActivatePolicy(id="p2", actor="shell:root", digest="aa", text="t", source="s")
        )

    with pytest.raises(Refused, match="the policy changed"):
        await ledger.execute(allowed("call_1"))


async def test_whoever_is_told_of_a_noted_command_and_fails_keeps_nobody_waiting(ledger_url, clock):
    told = []

    def fail(outcome):
        told.append(outcome)
        raise LookupError

    with open_ledger(ledger_url, clock) as ledger:
        ledger.note(PREPARED[0], fail)
        ledger.note(replace(ADD_MOLE, id=""), told.append)

        assert len(await ledger.execute(PREPARED[1])) == 1

    assert [len(told[0]), type(told[1]).__name__] == [1, "Unstorable"]
