"""PostgreSQL is brought back to a point in time, as its manual says, and what is lost is told."""

import asyncio
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from base_backups import base_backup, written
from conftest import postgres
from shelled import a_history, calls, verdict
from tampering import seal


@pytest.fixture
def archive():
    """Give a folder that the database's user may write to."""
    place = Path(tempfile.mkdtemp(prefix="placet-archive-"))
    place.chmod(0o777)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def copy():
    """Give a folder for the files of a copied server."""
    place = Path(tempfile.mkdtemp(prefix="placet-postgres-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)  # the server that runs on it takes it away itself


def address(server):
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)


def archiving(server, archive):
    """Let a server archive its log, which needs a restart."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET archive_mode = on")
        connection.execute(f"ALTER SYSTEM SET archive_command = 'cp %p {archive}/%f'")
    server.stop()
    server.ensure_postgres_running()


def archived(server):
    """Return once all that was written is in the archive."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        (last,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
        until = time.monotonic() + 60
        while time.monotonic() < until:
            query = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
            (done,) = connection.execute(query).fetchone()
            if done >= last:
                return
            time.sleep(0.05)
    pytest.fail("the log was not archived")


@contextmanager
def recovered(copy, archive, point):
    """Run a copy that is brought to a restore point (the manual, "Recovery Target")."""
    settings = (copy / "postgresql.auto.conf").read_text() + (
        f"archive_mode = off\nrestore_command = 'cp {archive}/%f %p'\n"
        f"recovery_target_name = '{point}'\nrecovery_target_action = 'promote'\n"
    )
    written(copy / "postgresql.auto.conf", settings)
    written(copy / "recovery.signal", "")
    with postgres(copy) as server:
        until = time.monotonic() + 60
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            while connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
                assert time.monotonic() < until, "the copy stays in recovery"
                time.sleep(0.05)
        yield server


def test_a_recovery_to_a_point_in_time_is_told_by_a_checkpoint_kept_elsewhere(
    archive, copy, tmp_path
):
    with postgres() as server:
        archiving(server, archive)
        terminal = a_history(address(server))
        base_backup(server, copy)
        asyncio.run(calls(terminal.url, 20))
        seal(terminal.url)
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("SELECT pg_create_restore_point('before')")
        asyncio.run(calls(terminal.url, 21, 22))
        seal(terminal.url)
        terminal.run("audit", "checkpoint")
        kept = tmp_path / "checkpoints"
        kept.write_text("\n".join([*terminal.lines, ""]))
        archived(server)

        with recovered(copy, archive, "before") as back:
            terminal.url = address(back)
            alone, with_the_copy = verdict(terminal), verdict(terminal, "--checkpoint", str(kept))
            asyncio.run(calls(terminal.url, 30))

    assert (alone["ok"], alone["events"]) == (True, 17)
    assert (with_the_copy["ok"], with_the_copy["first_wrong_position"]) == (False, 18)
