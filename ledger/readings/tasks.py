"""Keeps, for as long as they last, what tasks must have at hand; beside the history, sealed."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from ledger.clock import micros, moment
from ledger.storage.databases import Database
from ledger.storage.tables import HANDLE, PROJECTIONS, TASK
from ledger.storage.upserts import upserting

_T = TypeVar("_T")


@dataclass(frozen=True)
class KeptTask:
    """A task as it is kept: whose it is, which approval it waits for, and what is sealed.

    `principal` is that of the agent. `request` is what is sent once approved,
    `result` what came of it; who seals them is no business of the ledger. Times are UTC.
    """

    id: str
    principal: str
    server: str
    approval: str
    created_at: datetime
    expires_at: datetime
    request: bytes | None = None
    result: bytes | None = None
    cancelled: bool = False


@dataclass(frozen=True)
class Handle:
    """A name that a server gave to a task of its own, and the only caller that may use it."""

    server: str
    name: str
    principal: str
    expires_at: datetime


class _Run(Protocol):
    def __call__(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """Run `work` beside the event loop; raises LedgerUnavailable."""
        ...


class Tasks:
    """The tasks of all processes. Every method raises LedgerUnavailable.

    Nothing of this is history: the approval that a task waits for is, and it
    says which task used it. What returns is on disk.
    """

    def __init__(self, database: Database, run: _Run) -> None:
        """Work on `database`; `run` runs what blocks."""
        self._database = database
        self._run = run

    @property
    def shared(self) -> bool:
        """Whether other processes may have them, too: SQLite takes one that serves at a time."""
        return self._database.postgres

    async def put(self, task: KeptTask, most: int) -> bool:
        """Keep a task; False where its principal has `most` already.

        One that is kept already stays as it is.
        """
        return await self._write(lambda connection: _put(connection, task, most))

    async def find(self, name: str) -> KeptTask | None:
        """Return a task by its id."""

        def found() -> KeptTask | None:
            with self._database.reading.connect() as connection:
                row = connection.execute(select(TASK).where(TASK.c.id == name)).mappings().first()
            return None if row is None else _task(row)

        return await self._run(found)

    async def settle(self, name: str, result: bytes, until: datetime) -> None:
        """Keep what came of a task, for which its request is not needed any more."""
        values = {"result": result, "request": None, "expires_at": micros(until)}
        await self._change(name, values)

    async def exchange(
        self, name: str, before: bytes | None, after: bytes, until: datetime
    ) -> bool:
        """Keep what came of a task in the place of `before`; False where that is not there now."""
        values = {"result": after, "expires_at": micros(until)}
        same = (TASK.c.id == name) & TASK.c.result.is_not_distinct_from(before)

        def exchanged(connection: Connection) -> bool:
            return connection.execute(update(TASK).where(same).values(values)).rowcount == 1

        return await self._write(exchanged)

    async def cancel(self, name: str, until: datetime) -> None:
        """Note that a task is not wanted any more; once its approval ended it is kept `until`."""
        values = {"cancelled": 1, "request": None, "expires_at": micros(until)}
        await self._change(name, values)

    async def cancelled(self, names: Collection[str]) -> list[str]:
        """Return those of these tasks that nobody wants any more."""
        which = select(TASK.c.id).where(TASK.c.id.in_(names), TASK.c.cancelled == 1)

        def found() -> list[str]:
            with self._database.reading.connect() as connection:
                return [*connection.execute(which).scalars()]

        return await self._run(found) if names else []

    async def keep_until(self, name: str, until: datetime) -> None:
        """Keep a task until a time, and no longer."""
        await self._change(name, {"expires_at": micros(until)})

    async def own(self, handle: Handle) -> None:
        """Note whose a server's task is; a name that is handed out anew has a new owner."""
        await self._write(lambda connection: _own(connection, handle))

    async def owner(self, server: str, name: str) -> Handle | None:
        """Return whose a server's task is, as far as is known."""
        found = await self._handles(HANDLE.c.server == server, HANDLE.c.name == name)
        return found[0] if found else None

    async def owned(self, server: str, principal: str) -> list[Handle]:
        """Return the tasks of a server that are a caller's own."""
        return await self._handles(HANDLE.c.server == server, HANDLE.c.principal == principal)

    async def sweep(self, at: datetime) -> None:
        """Drop what is over at `at`, and the requests of approvals that ended.

        A task whose approval is open stays, whatever its time.
        """

        def due() -> bool:
            with self._database.reading.connect() as connection:
                return any(
                    connection.execute(
                        select(func.count()).select_from(table).where(which)
                    ).scalar()
                    for table, which in _over(at)
                )

        def swept(connection: Connection) -> None:
            ended, spent, gone = (which for _, which in _over(at))
            connection.execute(delete(TASK).where(ended))
            connection.execute(update(TASK).where(spent).values(request=None))
            connection.execute(delete(HANDLE).where(gone))

        if await self._run(due):
            await self._write(swept)

    async def _handles(self, *which: ColumnElement[bool]) -> list[Handle]:
        def found() -> list[Handle]:
            with self._database.reading.connect() as connection:
                rows = connection.execute(select(HANDLE).where(*which)).mappings().all()
            return [_known(row) for row in rows]

        return await self._run(found)

    async def _change(self, name: str, values: dict[str, Any]) -> None:
        await self._write(
            lambda connection: connection.execute(
                update(TASK).where(TASK.c.id == name).values(values)
            )
        )

    async def _write(self, work: Callable[[Connection], _T]) -> _T:
        def within() -> _T:
            with self._database.write() as connection:
                return work(connection)

        return await self._run(within)


def _put(connection: Connection, task: KeptTask, most: int) -> bool:
    mine = select(func.count()).select_from(TASK).where(TASK.c.principal == task.principal)
    if connection.execute(mine).scalar_one() >= most:
        return False
    row = upserting(connection, TASK).values(_row(task))
    connection.execute(row.on_conflict_do_nothing(index_elements=[TASK.c.id]))
    return True


def _own(connection: Connection, handle: Handle) -> None:
    known = (HANDLE.c.server == handle.server) & (HANDLE.c.name == handle.name)
    connection.execute(delete(HANDLE).where(known))
    values = vars(handle) | {"expires_at": micros(handle.expires_at)}
    connection.execute(insert(HANDLE).values(values))


def _over(at: datetime) -> tuple[tuple[Table, ColumnElement[bool]], ...]:
    """Return what is over: tasks that ended, requests that nothing will send, handles."""
    approval = PROJECTIONS["approval"]
    ended = TASK.c.approval.not_in(select(approval.c.id).where(approval.c.open == 1))
    now = micros(at)
    return (
        (TASK, ended & (TASK.c.expires_at <= now)),
        (TASK, ended & TASK.c.request.is_not(None)),
        (HANDLE, HANDLE.c.expires_at <= now),
    )


def _row(task: KeptTask) -> dict[str, Any]:
    return vars(task) | {
        "created_at": micros(task.created_at),
        "expires_at": micros(task.expires_at),
        "cancelled": int(task.cancelled),
    }


def _task(row: RowMapping) -> KeptTask:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    values["created_at"] = moment(values["created_at"])
    values["expires_at"] = moment(values["expires_at"])
    values["cancelled"] = bool(values["cancelled"])
    return KeptTask(**values)


def _known(row: RowMapping) -> Handle:
    values: dict[str, Any] = {str(name): value for name, value in row.items()}
    values["expires_at"] = moment(values["expires_at"])
    return Handle(**values)
