"""A database that comes back without what it acknowledged is noticed; nothing is decided on it."""

import pytest
from acme import ask, assessed, click
from open_ledgers import open_ledger, prepare, real_now, until
from sqlalchemy import text

from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect
from policies.values.refusals import Refused


def lose(ledger, count: int) -> None:
    """Take away the last events, as a failover to a server does that had not received them."""
    with ledger._parts.database.write() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE ledger_head SET position = position - :n"), {"n": count})
        gone = "DELETE FROM ledger_event WHERE position > (SELECT position FROM ledger_head)"
        connection.execute(text(gone))


async def test_it_is_told_and_nothing_is_decided_until_a_restart(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        for number in range(4):
            await ledger.execute(ask(f"call_{number}", assessed(Effect.ALLOW)))
        assert ledger.ready() == []
        lose(ledger, 3)

        await until(lambda: any("had reached" in each for each in ledger.ready()))
        with pytest.raises(LedgerUnavailable, match="had reached"):
            await ledger.execute(ask("call_5", assessed(Effect.ALLOW)))

    with open_ledger(postgres_url, instance="two") as ledger:
        (decided, *_) = await ledger.execute(ask("call_5", assessed(Effect.ALLOW)))
        assert decided.event.call == "call_5"


async def test_it_is_noticed_by_whoever_decides_next(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", assessed(Effect.ALLOW)))
        await ledger.execute(ask("call_2", assessed(Effect.ALLOW)))
        lose(ledger, 1)

        with pytest.raises(LedgerUnavailable, match="had reached"):
            await ledger.execute(ask("call_3", assessed(Effect.ALLOW)))


async def test_it_stays_so_where_another_replica_has_brought_the_history_on(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        for number in range(4):
            await ledger.execute(ask(f"call_{number}", assessed(Effect.ALLOW)))
        lose(ledger, 3)
        with open_ledger(postgres_url, instance="two") as other:
            for number in range(5, 10):
                await other.execute(ask(f"call_{number}", assessed(Effect.ALLOW)))

            await until(lambda: any("another event is at" in each for each in ledger.ready()))
            with pytest.raises(LedgerUnavailable, match="another event is at"):
                await ledger.execute(ask("call_10", assessed(Effect.ALLOW)))


async def test_no_approval_counts_that_was_given_in_what_is_lost(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1"))
        await ledger.execute(click("bob", at=real_now()))
        lose(ledger, 2)
        with open_ledger(postgres_url, instance="two") as other:
            for number in range(2, 6):
                await other.execute(ask(f"call_{number}", assessed(Effect.ALLOW)))

        with pytest.raises(LedgerUnavailable, match="another event is at"):
            await ledger.execute(ask("call_6"))


async def test_events_count_of_others_that_a_command_met_which_caused_none(
    postgres_url, monkeypatch
):
    with (
        open_ledger(postgres_url) as ledger,
        open_ledger(postgres_url, instance="two") as other,
    ):
        await prepare(ledger)
        parts = ledger._parts
        unseen = lambda: (parts.announcer.position, None)  # noqa: E731  nothing is noticed besides
        monkeypatch.setattr(parts.writer._settler, "look", unseen)
        await other.execute(ask("call_1", assessed(Effect.ALLOW)))
        with pytest.raises(Refused):
            await ledger.execute(click("bob", at=real_now()))
        lose(other, 1)
        with open_ledger(postgres_url, instance="three") as third:
            await third.execute(ask("call_2", assessed(Effect.ALLOW)))

        with pytest.raises(LedgerUnavailable, match="another event is at"):
            await ledger.execute(ask("call_3", assessed(Effect.ALLOW)))


async def test_it_is_told_where_they_go_while_they_are_read(postgres_url, monkeypatch):
    with (
        open_ledger(postgres_url) as ledger,
        open_ledger(postgres_url, instance="two") as other,
    ):
        await prepare(ledger)
        ledger.observe(lambda _recorded: None)
        announcer = ledger._parts.announcer
        read = announcer._read

        def losing(*asked):
            monkeypatch.setattr(announcer, "_read", read)
            lose(other, 1)
            return read(*asked)

        monkeypatch.setattr(announcer, "_read", losing)
        await other.execute(ask("call_1", assessed(Effect.ALLOW)))

        await until(lambda: any("had reached" in each for each in ledger.ready()))
