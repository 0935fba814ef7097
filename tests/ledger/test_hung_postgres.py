"""A PostgreSQL that keeps its connections and says nothing is noticed, and waited for no longer."""

import asyncio
import os
import signal
from contextlib import contextmanager

import pytest
from acme import ask, assessed
from open_ledgers import open_ledger, prepare, until
from sqlalchemy import create_engine, text

from ledger.storage import lines
from ledger.unavailable import LedgerUnavailable
from ledger.writing import opening, writer
from policies.rules.decisions import Effect


@pytest.fixture
def hung(postgres_url):
    """Freeze the processes that serve all connections to the database; new ones are served."""
    engine = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    frozen = []
    others = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    @contextmanager
    def freeze():
        with engine.connect() as connection:
            frozen.extend(connection.execute(text(others)).scalars())
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)

    yield freeze
    engine.dispose()


async def test_a_command_is_refused_and_the_next_is_recorded_on_a_new_connection(
    postgres_url, hung, monkeypatch
):
    monkeypatch.setattr(lines, "PATIENCE", 1.0)
    monkeypatch.setattr(writer, "PATIENCE", 0.5)
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        with hung():
            asked = asyncio.create_task(ledger.execute(ask("call_1", assessed(Effect.ALLOW))))
            await asyncio.sleep(0.8)
            problem = ledger._parts.writer.problem
            with pytest.raises(LedgerUnavailable):
                await asyncio.wait_for(asked, 20)

        assert problem is not None
        assert "its database has kept it waiting" in problem
        await until(lambda: ledger.ready() == [])
        (decided, *_) = await ledger.execute(ask("call_2", assessed(Effect.ALLOW)))
        assert decided.event.call == "call_2"
        assert ledger._parts.writer.problem is None


async def test_it_is_told_for_as_long_as_it_hangs(postgres_url, hung, monkeypatch):
    monkeypatch.setattr(lines, "PATIENCE", 1.0)
    monkeypatch.setattr(writer, "PATIENCE", 0.5)
    said = []
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        with hung():
            asked = asyncio.create_task(ledger.execute(ask("call_1", assessed(Effect.ALLOW))))
            await until(lambda: ledger.ready() != [])
            while not asked.done():
                said.append(ledger.ready())
                await asyncio.sleep(0.01)
            said.append(ledger.ready())

            with pytest.raises(LedgerUnavailable):
                await asked
    assert [] not in said


async def test_a_process_that_cannot_say_that_it_lives_waits_no_longer(
    postgres_url, hung, monkeypatch
):
    monkeypatch.setattr(lines, "PATIENCE", 1.0)
    monkeypatch.setattr(writer, "PATIENCE", 0.5)
    with open_ledger(postgres_url) as ledger, hung():
        await until(lambda: ledger.ready() != [])

        await until(lambda: ledger.ready() == [], 20)  # by itself PostgreSQL's 30 s would count


async def test_closing_does_not_wait_for_it(postgres_url, hung, monkeypatch):
    monkeypatch.setattr(opening, "_LAST_WORD", 1.0)
    ledger = open_ledger(postgres_url)
    await prepare(ledger)
    await ledger.approvals(limit=1)
    with hung():
        asked = asyncio.create_task(ledger.execute(ask("call_1", assessed(Effect.ALLOW))))
        read = asyncio.create_task(ledger.approvals(limit=1))
        await asyncio.sleep(0.3)
        await asyncio.wait_for(asyncio.to_thread(ledger.close), 30)

    for each in await asyncio.gather(asked, read, return_exceptions=True):
        assert isinstance(each, Exception | tuple | list)
