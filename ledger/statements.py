"""Runs the writer's few statements: through SQLAlchemy on PostgreSQL, on SQLite by its driver.

SQLite answers a statement in less time than SQLAlchemy needs to hand it over,
and a batch is a handful of them. What the driver raises becomes what
SQLAlchemy would have raised.
"""

import sqlite3
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Row: TypeAlias = Sequence[Any]


class Transaction(Protocol):
    """A transaction that begins with the block and is committed at its end, if it is still on."""

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Commit, or roll back where the block raised."""
        ...

    def rollback(self) -> None:
        """Take back what was written in it."""
        ...


class SqliteTransaction:
    """A `Transaction` that holds SQLite's one write lock from its beginning."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection that commits by itself as long as nothing has begun."""
        self._connection = connection

    def __enter__(self) -> Self:
        """Begin."""
        on_sqlite(self._connection, "BEGIN IMMEDIATE", ())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Commit, or roll back where the block or the commit raised."""
        if kind is not None:
            self.rollback()
            return
        try:
            if self._is_on:
                on_sqlite(self._connection, "COMMIT", ())
        except DBAPIError:
            self.rollback()
            raise

    def rollback(self) -> None:
        """Take back what was written in it; SQLite has done so itself at some errors."""
        if self._is_on:
            on_sqlite(self._connection, "ROLLBACK", ())

    @property
    def _is_on(self) -> bool:
        return bool(_driver(self._connection).in_transaction)


def on_postgres(connection: Connection, statement: str, parameters: Row) -> list[Row]:
    """Run a statement and return its rows, none where it returns none."""
    found = connection.exec_driver_sql(statement, tuple(parameters))
    return list(found) if found.returns_rows else []


def on_sqlite(connection: Connection, statement: str, parameters: Row) -> list[Row]:
    """Run a statement and return its rows, none where it returns none."""
    try:
        return _driver(connection).execute(statement, parameters).fetchall()
    except sqlite3.Error as error:
        told = DBAPIError.instance(
            statement, None, error, sqlite3.Error, dialect=connection.dialect
        )
        raise told from error


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection), "SQLite's only driver"
    return driver
