"""Following the ledger with an export: over kills, signals and outages no line is lost."""

import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
import pytest
from acme import ask, assessed
from open_ledgers import open_ledger, prepare, until
from shelled import CONFIGURATION, POLICY, a_history
from sqlalchemy import make_url
from tampering import tamper

from ledger.audit.cursors import mark_at
from ledger.ledger import Ledger
from policies.rules.decisions import Effect

EXPORTER = Path(__file__).with_name("exporter.py")
PATIENCE = 60.0


def command(url: str, folder: Path) -> list[str]:
    """Write a configuration for a ledger and return the command that exports it."""
    ledger = f'{{url: "{url}", digest_key: "{"0123456789abcdef" * 4}"}}'
    configuration = CONFIGURATION.replace('{url: "sqlite:///placet.db"}', ledger)
    (folder / "placet.yaml").write_text(configuration)
    (folder / "policy.yaml").write_text(POLICY)
    words = ("audit", "export", "--config", str(folder / "placet.yaml"), "--format", "jsonl")
    return [sys.executable, str(EXPORTER), *words]


class Exporter:
    """An export in a process of its own, to a file and with a cursor."""

    def __init__(self, url: str, folder: Path, *arguments: str) -> None:
        self.output, self.cursor = folder / "out", folder / "cursor"
        self.errors = folder / "errors"
        files = ("--output", str(self.output), "--cursor", str(self.cursor))
        self._command = [*command(url, folder), *files, *arguments]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.errors.open("ab") as errors:
            process = subprocess.Popen(self._command, stderr=errors)
        with process:
            try:
                yield process
            finally:
                process.kill()

    def lines(self) -> list[bytes]:
        with contextlib.suppress(FileNotFoundError):
            return self.output.read_bytes().splitlines(keepends=True)
        return []

    def positions(self) -> list[int]:
        return [json.loads(line)["position"] for line in self.lines()]

    def mark(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return json.loads(self.cursor.read_text())["position"]
        return 0


@asynccontextmanager
async def appending(ledger: Ledger) -> AsyncIterator[None]:
    """Record calls for a block, at no steady pace."""
    dice = random.Random(4)  # noqa: S311  no secret

    async def append() -> None:
        number = 0
        while True:
            batch = range(number, number + dice.randrange(1, 30))
            number = batch.stop
            allowed = assessed(Effect.ALLOW)
            await asyncio.gather(
                *(ledger.execute(ask(f"call_{n}", allowed, digests=(f"k1:{n}",))) for n in batch)
            )
            await asyncio.sleep(dice.random() / 20)

    task = asyncio.create_task(append())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_killed_at_random_points_it_misses_no_position(ledger_url, tmp_path) -> None:
    dice = random.Random()  # noqa: S311  no secret
    exporter = Exporter(ledger_url, tmp_path, "--follow")

    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        async with appending(ledger):
            for _ in range(4):
                enough = len(exporter.lines()) + dice.randrange(1, 400)
                with exporter.running() as process:
                    await until(lambda: len(exporter.lines()) >= enough, PATIENCE)  # noqa: B023
                    await asyncio.sleep(dice.random() / 10)
                    process.kill()
        (last,) = (await ledger.events(after=0, limit=100_000))[-1:]
        with exporter.running():
            await until(lambda: exporter.mark() == last.position, PATIENCE)

    found = exporter.positions()
    assert sorted(set(found)) == list(range(1, last.position + 1))
    assert found[-1] == last.position


async def test_a_line_that_a_kill_tore_comes_whole(sqlite_url, tmp_path) -> None:
    await asyncio.to_thread(a_history, sqlite_url)
    exporter = Exporter(sqlite_url, tmp_path)
    with exporter.running() as process:
        assert await asyncio.to_thread(process.wait) == 0
    whole = exporter.output.read_bytes()
    first = whole.splitlines(keepends=True)[0]
    exporter.output.write_bytes(first + whole[len(first) : len(first) + 40])
    exporter.cursor.write_text(
        json.dumps({"position": 1, "leaf_hash": await leaf_hash(sqlite_url)})
    )

    with exporter.running() as process:
        assert await asyncio.to_thread(process.wait) == 0

    assert exporter.output.read_bytes() == whole


async def leaf_hash(url: str) -> str:
    """Return the leaf hash of the first event."""
    with open_ledger(url, serving=False) as ledger:
        mark = await ledger.look(lambda connection: mark_at(connection, 1))
    return mark.leaf_hash


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it_in_good_order(sqlite_url, tmp_path, number) -> None:
    await asyncio.to_thread(a_history, sqlite_url)
    exporter = Exporter(sqlite_url, tmp_path, "--follow")

    with exporter.running() as process:
        await until(lambda: exporter.mark() == 15, PATIENCE)
        process.send_signal(number)
        code = await asyncio.to_thread(process.wait, PATIENCE)

    assert code == 0
    assert exporter.positions() == list(range(1, 16))
    assert exporter.errors.read_text() == ""


async def test_it_waits_for_a_database_that_is_away(postgres_url, postgres_server, tmp_path):
    await asyncio.to_thread(a_history, postgres_url)
    exporter = Exporter(postgres_url, tmp_path, "--follow")
    name = make_url(postgres_url).database
    closed, opened = (f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {how}' for how in (False, True))
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"

    with exporter.running(), psycopg.connect(postgres_server, autocommit=True) as server:
        await until(lambda: exporter.mark() == 15, PATIENCE)
        server.execute(closed)
        server.execute(cut)
        await until(lambda: "trying again" in exporter.errors.read_text(), PATIENCE)
        server.execute(opened)
        with open_ledger(postgres_url) as ledger:
            await ledger.execute(ask("call_4", assessed(Effect.ALLOW), digests=("k1:4",)))
        await until(lambda: exporter.mark() == 16, PATIENCE)

    assert exporter.positions() == list(range(1, 17))
    assert exporter.errors.read_text().count("trying again") == 1


async def test_a_history_that_is_cut_off_while_it_follows_ends_it(sqlite_url, tmp_path) -> None:
    await asyncio.to_thread(a_history, sqlite_url)
    exporter = Exporter(sqlite_url, tmp_path, "--follow")

    with exporter.running() as process:
        await until(lambda: exporter.mark() == 15, PATIENCE)
        tamper(sqlite_url, "UPDATE ledger_head SET position = 14")
        code = await asyncio.to_thread(process.wait, PATIENCE)

    assert code == 1
    assert "the ledger ends at position 14" in exporter.errors.read_text()


def test_nobody_reading_any_more_ends_it(sqlite_url, tmp_path) -> None:
    a_history(sqlite_url)
    words = [*command(sqlite_url, tmp_path), "--follow"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process:
        first = process.stdout.readline()
        process.stdout.close()
        code = process.wait(PATIENCE)
        said = process.stderr.read().decode()

    assert json.loads(first)["position"] == 1
    assert (code, said) == (2, "")
