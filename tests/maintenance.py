"""Maintains a table of PostgreSQL again and again, as autovacuum and operators do now and then."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg.errors import DeadlockDetected


@dataclass(frozen=True)
class Table:
    """A table of events, a column of it to index, and whether its recorder locks all of it."""

    name: str
    column: str
    locked: bool = False


@contextmanager
def maintained(url: str, table: Table) -> Iterator[None]:
    """Maintain a table again and again for the length of a block."""
    ended, index = threading.Event(), f"measured_{table.name}"
    indexed = f"{index} ON {table.name} ({table.column})"
    ended_by_locks = [DeadlockDetected] if table.locked else []

    def maintain() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET vacuum_cost_delay = '10ms'")
            connection.execute("SET vacuum_cost_limit = 20")
            while not ended.is_set():
                connection.execute(f"VACUUM (DISABLE_PAGE_SKIPPING) {table.name}")
                connection.execute(f"ANALYZE {table.name}")
                for statement in (
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {indexed}",
                    f"DROP INDEX CONCURRENTLY IF EXISTS {index}",
                ):
                    with suppress(*ended_by_locks):
                        connection.execute(statement)

    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(maintain)
        try:
            yield
        finally:
            ended.set()
            working.result()
