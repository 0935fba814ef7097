"""Reads what the projections keep, for whoever asks the ledger; never in the event loop."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, select

from ledger.agents import LedgerAgent
from ledger.approvals import Approval, ApprovalStatus
from ledger.calls import CallRecord
from ledger.clock import micros, moment
from ledger.databases import Database
from ledger.decided_calls import DecidedCall, decided_call
from ledger.envelopes import Model, Recorded
from ledger.grants import Grant
from ledger.history import History
from ledger.policy_in_force import STREAM, PolicyInForce
from ledger.projections import find_model, read_models
from ledger.reviews import Review
from ledger.tables import PROJECTIONS
from ledger.tools import SeenTool

_M = TypeVar("_M", bound=Model)


@dataclass(frozen=True)
class Deadline:
    """Something that ends by itself: an approval, a grant or a running call, and when (UTC)."""

    kind: str
    id: str
    at: datetime


@dataclass(frozen=True)
class Readings:
    """Synchronous reads on connections of their own; `now` returns UTC and counts on SQLite."""

    database: Database
    history: History
    now: Callable[[], datetime]

    def clock(self) -> datetime:
        """Return the ledger's time: the database's on PostgreSQL."""
        if not self.database.postgres:
            return self.now()
        with self.database.reading.connect() as connection:
            now: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return now

    def events(
        self, after: int, limit: int, stream: str | None, correlation: str | None
    ) -> list[Recorded]:
        """Return events after a position, in order."""
        with self.database.reading.connect() as connection:
            return self.history.after(
                connection, after, limit=limit, stream=stream, correlation=correlation
            )

    def approval(self, name: str) -> Approval | None:
        """Return an approval, whatever became of it."""
        return self._one("approval", name, Approval)

    def grant(self, name: str) -> Grant | None:
        """Return a grant, live or ended."""
        return self._one("grant", name, Grant)

    def call(self, name: str) -> CallRecord | None:
        """Return a call."""
        return self._one("call", name, CallRecord)

    def decided(self, name: str) -> DecidedCall | None:
        """Return how a call stands, as of one moment."""
        with self.database.snapshot() as connection:
            return decided_call(connection, self.history, name)

    def policy(self) -> PolicyInForce | None:
        """Return the policy in force."""
        return self._one("policy", STREAM, PolicyInForce)

    def approvals(self, statuses: tuple[ApprovalStatus, ...], limit: int) -> list[Approval]:
        """Return approvals of these states, of all states where none is named, newest first."""
        table = PROJECTIONS["approval"]
        query = select(table.c.state).order_by(table.c.requested_at.desc(), table.c.id.desc())
        if statuses:
            query = query.where(table.c.status.in_([status.value for status in statuses]))
        return self._many("approval", query.limit(limit), Approval)

    def grants(self, *, live: bool) -> list[Grant]:
        """Return the grants that are in force, or all of them, by id."""
        table = PROJECTIONS["grant"]
        query = select(table.c.state).order_by(table.c.id)
        if live:
            query = query.where(table.c.open == 1, table.c.deadline > micros(self.clock()))
        return self._many("grant", query, Grant)

    def agents(self) -> list[LedgerAgent]:
        """Return the ledger's agents, live and revoked, by name."""
        table = PROJECTIONS["agent"]
        return self._many("agent", select(table.c.state).order_by(table.c.id), LedgerAgent)

    def tools(self, server: str) -> list[SeenTool]:
        """Return the tools that were ever seen of a server, by name."""
        table = PROJECTIONS["tool"]
        query = select(table.c.state).where(table.c.server == server).order_by(table.c.id)
        return self._many("tool", query, SeenTool)

    def review(self, name: str) -> Review | None:
        """Return a card about changed tools."""
        return self._one("review", name, Review)

    def reviews(self, server: str | None) -> list[Review]:
        """Return the cards about a server's changed tools, or the open ones of all servers."""
        table = PROJECTIONS["review"]
        wanted = table.c.open == 1 if server is None else table.c.server == server
        query = select(table.c.state).where(wanted).order_by(table.c.position)
        return self._many("review", query, Review)

    def deadlines(self, before: datetime | None, limit: int | None) -> list[Deadline]:
        """Return what ends by itself, the earliest first; only what is due `before`, if given."""
        found = []
        with self.database.reading.connect() as connection:
            for kind in ("approval", "grant", "call"):
                column = PROJECTIONS[kind].c.deadline
                query = select(PROJECTIONS[kind].c.id, column).where(column.is_not(None))
                if before is not None:
                    query = query.where(column <= micros(before))
                for name, at in connection.execute(query.order_by(column).limit(limit)):
                    found.append(Deadline(kind, name, moment(at)))
        return found

    def _one(self, kind: str, name: str, model: type[_M]) -> _M | None:
        with self.database.reading.connect() as connection:
            found = find_model(connection, kind, name)
        assert found is None or isinstance(found, model), "a kind has one model"
        return found

    def _many(self, kind: str, query: Select[str], model: type[_M]) -> list[_M]:
        with self.database.reading.connect() as connection:
            found = read_models(connection, kind, query)
        return [each for each in found if isinstance(each, model)]
