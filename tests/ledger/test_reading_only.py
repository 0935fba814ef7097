"""A command that only reads works on what it may not write, and makes nothing."""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from acme import ask
from open_ledgers import open_ledger, real_now
from shelled import Terminal, a_history

from ledger.ledger import Ledger
from ledger.storage import schema
from ledger.storage.databases import connect
from ledger.storage.schema import MIGRATIONS, migrate
from ledger.unavailable import LedgerUnavailable

AS_NOBODY = """
import os, sys
sys.path[:0] = sys.argv[2].split(os.pathsep)
import sqlalchemy.dialects.sqlite.pysqlite
from shelled import Terminal
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
for command in sys.argv[3:]:
    terminal = Terminal(sys.argv[1])
    print("code", terminal.run(*command.split()), len(terminal.lines))
"""
READING = [
    ("audit", "log"),
    ("audit", "export"),
    ("audit", "verify"),
    ("audit", "replay"),
    ("audit", "projections"),
    ("approvals", "list"),
    ("grant", "list"),
    ("freezes",),
]


def read(ledger):
    return [event.position for event in asyncio.run(ledger.events())]


def as_nobody(url, *commands):
    """Run commands as somebody who may write nowhere; say of each what it came to."""
    return subprocess.run(
        [sys.executable, "-c", AS_NOBODY, url, os.pathsep.join(filter(None, sys.path)), *commands],
        capture_output=True,
        text=True,
        check=False,
    )


def frozen(folder):
    """Let everybody read a folder and nobody but root write there."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    for above in folder.parents:
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o001:
            above.chmod(0o711)
    return f"sqlite:///{folder}/placet.db"


@pytest.fixture
def copied(sqlite_url, tmp_path):
    """Give a copy of a ledger as `.backup` makes it, and its url, where nothing can be written."""
    a_history(sqlite_url)
    folder = tmp_path / "copy"
    folder.mkdir()
    with sqlite3.connect(tmp_path / "placet.db") as ledger:
        copy = sqlite3.connect(folder / "placet.db")
        ledger.backup(copy)
        copy.close()
    yield folder, frozen(folder)
    folder.chmod(0o755)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_where_there_is_no_ledger_reading_says_so_and_begins_none(tmp_path, command):
    terminal = Terminal(f"sqlite:///{tmp_path}/mistyped.db")

    with pytest.raises(LedgerUnavailable, match=r"there is no ledger `.*/mistyped\.db`"):
        terminal.run(*command)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_database_without_tables_stays_without(postgres_url, command):
    with pytest.raises(LedgerUnavailable, match="holds no ledger"):
        Terminal(postgres_url).run(*command)

    database = connect(postgres_url)
    with database.reading.connect() as connection:
        assert schema.version_of(connection) is None
    database.close()


def test_an_empty_file_is_no_ledger(tmp_path):
    (tmp_path / "placet.db").touch()

    with pytest.raises(LedgerUnavailable, match=r"placet\.db` holds no ledger"):
        Terminal(f"sqlite:///{tmp_path}/placet.db").run("audit", "log")


def test_an_older_ledger_is_not_moved_on_by_reading_it(ledger_url, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:8])
        database = connect(ledger_url)
        with database.write() as connection:
            migrate(connection)

    with pytest.raises(LedgerUnavailable, match=f"schema 8, this Placet reads {len(MIGRATIONS)}"):
        Terminal(ledger_url).run("audit", "log")

    with database.reading.connect() as connection:
        assert schema.version_of(connection) == 8
    database.close()


def test_a_copy_is_read_where_nothing_can_be_written(copied):
    folder, url = copied
    before = hashlib.sha256((folder / "placet.db").read_bytes()).hexdigest()

    ran = as_nobody(url, *map(" ".join, READING))

    codes = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("code ")]
    assert dict(zip(READING, codes, strict=True)) == {
        command: "1" if command == ("audit", "verify") else "0"  # nothing is sealed in it
        for command in READING
    }, ran.stderr
    assert [path.name for path in folder.iterdir()] == ["placet.db"]
    assert hashlib.sha256((folder / "placet.db").read_bytes()).hexdigest() == before


def test_a_ledger_that_is_served_is_read_where_nothing_can_be_written(sqlite_url, tmp_path):
    a_history(sqlite_url)
    with open_ledger(sqlite_url) as ledger:
        asyncio.run(ledger.execute(ask("call_9", digests=("k1:9",))))
        folder = tmp_path
        url = frozen(folder)
        ran = as_nobody(url, "audit log")
        folder.chmod(0o755)
        expected = len(read(ledger))

    assert ran.stdout.split() == ["code", "0", str(expected)], ran.stderr


def test_a_copy_whose_log_cannot_be_read_is_refused(sqlite_url, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    with open_ledger(sqlite_url):
        for name in ("placet.db", "placet.db-wal"):
            shutil.copy(tmp_path / name, folder / name)

    ran = as_nobody(frozen(folder), "audit log")
    folder.chmod(0o755)

    assert "copy what is there to a folder that can be written" in ran.stderr


def test_a_copy_that_is_served_while_it_is_read_is_not_trusted(copied, monkeypatch):
    folder, url = copied
    monkeypatch.setattr("ledger.storage.sqlite_files.os.access", lambda *_: False)  # root may write
    with Ledger.read(url, now=real_now) as ledger:
        assert read(ledger)
        time.sleep(0.01)
        folder.chmod(0o755)
        (folder / "placet.db").chmod(0o644)
        with open_ledger(url) as served:
            asyncio.run(served.execute(ask("call_9", digests=("k1:9",))))
            with pytest.raises(LedgerUnavailable, match="opened by another process"):
                read(ledger)
        with pytest.raises(LedgerUnavailable, match="opened by another process"):
            read(ledger)


def test_nothing_can_be_recorded_in_a_ledger_that_is_read(sqlite_url):
    a_history(sqlite_url)

    with Ledger.read(sqlite_url, now=real_now) as ledger:
        before = read(ledger)
        with pytest.raises(LedgerUnavailable, match="it is read-only"):
            asyncio.run(ledger.execute(ask("call_9", digests=("k1:9",))))

        assert read(ledger) == before


def test_reading_leaves_nothing_beside_a_file_that_can_be_written(sqlite_url, tmp_path):
    a_history(sqlite_url)
    before = sorted(path.name for path in tmp_path.iterdir())

    Terminal(sqlite_url).run("audit", "log")

    assert sorted(path.name for path in tmp_path.iterdir()) == before
