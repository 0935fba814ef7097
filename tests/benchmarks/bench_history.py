"""Measures what proofs and years cost: sealing, validated replay, and a million events.

Run it by `make bench`, or `python tests/benchmarks/bench_history.py`. All figures are ratios of
what took turns in one run; the absolute ones beside them say little about another machine.
"""

import asyncio
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from acme import DIRECTORY, PREPARED  # noqa: E402 (the path is set first)
from bench_ledger import allowed_call, measure, now  # noqa: E402 (the same)
from eventsourcing.domain import Aggregate  # noqa: E402 (the same)
from eventsourcing.persistence import (  # noqa: E402 (the same)
    DatetimeAsISO,
    JSONTranscoder,
    Mapper,
    UUIDAsHex,
)
from sqlalchemy import create_engine, select, text  # noqa: E402 (the same)

from ledger.audit.searching import story  # noqa: E402 (the same)
from ledger.ledger import Ledger  # noqa: E402 (the same)
from ledger.proofs.signing import Signer  # noqa: E402 (the same)
from ledger.storage.mapper import RecordMapper  # noqa: E402 (the same)
from ledger.storage.recorder import COLUMNS, record  # noqa: E402 (the same)

ROUNDS = 5
FEW, MANY = 10_000, 1_000_000
EVENTS = 20_000
SIGNER = Signer([b"b" * 32])

_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :events)
INSERT INTO {table} SELECT {columns} FROM {table}, n WHERE {where}
"""


@contextmanager
def ledger_in(folder: str, name: str, *, sealed: bool = False) -> Iterator[Ledger]:
    """Open a ledger of its own for the length of a block."""
    with Ledger.open(f"sqlite:///{folder}/{name}.db", now=now, directory=DIRECTORY) as ledger:
        if sealed:
            ledger.seal(SIGNER)
        yield ledger


async def prepared(ledger: Ledger) -> None:
    """Record what a serving Placet records before the first call."""
    for command in PREPARED:
        await ledger.execute(command)


async def sealing() -> None:
    """Print what sealing takes of the throughput at 50 tasks."""
    shares = []
    for number in range(ROUNDS):
        speeds = {}
        for sealed in (number % 2 == 0, number % 2 == 1):
            with (
                tempfile.TemporaryDirectory() as folder,
                ledger_in(folder, "it", sealed=sealed) as ledger,
            ):
                await prepared(ledger)
                speeds[sealed] = (await measure(ledger.execute)).speed
        shares.append(1 - speeds[True] / speeds[False])
    verdict("sealing's share of the throughput at 50 tasks", statistics.median(shares), 0.10)


class Thing(Aggregate):
    """An aggregate of the library's own, with an event of about our size."""

    class Happened(Aggregate.Event):
        """What happened; the fields are those of a decision, as text."""

        content: dict[str, str]


async def replay() -> None:
    """Print how fast validated events are read, of the library's mapper on the same contents."""
    with tempfile.TemporaryDirectory() as folder, ledger_in(folder, "it") as ledger:
        await prepared(ledger)
        await asyncio.gather(*(ledger.execute(allowed_call()) for _ in range(4_000)))
        rows = await ledger.look(
            lambda seen: [record(row) for row in seen.execute(select(*COLUMNS)).mappings()]
        )
    ours = RecordMapper()
    library = Mapper(JSONTranscoder())
    for transcoding in (UUIDAsHex(), DatetimeAsISO()):
        library.transcoder.register(transcoding)
    thing = Thing()
    theirs = []
    for row in rows:
        content = {name: str(value) for name, value in ours.event(row.topic, row.state)}
        thing.trigger_event(Thing.Happened, content=content)
        theirs.append(library.to_stored_event(thing.collect_events()[-1]))
    ratios = []
    for _ in range(ROUNDS):
        mine = seconds(lambda: [ours.to_domain_event(row) for row in rows])
        other = seconds(lambda: [library.to_domain_event(row) for row in theirs])
        ratios.append(other / mine)
    verdict(
        "validated replay, of the library's own mapper", statistics.median(ratios), 0.8, least=True
    )
    print(f"{'':<50} {len(rows) / mine:>10,.0f} events a second")


@dataclass(frozen=True)
class Age:
    """What a ledger of some length takes: seconds to start, to show a story, to decide a call."""

    start: float
    show: float
    decide: float


async def aged(folder: str, events: int) -> Age:
    """Return what a ledger with so many events takes."""
    name = f"of-{events}"
    with ledger_in(folder, name) as ledger:
        await prepared(ledger)
        await ledger.execute(allowed_call())
    fill(f"sqlite:///{folder}/{name}.db", events)
    began = time.perf_counter()
    with ledger_in(folder, name, sealed=False) as ledger:
        call = allowed_call()
        await ledger.execute(call)
        start = time.perf_counter() - began
        known = call.facts.call  # type: ignore[attr-defined]
        shown = [await timed(ledger, known) for _ in range(50)]
        decided = []
        for _ in range(200):
            began = time.perf_counter()
            await ledger.execute(allowed_call())
            decided.append(time.perf_counter() - began)
    return Age(start, statistics.median(shown), statistics.median(decided))


async def timed(ledger: Ledger, call: str) -> float:
    """Return how long the story of a call takes to be read."""
    began = time.perf_counter()
    await ledger.look(lambda seen: story(seen, "call", call))
    return time.perf_counter() - began


def fill(url: str, events: int) -> None:
    """Add calls like the last one, each with its event and its row."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for table, where in (
            ("ledger_event", "position = (SELECT max(position) FROM ledger_event)"),
            ("projected_call", "true"),
        ):
            names = [
                row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})").all()
            ]
            columns = ", ".join(map(_filled(table), names))
            statement = _FILL.format(table=table, columns=columns, where=where)
            connection.execute(text(statement), {"events": events})
        connection.execute(
            text("UPDATE ledger_head SET position = (SELECT max(position) FROM ledger_event)")
        )
    engine.dispose()


def _filled(table: str) -> Callable[[str], str]:
    new = {
        "position": "position + i",
        "stream": "stream || '-' || i",
        "id": "id || '-' || i",
        "command_id": "command_id || '-' || i",
        "correlation_id": "correlation_id || '-' || i",
        "open": "0",
    }
    return lambda name: new.get(name, f'{table}."{name}"')


async def years() -> None:
    """Print what a million events cost beside ten thousand."""
    ages: dict[int, list[Age]] = {FEW: [], MANY: []}
    with tempfile.TemporaryDirectory() as folder:
        for events in (FEW, MANY):
            ages[events].append(await aged(folder, events))
    few, many = ages[FEW][0], ages[MANY][0]
    for what in ("start", "show", "decide"):
        before, after = getattr(few, what), getattr(many, what)
        verdict(f"{what} at {MANY:,} events, of that at {FEW:,}", after / before, 1.5)
        print(f"{'':<50} {1000 * before:>10.2f} ms and {1000 * after:.2f} ms")


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def verdict(what: str, value: float, limit: float, *, least: bool = False) -> None:
    """Print a ratio, its bar, and whether it is met."""
    met = value >= limit if least else value <= limit
    sign = "≥" if least else "≤"
    print(f"{what:<50} {sign} {limit:>4g} {value:>8.3g}  {'met' if met else 'NOT met'}", flush=True)


def main() -> None:
    """Print everything."""
    gc.disable()
    asyncio.run(sealing())
    asyncio.run(replay())
    asyncio.run(years())


if __name__ == "__main__":
    main()
