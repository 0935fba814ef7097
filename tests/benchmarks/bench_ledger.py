"""Measures settled commands a second: the writer's groups against one transaction per command.

That is done in two ways: in an executor of as many threads as a plain application has, which
compete for the database, and in one thread that has the database for itself.

Run it by `make bench`: it measures SQLite, and PostgreSQL on a server of its own. Speeds swing with
the disk; the processor's time of this process does not, and stands beside them.
"""

import asyncio
import gc
import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import DIRECTORY, PREPARED, ask, assessed  # noqa: E402 (the path is set first)
from conftest import postgres  # noqa: E402 (the same)

from ledger.events.envelopes import Command  # noqa: E402 (the same)
from ledger.ledger import Ledger  # noqa: E402 (the same)
from ledger.storage.databases import Database, connect  # noqa: E402 (the same)
from ledger.storage.mapper import RecordMapper  # noqa: E402 (the same)
from ledger.writing.batch import Settler, Surroundings  # noqa: E402 (the same)
from policies.rules.decisions import Effect  # noqa: E402 (the same)

TASKS = 50
THREADS = 6
SECONDS = 2.0
ROUNDS = 3
MOST_A_SECOND = 40_000
"""Commands that are made beforehand for each second."""

LEAST = 10
"""Times as many commands that groups settle, at least."""

EXECUTOR = f"one each, in {THREADS} threads"
ONE_THREAD = "one each, in one thread"
GROUPS = "groups"

COLLECT = (20_000, 20, 50)
"""When Python looks for cycles: as `placet serve` has it."""

_NUMBERS = itertools.count()

_RUN = f"{time.time_ns():x}"
"""Ids grow with time, as those of a gateway do."""


class Measured(NamedTuple):
    """Commands a second, each command's seconds, and the processor's seconds of one command."""

    speed: float
    waits: list[float]
    processor: float


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 (a benchmark is a root of its own)


def allowed_call() -> Command:
    """Return a call that policy allows: one event and one projected row."""
    return ask(f"call_{_RUN}{next(_NUMBERS):012d}", assessed(Effect.ALLOW))


async def measure(execute: Callable[[Command], Awaitable[object]]) -> Measured:
    """Return how quickly commands are settled that come over TASKS tasks.

    They are made beforehand, and the collector of cycles does not look at them.
    """
    commands = [allowed_call() for _ in range(int(SECONDS * MOST_A_SECOND))]
    gc.collect()
    gc.freeze()
    until = time.perf_counter() + SECONDS
    waits: list[float] = []

    async def work() -> None:
        while commands and time.perf_counter() < until:
            began = time.perf_counter()
            await execute(commands.pop())
            waits.append(time.perf_counter() - began)

    began, busy = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    settled, seconds = len(waits), time.perf_counter() - began
    gc.unfreeze()
    return Measured(settled / seconds, waits, (time.process_time() - busy) / settled)


@contextmanager
def one_at_a_time(url: str, threads: int) -> Iterator[Callable[[Command], Awaitable[object]]]:
    """Give what settles each command in a transaction of its own, in an executor's threads."""
    mine = threading.local()
    opened: list[tuple[Database, Settler]] = []

    def settle(command: Command) -> object:
        if not hasattr(mine, "settler"):
            database = connect(url)
            around = Surroundings(
                database,
                RecordMapper(),
                DIRECTORY,
                now,
                time.monotonic,
                reach=lambda _point: None,
            )
            mine.settler = Settler(around)
            opened.append((database, mine.settler))
        return mine.settler.settle([command], lambda: None, look_first=False)

    async def execute(command: Command) -> object:
        return await asyncio.get_running_loop().run_in_executor(executor, settle, command)

    with ThreadPoolExecutor(threads) as executor:
        yield execute
    for database, settler in opened:
        settler.disconnect()
        database.close()


async def compare(name: str, url: str) -> None:
    """Print the ways side by side, as medians over rounds that take turns."""
    with Ledger.open(url, now=now, directory=DIRECTORY, instance="one") as ledger:
        for command in PREPARED:
            await ledger.execute(command)
    ways: dict[str, list[Measured]] = {EXECUTOR: [], ONE_THREAD: [], GROUPS: []}
    for _ in range(ROUNDS):
        with one_at_a_time(url, THREADS) as execute:
            ways[EXECUTOR].append(await measure(execute))
        with one_at_a_time(url, 1) as execute:
            ways[ONE_THREAD].append(await measure(execute))
        with Ledger.open(url, now=now, directory=DIRECTORY, instance="one") as ledger:
            ways[GROUPS].append(await measure(ledger.execute))
    for way, rounds in ways.items():
        line(name, way, rounds, times(rounds, ways[EXECUTOR]))
    ratio = times(ways[GROUPS], ways[EXECUTOR])
    verdict = "met" if ratio >= LEAST else "NOT met"
    print(f"{name:<11} {ratio:.1f} times as many as {EXECUTOR} (at least {LEAST}): {verdict}")
    stricter = times(ways[GROUPS], ways[ONE_THREAD])
    print(f"{name:<11} {stricter:.1f} times as many as {ONE_THREAD}, with nobody else about")


def times(these: list[Measured], those: list[Measured]) -> float:
    """Return how many times as fast these are, the median over the rounds."""
    return statistics.median(a.speed / b.speed for a, b in zip(these, those, strict=True))


def line(name: str, way: str, rounds: list[Measured], ratio: float) -> None:
    """Print one line of the table."""
    speed = statistics.median(each.speed for each in rounds)
    waits = sorted(wait for each in rounds for wait in each.waits)
    p50, p99 = (1000 * waits[int(len(waits) * share)] for share in (0.5, 0.99))
    busy = statistics.median(1e6 * each.processor for each in rounds)
    print(
        f"{name:<11} {way:<28} {speed:>9,.0f} {p50:>8.1f} {p99:>8.1f} {busy:>8.0f} {ratio:>7.1f}",
        flush=True,
    )


def main() -> None:
    """Print the table for SQLite and PostgreSQL."""
    gc.set_threshold(*COLLECT)
    print(f"settled commands, {TASKS} tasks, medians of {ROUNDS} rounds of {SECONDS:.0f} s")
    print(
        f"{'ledger':<11} {'way':<28} {'per s':>9} {'p50 ms':>8} {'p99 ms':>8} {'cpu us':>8}"
        f" {'ratio':>7}"
    )
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as place:
        asyncio.run(compare("SQLite", f"sqlite:///{place}/placet.db"))
    with postgres(Path(tempfile.mkdtemp(prefix="placet-postgres-"))) as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = on")
            connection.execute("SELECT pg_reload_conf()")
        url = server.get_uri().partition("://")[2]
        asyncio.run(compare("PostgreSQL", f"postgresql+psycopg://{url}"))


if __name__ == "__main__":
    main()
