"""Measures settled commands a second: the writer's groups against one transaction per command.

Run it by `make bench`, or `python tests/benchmarks/bench_ledger.py [postgresql+psycopg://…]`.
"""

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import DIRECTORY, PREPARED, ask, assessed  # noqa: E402 (the path is set first)

from ledger.batch import Settler, Surroundings  # noqa: E402 (the same)
from ledger.clock import ClockGuard  # noqa: E402 (the same)
from ledger.databases import connect  # noqa: E402 (the same)
from ledger.envelopes import Command  # noqa: E402 (the same)
from ledger.ledger import Ledger  # noqa: E402 (the same)
from ledger.mapper import RecordMapper  # noqa: E402 (the same)
from policies.decisions import Effect  # noqa: E402 (the same)

TASKS = 50
SECONDS = 2.0
ROUNDS = 3
MOST_A_SECOND = 40_000
"""Commands that are made beforehand for each second."""

_NUMBERS = itertools.count()

_RUN = f"{time.time_ns():x}"
"""Ids grow with time, as those of a gateway do."""


def now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(UTC)  # noqa: TID251 (a benchmark is a root of its own)


def allowed_call() -> Command:
    """Return a call that policy allows: one event and one projected row."""
    return ask(f"call_{_RUN}{next(_NUMBERS):012d}", assessed(Effect.ALLOW))


async def measure(execute: Callable[[Command], Awaitable[object]]) -> tuple[float, list[float]]:
    """Return commands a second over TASKS tasks, and each command's seconds."""
    commands = [allowed_call() for _ in range(int(SECONDS * MOST_A_SECOND))]
    until = time.perf_counter() + SECONDS
    waits: list[float] = []

    async def work() -> None:
        while commands and time.perf_counter() < until:
            began = time.perf_counter()
            await execute(commands.pop())
            waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return len(waits) / (time.perf_counter() - began), waits


@contextmanager
def one_at_a_time(url: str) -> Iterator[Callable[[Command], Awaitable[object]]]:
    """Give what settles each command in a transaction of its own, in one thread."""
    database = connect(url)
    settler = Settler(
        Surroundings(
            database, RecordMapper(), DIRECTORY, now, ClockGuard(), reach=lambda _point: None
        )
    )

    async def execute(command: Command) -> object:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            thread, lambda: settler.settle([command], look_first=False)
        )

    with ThreadPoolExecutor(1) as thread:
        yield execute
        thread.submit(settler.disconnect).result()
    database.close()


async def compare(name: str, url: str) -> None:
    """Print both ways side by side, as medians over rounds that take turns."""
    with Ledger.open(url, now=now, directory=DIRECTORY, instance="one") as ledger:
        for command in PREPARED:
            await ledger.execute(command)
    single: list[tuple[float, list[float]]] = []
    grouped: list[tuple[float, list[float]]] = []
    for _ in range(ROUNDS):
        with one_at_a_time(url) as execute:
            single.append(await measure(execute))
        with Ledger.open(url, now=now, directory=DIRECTORY, instance="one") as ledger:
            grouped.append(await measure(ledger.execute))
    ratio = statistics.median(g / s for (g, _), (s, _) in zip(grouped, single, strict=True))
    line(name, "one transaction per command", single, 1.0)
    line(name, "groups", grouped, ratio)


def line(name: str, way: str, rounds: list[tuple[float, list[float]]], ratio: float) -> None:
    """Print one line of the table."""
    speed = statistics.median(speed for speed, _ in rounds)
    waits = sorted(wait for _, each in rounds for wait in each)
    p50, p99 = (1000 * waits[int(len(waits) * share)] for share in (0.5, 0.99))
    print(f"{name:<11} {way:<28} {speed:>9,.0f} {p50:>8.1f} {p99:>8.1f} {ratio:>7.1f}")


def main() -> None:
    """Print the table for SQLite, and for the PostgreSQL database that is named, if any."""
    print(f"settled commands, {TASKS} tasks, medians of {ROUNDS} rounds of {SECONDS:.0f} s")
    print(f"{'ledger':<11} {'way':<28} {'per s':>9} {'p50 ms':>8} {'p99 ms':>8} {'ratio':>7}")
    with tempfile.TemporaryDirectory(prefix="placet-bench-") as place:
        asyncio.run(compare("SQLite", f"sqlite:///{place}/placet.db"))
    for url in sys.argv[1:]:
        asyncio.run(compare("PostgreSQL", url))


if __name__ == "__main__":
    main()
