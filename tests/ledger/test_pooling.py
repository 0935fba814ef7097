"""A pooler before PostgreSQL may lend its connections by the session, not by the transaction."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from acme import ask, assessed
from open_ledgers import open_ledger, prepare
from ports import free_port
from sqlalchemy import make_url

from ledger.unavailable import LedgerUnavailable
from policies.rules.decisions import Effect

POOLER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


def answers(port: int) -> bool:
    """Tell whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def pooled(postgres_url):
    """Give what runs PgBouncer in a mode, and gives the ledger's address behind it; or skip."""
    if POOLER is None:
        pytest.skip("needs PgBouncer: apt-get install pgbouncer")
    server = make_url(postgres_url)
    place = str(server.query["host"])

    @contextmanager
    def run(mode: str):
        port = free_port()
        owner = pwd.getpwuid(Path(place).stat().st_uid).pw_name  # it runs not as root
        with tempfile.NamedTemporaryFile("w", suffix=".ini") as settings:
            settings.write(
                f"[databases]\n* = host={place} user=postgres\n[pgbouncer]\npool_mode = {mode}\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n"
                "unix_socket_dir =\n"
            )
            settings.flush()
            Path(settings.name).chmod(0o644)
            as_owner = ["-u", owner] if os.getuid() == 0 else []
            with subprocess.Popen([POOLER, "-q", *as_owner, settings.name]) as process:
                try:
                    until = time.monotonic() + 30
                    while not answers(port):
                        assert time.monotonic() < until, "PgBouncer does not listen"
                        time.sleep(0.02)
                    behind = server.set(host="127.0.0.1", port=port, query={})
                    yield behind.render_as_string(hide_password=False)
                finally:
                    process.terminate()

    return run


def test_one_that_lends_them_by_the_transaction_is_refused(pooled):
    with pooled("transaction") as url, pytest.raises(LedgerUnavailable, match="pool_mode"):
        open_ledger(url)


async def test_one_that_lends_them_by_the_session_is_served(pooled):
    with pooled("session") as url, open_ledger(url) as ledger:
        await prepare(ledger)
        (decided, *_) = await ledger.execute(ask("call_1", assessed(Effect.ALLOW)))

        assert decided.event.call == "call_1"
        assert ledger.ready() == []
