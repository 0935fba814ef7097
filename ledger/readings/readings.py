"""Reads what the projections keep, for whoever asks the ledger; never in the event loop."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from sqlalchemy import Connection, Select, select

from ledger.clock import micros, moment
from ledger.events.envelopes import Event, Model, Recorded
from ledger.events.standing_events import InstructionsSeen, ToolSeen
from ledger.lives.agents import LedgerAgent
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallRecord
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import STREAM, PolicyInForce
from ledger.lives.reviews import Review
from ledger.lives.servers import KnownServer
from ledger.lives.tools import SeenTool
from ledger.readings.decided_calls import DecidedCall, decided_call
from ledger.storage.databases import Database
from ledger.storage.history import History
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import EVENT, PROJECTIONS

_M = TypeVar("_M", bound=Model)

_MOST_REVIEWS = 200
_SIGHTINGS = (ToolSeen.TOPIC, InstructionsSeen.TOPIC)


@dataclass(frozen=True)
class Deadline:
    """Something that ends by itself: an approval, a grant, a freeze, a call; and when (UTC)."""

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

    def reviews(self, server: str) -> list[Review]:
        """Return the newest cards about a server's changed tools, oldest first, 200 at most."""
        table = PROJECTIONS["review"]
        query = select(table.c.state).where(table.c.server == server)
        newest = query.order_by(table.c.position.desc()).limit(_MOST_REVIEWS)
        return sorted(self._many("review", newest, Review), key=lambda review: review.begun)

    def server(self, name: str) -> KnownServer | None:
        """Return what is known of a server as a whole."""
        return self._one("server", name, KnownServer)

    def definitions(
        self, server: str, wanted: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Return definitions that a server's tools ever had, by name and hash, as far as known."""
        found: dict[tuple[str, str], str] = {}
        with self.database.reading.connect() as connection:
            for tool, group in groupby(sorted(set(wanted)), key=lambda one: one[0]):
                hashes = {wanted_hash for _, wanted_hash in group}
                for event in self._sightings(connection, f"tool-{server}/{tool}"):
                    if isinstance(event, ToolSeen) and event.hash in hashes:
                        found[tool, event.hash] = event.definition
                        hashes.discard(event.hash)
                    if not hashes:
                        break
        return found

    def instructions(self, server: str, wanted: Iterable[str]) -> dict[str, str]:
        """Return what a server ever told models to do, by hash, as far as known."""
        hashes = set(wanted)
        with self.database.reading.connect() as connection:
            return {
                event.hash: event.text
                for event in self._sightings(connection, f"server-{server}")
                if isinstance(event, InstructionsSeen) and event.hash in hashes
            }

    def _sightings(self, connection: Connection, stream: str) -> Iterator[Event]:
        """Yield what was seen of a tool or server, the newest first."""
        query = (
            select(EVENT.c.type, EVENT.c.state)
            .where(EVENT.c.stream == stream, EVENT.c.type.in_(_SIGHTINGS))
            .order_by(EVENT.c.version.desc())
        )
        for topic, state in connection.execute(query):
            yield self.history.mapper.event(topic, bytes(state))

    def deadlines(self, before: datetime | None, limit: int | None) -> list[Deadline]:
        """Return what ends by itself, the earliest first; only what is due `before`, if given."""
        found = []
        with self.database.reading.connect() as connection:
            for kind in ("approval", "grant", "freeze", "request", "delegation", "call"):
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
