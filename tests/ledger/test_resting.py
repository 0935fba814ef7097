"""A ledger that rests keeps nothing of what it was asked, and loses nothing that is asked then."""

import asyncio
import sqlite3
from contextlib import contextmanager

import pytest
from acme import ask, assessed, click
from open_ledgers import open_ledger, prepare, until
from sqlalchemy import event

from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect


def allowed(call: str):
    return ask(call, assessed(Effect.ALLOW))


def driver(ledger):
    """Return the driver's connection that the writer has now."""
    with ledger._parts.database.turn:
        return ledger._parts.writer._settler._own.connection().connection.driver_connection


def closed(connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


async def rested(ledger) -> None:
    """Let a ledger rest, and wait until its writer has done so."""
    ledger.rest()
    await until(lambda: not ledger._parts.writer._resting)


@contextmanager
def unreachable(ledger):
    """Let the writer open no connection."""

    def refuse(*_: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    engine = ledger._parts.database.settling
    event.listen(engine, "do_connect", refuse)
    yield
    event.remove(engine, "do_connect", refuse)


async def test_the_writer_goes_on_with_a_new_connection_and_what_it_knows(sqlite_url, tmp_path):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1"))
        old, known = driver(ledger), ledger._parts.writer._settler._state

        await rested(ledger)

        assert closed(old)
        assert not closed(driver(ledger))
        assert ledger._parts.writer._settler._state is known
        assert (tmp_path / "placet.db-wal").stat().st_size > 450 * 4096
        await ledger.execute(click("bob"))
        assert await ledger.differences() == []


async def test_no_engine_keeps_what_it_compiled(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.agents()
        engines = ledger._parts.database._engines
        assert any(len(engine._compiled_cache) for engine in engines)

        ledger._parts.database.rest()

        assert not any(len(engine._compiled_cache) for engine in engines)


async def test_what_is_asked_while_the_ledger_rests_is_recorded_once(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        first = len(await ledger.events())

        async def one(number: int) -> None:
            await asyncio.sleep(number / 2000)
            if number % 10 == 0:
                ledger.rest()
            await ledger.execute(allowed(f"call_{number}"))

        await asyncio.gather(*map(one, range(300)))

        events = [recorded.event for recorded in (await ledger.events())[first:]]
        assert sorted(each.call for each in events) == sorted(f"call_{n}" for n in range(300))
        await rested(ledger)
        assert await ledger.differences() == []


async def test_a_writer_that_finds_no_new_connection_is_well_again_afterwards(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        with unreachable(ledger):
            ledger.rest()
            await until(lambda: ledger.ready() != [])
            with pytest.raises(LedgerUnavailable):
                await ledger.execute(allowed("call_1"))

        await until(lambda: ledger.ready() == [])
        await ledger.execute(allowed("call_2"))
        assert await ledger.differences() == []


async def test_a_file_that_was_moved_away_is_not_let_go_of(sqlite_url, tmp_path):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        old = driver(ledger)
        (tmp_path / "placet.db").rename(tmp_path / "elsewhere.db")

        ledger._parts.writer._settler.rest()

        assert driver(ledger) is old
        (tmp_path / "elsewhere.db").rename(tmp_path / "placet.db")
