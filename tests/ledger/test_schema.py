"""The tables are made once, moved forward only, and the history in them cannot be changed."""

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from acme import ask
from open_ledgers import open_ledger, prepare
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from ledger.storage.databases import connect
from ledger.storage.schema import MIGRATIONS, migrate
from ledger.storage.tables import METADATA
from ledger.unavailable import LedgerUnavailable

NEWEST = len(MIGRATIONS)


@pytest.fixture
def database(ledger_url):
    opened = connect(ledger_url)
    yield opened
    opened.close()


def migrated(database):
    with database.write() as connection:
        migrate(connection)


def test_the_tables_are_those_that_statements_are_built_from(database):
    migrated(database)

    found = inspect(database.reading)

    assert {*found.get_table_names()} == {*METADATA.tables, "ledger_schema"}
    for name, table in METADATA.tables.items():
        columns = [(column["name"], column["nullable"]) for column in found.get_columns(name)]
        assert [name for name, _ in columns] == [column.name for column in table.columns]


def test_migrating_again_changes_nothing(database):
    migrated(database)
    migrated(database)

    with database.reading.connect() as connection:
        assert connection.execute(text("SELECT version FROM ledger_schema")).all() == [(NEWEST,)]
        assert connection.execute(text("SELECT * FROM ledger_head")).all() == [(1, 0, 0)]


def test_processes_that_start_at_once_make_the_tables_once(ledger_url):
    together = threading.Barrier(6)

    def start(_: int) -> None:
        database = connect(ledger_url)
        together.wait()
        migrated(database)
        database.close()

    with ThreadPoolExecutor(6) as starting:
        assert list(starting.map(start, range(6))) == [None] * 6


def test_a_newer_schema_is_left_alone(database, ledger_url):
    migrated(database)
    with database.write() as connection:
        connection.execute(text("UPDATE ledger_schema SET version = :newer"), {"newer": NEWEST + 1})

    with pytest.raises(LedgerUnavailable, match=f"schema {NEWEST + 1}, .* knows {NEWEST}"):
        open_ledger(ledger_url)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_event SET actor = 'nobody'",
        "DELETE FROM ledger_event WHERE position = 1",
        "DELETE FROM ledger_event",
        "UPDATE ledger_event SET state = state WHERE position = 2",
    ],
)
async def test_the_history_cannot_be_changed(database, ledger_url, statement):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)

    with (
        pytest.raises(DBAPIError, match="the history is never changed"),
        database.write() as connection,
    ):
        connection.execute(text(statement))


async def test_the_history_cannot_be_truncated(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        with (
            pytest.raises(DBAPIError, match="the history is never changed"),
            ledger._parts.database.write() as connection,
        ):
            connection.execute(text("TRUNCATE ledger_event"))


async def test_sqlite_writes_ahead_and_waits_for_the_disk(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        connection = ledger._parts.writer._settler._own.connection()
        await prepare(ledger)
        found = [
            connection.connection.driver_connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]

    assert found == ["wal", 2, 5000]


async def test_others_on_the_machine_cannot_read_the_sqlite_files(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        place = Path(str(make_url(sqlite_url).database)).parent
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()}

    assert set(modes) == {"placet.db", "placet.db-wal", "placet.db-shm", "placet.db.lock"}
    assert set(modes.values()) == {0o600}


def test_a_commit_on_postgresql_waits_for_the_disk_even_where_the_server_would_not(
    postgres_url,
):
    name = make_url(postgres_url).database
    database = connect(postgres_url)
    with database.write() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    database.close()

    database = connect(postgres_url)
    with database.write() as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
    database.close()


def with_encoding(postgres_url: str, encoding: str) -> str:
    """Make a database beside that of a test, which goes with the server; return its address."""
    name = f"{make_url(postgres_url).database}_{encoding.lower()}"
    database = connect(postgres_url)
    with database.writing.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        wanted = f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        connection.execute(text(f'CREATE DATABASE "{name}" {wanted}'))
    database.close()
    return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)


async def test_a_database_that_lacks_letters_is_refused(postgres_url):
    with pytest.raises(LedgerUnavailable, match="the encoding LATIN1"):
        open_ledger(with_encoding(postgres_url, "LATIN1"))


async def test_texts_are_kept_whatever_the_database_takes_for_its_own_way(postgres_url):
    url = with_encoding(postgres_url, "SQL_ASCII")
    name = make_url(url).database
    database = connect(url)
    with database.write() as connection:
        for setting in ("client_encoding = 'LATIN1'", "datestyle = 'SQL, DMY'"):
            connection.execute(text(f'ALTER DATABASE "{name}" SET {setting}'))
    database.close()

    with open_ledger(url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", arguments='{"path": "日本語 żółw 🎉"}'))
        now = await ledger.now()
    with open_ledger(url, instance="two") as ledger:
        (waiting,) = await ledger.approvals()

    assert waiting.request.arguments == '{"path": "日本語 żółw 🎉"}'
    assert now.tzinfo is not None
