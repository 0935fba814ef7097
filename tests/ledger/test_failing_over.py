"""A standby takes over: the ledger goes on there, with everything that was acknowledged."""

import asyncio
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from acme import ask, assessed
from base_backups import base_backup, written
from conftest import postgres
from open_ledgers import open_ledger, prepare, until
from sqlalchemy import make_url

from policies.rules.decisions import Effect


@pytest.fixture
def copy():
    """Give a folder for the files of the standby."""
    place = Path(tempfile.mkdtemp(prefix="placet-postgres-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)  # the server that runs on it takes it away itself


def told(server, statement):
    """Run a statement on a server by itself; return its row, None where it returns none."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        found = connection.execute(statement)
        return found.fetchone() if found.description else None


def host(server) -> str:
    """Return where a server listens."""
    return str(make_url(server.get_uri()).query["host"])


@contextmanager
def standby(primary, copy):
    """Run a standby, for which each commit of its primary waits (the manual, "Standby Server")."""
    base_backup(primary, copy)
    settings = (copy / "postgresql.auto.conf").read_text()
    follows = f"primary_conninfo = 'host={host(primary)} user=postgres'\n"
    written(copy / "postgresql.auto.conf", settings + follows)
    written(copy / "standby.signal", "")
    with postgres(copy) as server:
        told(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        told(primary, "SELECT pg_reload_conf()")
        yield server


async def test_the_ledger_goes_on_at_whichever_can_be_written(copy):
    with postgres() as primary, standby(primary, copy) as other:
        several = f"{host(other)},{host(primary)}"
        with open_ledger(f"postgresql+psycopg://postgres@/postgres?host={several}") as ledger:
            await prepare(ledger)
            await ledger.execute(ask("call_1", assessed(Effect.ALLOW)))

            await asyncio.to_thread(primary.stop)
            await until(lambda: ledger.ready() != [])
            assert told(other, "SELECT pg_promote()") == (True,)
            await until(lambda: ledger.ready() == [])
            (decided, *_) = await ledger.execute(ask("call_2", assessed(Effect.ALLOW)))

            assert decided.event.call == "call_2"
            assert await ledger.call("call_1") is not None
