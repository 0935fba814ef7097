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


class Runner(Protocol):
    """Runs statements on one connection, for as long as that is not lost."""

    def __call__(self, statement: str, parameters: Row) -> list[Row]:
        """Run a statement and return its rows, none where it returns none."""
        ...

    def transaction(self) -> Transaction:
        """Return a transaction on the connection."""
        ...


def runner(connection: Connection) -> Runner:
    """Return what runs statements on a connection, in the way that its database takes them."""
    if connection.dialect.name == "postgresql":
        return OnPostgres(connection)
    return OnSqlite(connection)


class OnPostgres:
    """Runs statements through SQLAlchemy."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection."""
        self._connection = connection

    def __call__(self, statement: str, parameters: Row) -> list[Row]:
        """Run a statement and return its rows, none where it returns none."""
        found = self._connection.exec_driver_sql(statement, tuple(parameters))
        return list(found) if found.returns_rows else []

    def transaction(self) -> Transaction:
        """Return a transaction on the connection."""
        return self._connection.begin()


class OnSqlite:
    """Runs statements by SQLite's driver, which is looked up once: that takes as long as they."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection that commits by itself as long as nothing has begun."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection), "SQLite's only driver"
        self._driver = driver
        self._dialect = connection.dialect

    def __call__(self, statement: str, parameters: Row) -> list[Row]:
        """Run a statement and return its rows, none where it returns none.

        Each has a cursor of its own: one that outlives an error keeps a closed file in use.
        """
        try:
            return self._driver.execute(statement, parameters).fetchall()
        except sqlite3.Error as error:
            told = DBAPIError.instance(statement, None, error, sqlite3.Error, dialect=self._dialect)
            raise told from error

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction has begun that is neither committed nor rolled back."""
        return self._driver.in_transaction

    def transaction(self) -> "SqliteTransaction":
        """Return a transaction on the connection."""
        return SqliteTransaction(self)


class SqliteTransaction:
    """A `Transaction` that holds SQLite's one write lock from its beginning."""

    def __init__(self, run: OnSqlite) -> None:
        """Begin at the block that it is entered for."""
        self._run = run

    def __enter__(self) -> Self:
        """Begin."""
        self._run("BEGIN IMMEDIATE", ())
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
            if self._run.in_transaction:
                self._run("COMMIT", ())
        except DBAPIError:
            self.rollback()
            raise

    def rollback(self) -> None:
        """Take back what was written in it; SQLite has done so itself at some errors."""
        if self._run.in_transaction:
            self._run("ROLLBACK", ())
