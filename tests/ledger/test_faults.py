"""A database that is full, read-only or gone: refused, never guessed, and well again afterwards."""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from acme import ask, assessed
from open_ledgers import Clock, open_ledger, prepare, real_now, until
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from ledger.keys import digest_keys
from ledger.ledger import Ledger
from ledger.storage.faults import because
from ledger.unavailable import LedgerUnavailable, NotRecorded
from policies.rules.decisions import Effect
from policies.values.refusals import Refused


def allowed(call: str):
    return ask(call, assessed(Effect.ALLOW))


def on_the_writers_connection(ledger, statement: str) -> None:
    """Change how SQLite treats the connection that writes."""
    with ledger._parts.database.turn:
        connection = ledger._parts.writer._settler._own.connection()
        connection.connection.driver_connection.execute(statement)


@pytest.fixture
def administrator(postgres_url, postgres_server):
    """Give what runs a statement on another database of the same server."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        yield connection.execute


def lock_out(administrator, postgres_url: str) -> None:
    name = make_url(postgres_url).database
    administrator(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    hang_up(administrator, postgres_url)


def let_in(administrator, postgres_url: str) -> None:
    administrator(f'ALTER DATABASE "{make_url(postgres_url).database}" ALLOW_CONNECTIONS true')


def hang_up(administrator, postgres_url: str, like: str = "%") -> int:
    name = make_url(postgres_url).database
    ended = administrator(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        f" WHERE datname = '{name}' AND query LIKE '{like}'"
    )
    return ended.fetchone()[0]


async def test_a_full_disk_refuses_and_is_survived(sqlite_url):
    async def refused(number: int) -> tuple[str, str] | None:
        """Return why a command was refused, and what the ledger says of itself then."""
        try:
            await ledger.execute(allowed(f"call_{number}"))
        except LedgerUnavailable as error:
            return str(error), " ".join(ledger.ready())
        return None

    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        with ledger._parts.database.reading.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        on_the_writers_connection(ledger, f"PRAGMA max_page_count = {pages}")

        told = [each for each in await asyncio.gather(*map(refused, range(1000))) if each]
        assert any("its disk is full" in why for why, _ in told)
        assert any("disk is full" in problem for _, problem in told)
        before = await ledger.events()
        assert await ledger.differences() == []

        await until(lambda: ledger.ready() == [])
        (decided,) = await ledger.execute(allowed("call_after"))
        assert decided.position == before[-1].position + 1
        assert await ledger.differences() == []


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_not_there_any_more_takes_no_decision(
    sqlite_url, tmp_path, replaced, caplog
):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        file, away = tmp_path / "placet.db", tmp_path / "away.db"
        file.rename(away)
        if replaced:
            file.write_bytes(away.read_bytes())

        with pytest.raises(LedgerUnavailable, match="was moved or replaced"):
            await ledger.execute(allowed("call_1"))

        await until(lambda: "was moved or replaced" in " ".join(ledger.ready()))
        away.rename(file)
        await until(lambda: ledger.ready() == [])
        assert await ledger.execute(allowed("call_2"))
    why = "the ledger's file was moved or replaced: put it back, or restart Placet"
    assert caplog.messages == [f"nothing is decided: {why}", "calls are decided again"]


@pytest.mark.parametrize("gone", [["-wal", "-shm"], ["-wal"], ["-shm"]])
async def test_where_sqlites_log_is_taken_away_nothing_is_decided_and_closing_saves_it(
    sqlite_url, tmp_path, gone
):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        kept = await ledger.execute(allowed("call_1"))
        for name in gone:
            (tmp_path / f"placet.db{name}").unlink()

        with pytest.raises(LedgerUnavailable, match="were moved or deleted"):
            await ledger.execute(allowed("call_2"))

        await until(lambda: "were moved or deleted" in " ".join(ledger.ready()))
        ledger.rest()
        with pytest.raises(LedgerUnavailable, match="were moved or deleted"):
            await ledger.execute(allowed("call_3"))

    with open_ledger(sqlite_url) as again:
        assert (await again.events(limit=100))[-1:] == list(kept)
        assert await again.execute(allowed("call_2"))


async def test_a_read_only_file_refuses_and_is_survived(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        on_the_writers_connection(ledger, "PRAGMA query_only = ON")

        with pytest.raises(LedgerUnavailable, match="read-only"):
            await ledger.execute(allowed("call_1"))

        await until(lambda: ledger.ready() == [])
        assert len(await ledger.execute(allowed("call_1"))) == 1


@pytest.mark.parametrize("part", range(8))
async def test_a_damaged_file_refuses_and_a_backup_in_its_place_works(sqlite_url, tmp_path, part):
    file = tmp_path / "placet.db"
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        await asyncio.gather(*(ledger.execute(allowed(f"call_{n}")) for n in range(300)))
    kept = file.read_bytes()
    damaged = bytearray(kept)
    pages = range(1 + part, len(kept) // 4096, 8)
    for page in pages:
        damaged[page * 4096 : (page + 1) * 4096] = bytes(4096)
    file.write_bytes(damaged)

    with (
        pytest.raises(LedgerUnavailable, match="is damaged"),
        open_ledger(sqlite_url, instance="two") as ledger,
    ):
        await asyncio.gather(*(ledger.execute(allowed(f"again_{n}")) for n in range(300)))

    for companion in ("-wal", "-shm"):
        file.with_name(f"{file.name}{companion}").unlink(missing_ok=True)
    file.write_bytes(kept)
    with open_ledger(sqlite_url, instance="three") as ledger:
        assert len(await ledger.execute(allowed("after"))) == 1
        assert await ledger.differences() == []


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"CREATE TABLE", b"CREATE TABLD"), (b" ON ledger_event (", b" ON ledger_\xffvent (")],
    ids=["no SQL", "no text"],
)
async def test_a_damaged_schema_is_told_as_such(sqlite_url, tmp_path, before, after):
    file = tmp_path / "placet.db"
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
    file.write_bytes(file.read_bytes().replace(before, after))

    with pytest.raises(LedgerUnavailable, match="is damaged"):
        open_ledger(sqlite_url)


async def test_a_lost_connection_is_made_again_before_anybody_notices(postgres_url, administrator):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)

        hang_up(administrator, postgres_url)

        (decided,) = await ledger.execute(allowed("call_1"))
        assert decided.position == 3


async def test_a_database_that_is_gone_refuses_until_it_is_back(postgres_url, administrator):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)

        lock_out(administrator, postgres_url)
        with pytest.raises(LedgerUnavailable, match="its database does not answer"):
            await ledger.execute(allowed("call_1"))
        with pytest.raises(LedgerUnavailable):
            await ledger.agents()
        assert "cannot be written" in ledger.ready()[0]

        let_in(administrator, postgres_url)
        await until(lambda: ledger.ready() == [])
        (decided,) = await ledger.execute(allowed("call_1"))
        assert decided.position == 3


async def test_a_read_only_database_refuses_and_is_survived(postgres_url, administrator):
    name = make_url(postgres_url).database
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)

        administrator(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        hang_up(administrator, postgres_url)
        with pytest.raises(LedgerUnavailable, match="it is read-only"):
            await ledger.execute(allowed("call_1"))

        with pytest.raises(LedgerUnavailable, match="it is read-only"):
            await ledger.lease("courier", 1.0)  # on a connection that will be kept

        administrator(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await until(lambda: ledger.ready() == [])
        assert len(await ledger.execute(allowed("call_1"))) == 1


async def test_that_it_can_be_read_does_not_mean_that_it_can_be_written_again(
    postgres_url, administrator, caplog
):
    name, clock = make_url(postgres_url).database, Clock()
    with open_ledger(postgres_url, clock) as ledger:
        await prepare(ledger)
        administrator(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        hang_up(administrator, postgres_url)
        with pytest.raises(LedgerUnavailable, match="it is read-only"):
            await ledger.execute(allowed("call_1"))

        clock.advance(0.5)  # it is tried again, and the next sign of life is not due
        ledger._parts.inbox.wake()

        await until(lambda: "cannot execute INSERT" in " ".join(ledger.ready()))
        assert "the ledger can be written again" not in caplog.text


async def test_losing_the_connection_that_listens_loses_no_event(postgres_url, administrator):
    with open_ledger(postgres_url) as ledger, open_ledger(postgres_url, instance="two") as other:
        await prepare(ledger)
        heard = []
        ledger.observe(heard.extend)

        for number in range(3):
            assert hang_up(administrator, postgres_url, like="LISTEN%") >= 1
            await other.execute(allowed(f"call_{number}"))
            await until(lambda number=number: len(heard) == number + 1)
            await until(lambda: hang_up_count(administrator, postgres_url) == 2)

        assert [recorded.position for recorded in heard] == [3, 4, 5]


def hang_up_count(administrator, postgres_url: str) -> int:
    name = make_url(postgres_url).database
    found = administrator(
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'LISTEN%'"
    )
    return found.fetchone()[0]


async def test_another_process_that_hangs_with_the_head_row_holds_nobody_for_ever(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)
        address = postgres_url.replace("+psycopg", "")

        with psycopg.connect(address) as hanging:
            hanging.execute("SELECT * FROM ledger_head FOR UPDATE")
            with pytest.raises(LedgerUnavailable, match="another process holds it"):
                await ledger.execute(allowed("call_1"))

        await until(lambda: ledger.ready() == [])
        assert len(await ledger.execute(allowed("call_1"))) == 1


async def test_a_lock_of_sqlite_that_is_never_released_refuses(sqlite_url):
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        on_the_writers_connection(ledger, "PRAGMA busy_timeout = 50")

        other = ledger._parts.database.writing.connect()
        with other.begin():
            other.execute(text("UPDATE ledger_lease SET until = 0"))
            with pytest.raises(LedgerUnavailable, match="another process holds it") as tried:
                await ledger.execute(allowed("call_1"))
        other.close()

        assert not isinstance(tried.value, NotRecorded), "what was tried is in doubt"

        await until(lambda: ledger.ready() == [])
        assert len(await ledger.execute(allowed("call_1"))) == 1


def test_what_callers_are_told_holds_nothing_of_the_database():
    error = OperationalError("SELECT 1", {}, OSError("connection to 10.0.0.7 refused"))

    assert because(error) == "its database does not answer"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (psycopg.errors.SerializationFailure(), "set `hot_standby_feedback = on`"),
        (psycopg.errors.InsufficientPrivilege(), "does not let the user of `ledger.url`"),
        (psycopg.errors.UndefinedTable(), "its database answers with an error"),
        (psycopg.errors.TooManyConnections(), "its database does not answer"),
        (psycopg.errors.CannotConnectNow(), "its database does not answer"),
    ],
)
def test_a_database_that_says_why_is_not_said_to_be_silent(error, why):
    assert why in because(OperationalError("SELECT 1", {}, error))


@pytest.mark.parametrize("opened", [open_ledger, lambda url: Ledger.read(url, now=real_now)])
def test_who_starts_placet_is_told_what_the_database_says(postgres_url, opened):
    elsewhere = make_url(postgres_url).set(database="placet_of_nobody")

    with pytest.raises(LedgerUnavailable, match='"placet_of_nobody" does not exist'):
        opened(elsewhere.render_as_string(hide_password=False))


async def test_what_no_ledger_can_hold_is_no_fault_of_the_database(postgres_url):
    with (
        open_ledger(postgres_url) as ledger,
        pytest.raises(Refused, match="nothing that a ledger can hold") as refused,
    ):
        await ledger.approval("apr_\0")

    assert not isinstance(refused.value, LedgerUnavailable)


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "mysql://root@localhost/x", "not a url"],
)
def test_a_ledger_that_cannot_be_kept_there_says_so(url):
    with pytest.raises(LedgerUnavailable):
        open_ledger(url)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    place = tmp_path / "placet.db"
    place.write_bytes(b"this is no database, but it is long enough to look at" * 100)

    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        open_ledger(f"sqlite:///{place}")

    assert place.read_bytes().startswith(b"this is no database")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LedgerUnavailable, match="No such file or directory"):
        open_ledger(f"sqlite:///{tmp_path}/nowhere/placet.db")


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("placet.db", "cannot be opened: Is a directory"),
        ("placet.db-wal", "its disk cannot be read or written"),
        ("placet.db.lock", "its file, or one beside it, cannot be opened"),
    ],
)
def test_a_folder_in_the_place_of_a_file_is_no_database_that_does_not_answer(tmp_path, file, why):
    (tmp_path / file).mkdir()

    with pytest.raises(LedgerUnavailable, match=why):
        open_ledger(f"sqlite:///{tmp_path}/placet.db")


def test_a_folder_in_the_place_of_the_file_is_told_as_such_by_whoever_reads_it(tmp_path):
    (tmp_path / "placet.db").mkdir()

    with pytest.raises(LedgerUnavailable, match="its file, or one beside it, cannot be opened"):
        digest_keys(f"sqlite:///{tmp_path}/placet.db", None)


async def test_maintenance_of_the_tables_keeps_nobody_waiting(postgres_url):
    with open_ledger(postgres_url) as ledger:
        await prepare(ledger)

        with psycopg.connect(postgres_url.replace("+psycopg", "")) as maintaining:
            tables = maintaining.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            for (table,) in tables:
                maintaining.execute(f'LOCK TABLE "{table}" IN SHARE UPDATE EXCLUSIVE MODE')
            (decided,) = await ledger.execute(allowed("call_1"))

        assert "ledger_event" in {table for (table,) in tables}
        assert decided.position == 3


async def test_vacuum_and_new_indexes_go_through_while_calls_are_decided(postgres_url):
    with open_ledger(postgres_url) as ledger, ThreadPoolExecutor(1) as thread:
        await prepare(ledger)

        done = thread.submit(maintain, postgres_url.replace("+psycopg", ""))
        positions = []
        while not done.done() or not positions:
            (decided,) = await ledger.execute(allowed(f"call_{len(positions) + 1}"))
            positions.append(decided.position)

        assert done.result() is None
        assert positions == list(range(3, 3 + len(positions)))


def maintain(url: str) -> None:
    """Do on every table what autovacuum and operators do."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in found.fetchall():
            connection.execute(f'VACUUM "{table}"')
            connection.execute(f'ANALYZE "{table}"')
        connection.execute('CREATE INDEX CONCURRENTLY here ON ledger_event ("at")')
        connection.execute("DROP INDEX CONCURRENTLY here")


def test_a_ledger_that_begins_on_a_full_disk_says_so():
    with pytest.raises(OSError, match="No space left") as beside:
        Path("/dev/full").write_text("the process that has the lock")
    index = sqlite3.OperationalError("disk I/O error")
    index.sqlite_errorname = "SQLITE_IOERR_SHMSIZE"  # as where there is no room for `-shm`

    found = [because(beside.value), because(OperationalError("BEGIN", (), index))]

    assert found == ["its disk is full", "its disk is full"]
