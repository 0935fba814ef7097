"""Old and new versions meet on one database: the newer moves it on once, the older says so."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from acme import ask
from open_ledgers import open_ledger, prepare
from sqlalchemy import text

from ledger.storage import schema
from ledger.storage.databases import connect
from ledger.storage.schema import MIGRATIONS, migrate
from ledger.unavailable import LedgerUnavailable

NEWEST = len(MIGRATIONS)


def at_version(url, version, monkeypatch):
    """Make the tables as the release with that schema made them."""
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:version])
        database = connect(url)
        with database.write() as connection:
            migrate(connection)
        database.close()


def version_of(url):
    database = connect(url)
    with database.reading.connect() as connection:
        version = connection.execute(text("SELECT version FROM ledger_schema")).scalar_one()
    database.close()
    return version


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_a_newer_version_moves_the_tables_of_each_older_one_on(
    sqlite_url, version, monkeypatch
):
    at_version(sqlite_url, version, monkeypatch)

    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        (asked, *_) = await ledger.execute(ask())

    assert asked.position == 3
    assert version_of(sqlite_url) == NEWEST


def test_replicas_of_a_newer_version_that_start_at_once_move_the_tables_on_once(
    ledger_url, monkeypatch
):
    at_version(ledger_url, 1, monkeypatch)
    together = threading.Barrier(4)

    def start(_: int) -> None:
        database = connect(ledger_url)
        together.wait()
        with database.write() as connection:
            migrate(connection)
        database.close()

    with ThreadPoolExecutor(4) as starting:
        assert list(starting.map(start, range(4))) == [None] * 4

    assert version_of(ledger_url) == NEWEST


async def test_an_older_version_that_runs_goes_on_and_does_not_start_again(ledger_url):
    with open_ledger(ledger_url) as running:
        await prepare(running)
        newer = connect(ledger_url)
        with newer.write() as connection:
            connection.execute(text("ALTER TABLE projected_call ADD COLUMN newer BIGINT"))
            connection.execute(text("CREATE TABLE newer (id BIGINT)"))
            connection.execute(text("UPDATE ledger_schema SET version = version + 1"))
        newer.close()

        (asked, *_) = await running.execute(ask())

        assert asked.position == 3
        with pytest.raises(LedgerUnavailable, match=f"knows {NEWEST}: run the newer Placet"):
            open_ledger(ledger_url, serving=False, instance=None)
