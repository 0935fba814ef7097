"""A database that was put back to an earlier moment is told from the whole history."""

import asyncio
import sqlite3

import psycopg
import pytest
from shelled import a_history, calls, checkpoint_kept, verdict
from sqlalchemy import make_url
from tampering import seal


@pytest.fixture
def copied(ledger_url, tmp_path):
    """Give what copies the ledger as it is now, as backups do, and what puts the copy back."""
    url = make_url(ledger_url)
    if url.get_backend_name() == "sqlite":
        copy = tmp_path / "backup.db"

        def back_up() -> None:
            with sqlite3.connect(url.database) as source, sqlite3.connect(copy) as target:
                source.backup(target)

        yield back_up, lambda: f"sqlite:///{copy}"
        return
    server = url.set(drivername="postgresql", database="postgres")
    address, name = server.render_as_string(hide_password=False), f"{url.database}_backup"

    def copy_database() -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{url.database}"')

    yield copy_database, lambda: url.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def test_what_a_restored_copy_lacks_is_told_by_a_checkpoint_kept_elsewhere(
    ledger_url, copied, tmp_path
):
    back_up, restored = copied
    terminal = a_history(ledger_url)
    seal(ledger_url)
    back_up()
    asyncio.run(calls(ledger_url, 20, 21))
    seal(ledger_url)
    kept = checkpoint_kept(terminal, tmp_path)

    terminal.url = restored()
    alone, with_the_copy = verdict(terminal), verdict(terminal, "--checkpoint", str(kept))

    assert alone["ok"]
    assert (with_the_copy["ok"], with_the_copy["first_wrong_position"]) == (False, 16)
    assert "vouches for 19 events: what comes here is missing" in with_the_copy["flaws"][-1]["what"]


def test_a_restored_copy_that_went_on_is_never_taken_for_the_whole_history(
    ledger_url, copied, tmp_path
):
    back_up, restored = copied
    terminal = a_history(ledger_url)
    seal(ledger_url)
    back_up()
    asyncio.run(calls(ledger_url, 20, 21))
    seal(ledger_url)
    kept = checkpoint_kept(terminal, tmp_path)
    terminal.url = restored()

    asyncio.run(calls(terminal.url, 30, 31, 32))
    seal(terminal.url)

    assert verdict(terminal)["ok"]
    found = verdict(terminal, "--checkpoint", str(kept))
    assert (found["ok"], found["first_wrong_position"]) == (False, 16)


def test_a_whole_copy_is_proven_by_the_same_checkpoint_and_goes_on(ledger_url, copied, tmp_path):
    back_up, restored = copied
    terminal = a_history(ledger_url)
    seal(ledger_url)
    kept = checkpoint_kept(terminal, tmp_path)
    back_up()

    terminal.url = restored()
    before = verdict(terminal, "--checkpoint", str(kept))
    asyncio.run(calls(terminal.url, 20))
    seal(terminal.url)

    assert before["ok"]
    assert verdict(terminal, "--checkpoint", str(kept))["ok"]
