"""Measures how long an append waits while PostgreSQL is maintained, beside a recorder that locks.

Run it by `make bench`, or `python tests/benchmarks/bench_maintenance.py [--seconds 6]`. VACUUM,
ANALYZE and CREATE INDEX CONCURRENTLY go round and round on the table of events while one caller
appends. VACUUM is throttled, so that a small table takes the second or two that a large one
takes. The other recorder is that of the library eventsourcing (`eventsourcing.postgres`), which
takes a table lock for each append that all of these conflict with, and that can end in a deadlock
with the making of an index: PostgreSQL then ends one of the two, and which is not an error here.
"""

import argparse
import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

import psycopg  # noqa: E402 (the path is set first)
from acme import DIRECTORY, PREPARED  # noqa: E402 (the same)
from bench_ledger import allowed_call, now  # noqa: E402 (the same)
from conftest import postgres  # noqa: E402 (the same)
from eventsourcing.persistence import StoredEvent  # noqa: E402 (the same)
from eventsourcing.postgres import (  # noqa: E402 (the same)
    PostgresApplicationRecorder,
    PostgresDatastore,
)
from maintenance import Table, maintained  # noqa: E402 (the same)

from ledger.ledger import Ledger  # noqa: E402 (the same)

GROUP = 100
MOST_TO_QUIET, MOST_TO_OTHER = 5.0, 0.1
STATE = b"x" * 600

Append = Callable[[], Awaitable[object]]


OURS = Table("ledger_event", "at")
THEIRS = Table("locked_events", "originator_version", locked=True)


async def longest(append: Append, seconds: float) -> tuple[float, int]:
    """Return the seconds of the longest of appends one after the other, and how many there were."""
    until, slowest, count = time.perf_counter() + seconds, 0.0, 0
    while (began := time.perf_counter()) < until:
        await append()
        slowest, count = max(slowest, time.perf_counter() - began), count + 1
    return slowest, count


async def both(name: str, append: Append, url: str, table: Table, seconds: float) -> list[float]:
    """Print and return the longest append without maintenance, and with it."""
    found = []
    for way in ("quiet", "maintained"):
        if way == "quiet":
            slowest, count = await longest(append, seconds)
        else:
            with maintained(url, table):
                slowest, count = await longest(append, seconds)
        print(f"{name:<22} {way:<11} {count:>8,} {1000 * slowest:>12.1f}")
        found.append(slowest)
    return found


async def measured(
    url: str, *, events: int, seconds: float, rounds: int
) -> list[tuple[float, float]]:
    """Return, round by round, ours maintained to ours quiet, and to the other one maintained."""
    ratios = []
    with (
        Ledger.open(
            f"postgresql+psycopg://{url.partition('://')[2]}", now=now, directory=DIRECTORY
        ) as ledger,
        recorder(url) as other,
    ):
        for command in PREPARED:
            await ledger.execute(command)
        for _ in range(events // GROUP):
            await asyncio.gather(*(ledger.execute(allowed_call()) for _ in range(GROUP)))
        for _ in range(events // GROUP):
            other(GROUP)

        async def ours() -> None:
            await ledger.execute(allowed_call())

        async def theirs() -> None:
            await asyncio.to_thread(other, 1)

        for _ in range(rounds):
            quiet, kept = await both("placet", ours, url, OURS, seconds)
            _, locked = await both("with a table lock", theirs, url, THEIRS, seconds)
            ratios.append((kept / quiet, kept / locked))
    return ratios


@contextmanager
def recorder(url: str) -> Iterator[Callable[[int], object]]:
    """Give what appends so many events by the library's own recorder."""
    where = psycopg.conninfo.conninfo_to_dict(url)
    datastore = PostgresDatastore(
        dbname=str(where["dbname"]),
        host=str(where["host"]),
        port=str(where.get("port", 5432)),
        user=str(where["user"]),
        password=str(where.get("password", "")),
    )
    found = PostgresApplicationRecorder(datastore, events_table_name=THEIRS.name)
    found.create_table()
    numbers = itertools.count(1)
    stream = uuid4()

    def append(count: int) -> object:
        events = [StoredEvent(stream, next(numbers), "topic", STATE) for _ in range(count)]
        return found.insert_events(events)

    try:
        yield append
    finally:
        datastore.close()


def main() -> None:
    """Print the longest appends, and whether the bars hold."""
    parser = argparse.ArgumentParser(description="Measures appends during maintenance.")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each run (default: 6)")
    parser.add_argument("--rounds", type=int, default=3, help="that take turns (default: 3)")
    parser.add_argument(
        "--events", type=int, default=20_000, help="in each table beforehand (default: 20000)"
    )
    arguments = parser.parse_args()
    print("\nthe longest of one caller's appends on PostgreSQL, while its table is maintained")
    print(f"{'recorder':<22} {'table':<11} {'appends':>8} {'longest ms':>12}")
    with postgres(Path(tempfile.mkdtemp(prefix="placet-postgres-"))) as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = on")
            connection.execute("SELECT pg_reload_conf()")
        ratios = asyncio.run(
            measured(
                server.get_uri(),
                events=arguments.events,
                seconds=arguments.seconds,
                rounds=arguments.rounds,
            )
        )
    quiet = statistics.median(ratio for ratio, _ in ratios)
    other = statistics.median(ratio for _, ratio in ratios)
    for what, ratio, bar in (
        ("maintained to quiet", quiet, MOST_TO_QUIET),
        ("maintained to a table lock's", other, MOST_TO_OTHER),
    ):
        verdict = "met" if ratio <= bar else "missed"
        print(f"{what:<34} {ratio:>8.2f} (at most {bar:g}) {verdict}")


if __name__ == "__main__":
    main()
