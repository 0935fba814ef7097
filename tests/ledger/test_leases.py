"""One process at a time holds a role, and the calls of processes that are gone end."""

import asyncio

import pytest
from acme import ask, assessed
from open_ledgers import Clock, open_ledger, prepare, until
from sqlalchemy import text

from ledger.lives.calls import CallStatus, CompleteCall
from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect


async def test_a_role_has_one_holder_until_it_ends(sqlite_url):
    clock = Clock()
    with (
        open_ledger(sqlite_url, clock) as one,
        open_ledger(sqlite_url, clock, instance="two", serving=False) as two,
    ):
        assert await one.lease("courier", 10)
        assert not await two.lease("courier", 10)
        assert await two.lease("sweeper", 10)

        clock.advance(9)
        assert await one.lease("courier", 10)
        clock.advance(9)
        assert not await two.lease("courier", 10)
        clock.advance(2)
        assert await two.lease("courier", 10)
        assert not await one.lease("courier", 10)


async def test_of_many_that_ask_at_once_one_gets_the_role(postgres_url):
    with open_ledger(postgres_url) as one, open_ledger(postgres_url, instance="two") as two:
        for role in range(10):
            taken = await asyncio.gather(
                one.lease(f"role-{role}", 60), two.lease(f"role-{role}", 60)
            )
            assert sorted(taken) == [False, True]


async def test_a_role_ends_by_the_databases_clock(postgres_url):
    with open_ledger(postgres_url) as one, open_ledger(postgres_url, instance="two") as two:
        assert await one.lease("courier", 60)
        with one._parts.database.write() as connection:
            connection.execute(text("UPDATE ledger_lease SET until = until - 61000000"))

        assert await two.lease("courier", 60)


async def test_a_process_that_lives_is_seen_again_and_again(sqlite_url):
    clock = Clock()

    def seen() -> int:
        with ledger._parts.database.reading.connect() as connection:
            return connection.execute(text("SELECT seen_at FROM ledger_instance")).scalar_one()

    with open_ledger(sqlite_url, clock) as ledger:
        first = seen()
        clock.advance(5)

        await until(lambda: seen() == first + 5_000_000)


def long_unseen(ledger):
    """Let the process `two` be seen 11 seconds earlier than it was."""
    with ledger._parts.database.write() as connection:
        connection.execute(
            text("UPDATE ledger_instance SET seen_at = seen_at - 11000000 WHERE id = 'two'")
        )


def watch_for_long(leases, clock):
    """Let a process be seen for as long as it takes to miss others."""
    for _ in range(10):
        clock.advance(1)
        leases.beat()


async def test_calls_of_a_process_that_was_not_seen_end_unknown(postgres_url):
    clock = Clock()
    with (
        open_ledger(postgres_url, monotonic=clock.monotonic) as one,
        open_ledger(postgres_url, instance="two") as two,
    ):
        await prepare(two)
        await two.execute(ask("call_1", assessed(Effect.ALLOW), instance="two"))
        await one.execute(ask("call_2", assessed(Effect.ALLOW)))
        assert await one.presume_lost() == ()

        two._parts.leases.leave = lambda: None  # it is killed: its last sign of life stays
        two.close()
        long_unseen(one)
        watch_for_long(one._parts.leases, clock)

        (lost,) = await one.presume_lost()
        assert (lost.event.TOPIC, lost.event.call) == ("OutcomeUnknown", "call_1")
        assert await one.presume_lost() == ()
        found = await one.call("call_2")
        assert found is not None
        assert found.status is CallStatus.RUNNING


async def test_nobody_is_missed_before_they_could_be_seen(postgres_url):
    clock = Clock()
    with (
        open_ledger(postgres_url, monotonic=clock.monotonic) as one,
        open_ledger(postgres_url, instance="two") as two,
    ):
        await prepare(two)
        await two.execute(ask("call_1", assessed(Effect.ALLOW), instance="two"))
        leases = one._parts.leases
        two._parts.leases.beat = lambda: None  # it comes back later from an outage
        long_unseen(one)
        at_first = leases.lost()
        watch_for_long(leases, clock)
        later = leases.lost()
        clock.advance(6)
        leases.beat()
        after_an_outage = leases.lost(), leases.others()
        watch_for_long(leases, clock)

        assert (at_first, later) == ((), ("two",))
        assert after_an_outage == ((), True)
        assert (leases.lost(), leases.others()) == (("two",), False)


async def test_a_process_that_ends_is_not_waited_for(postgres_url):
    with open_ledger(postgres_url) as one:
        with open_ledger(postgres_url, instance="two"):
            assert await one.others()
        assert not await one.others()


async def test_a_late_completion_supersedes_an_unknown_outcome(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock, instance="first") as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", assessed(Effect.ALLOW), instance="first"))

    with open_ledger(sqlite_url, clock, instance="second") as ledger:
        found = await ledger.call("call_1")
        assert found is not None
        assert found.status is CallStatus.OUTCOME_UNKNOWN

        late = CompleteCall(
            id="late",
            actor="placet:gateway",
            call="call_1",
            outcome="ok",
            duration_ms=20,
            size=3,
        )
        await ledger.execute(late)

        found = await ledger.call("call_1")
        assert found is not None
        assert found.status is CallStatus.COMPLETED


async def test_a_command_beside_the_service_ends_no_calls(sqlite_url):
    clock = Clock()
    with open_ledger(sqlite_url, clock) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", assessed(Effect.ALLOW)))

        with open_ledger(sqlite_url, clock, instance="shell", serving=False):
            found = await ledger.call("call_1")

        assert found is not None
        assert found.status is CallStatus.RUNNING


def test_a_file_with_another_name_is_not_served(sqlite_url, tmp_path):
    with open_ledger(sqlite_url, instance="one"):
        (tmp_path / "hard.db").hardlink_to(tmp_path / "placet.db")

        with pytest.raises(LedgerUnavailable, match=r"hard\.db` has another name"):
            open_ledger(f"sqlite:///{tmp_path}/hard.db", instance="two")

    with pytest.raises(LedgerUnavailable, match="remove one of them"):
        open_ledger(sqlite_url)
    (tmp_path / "hard.db").unlink()
    open_ledger(sqlite_url).close()
