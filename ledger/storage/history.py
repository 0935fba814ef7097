"""Reads the events back: after a position, of a stream, of a story, of a command."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from ledger.events.envelopes import Recorded
from ledger.storage.mapper import RecordMapper
from ledger.storage.recorder import COLUMNS, record
from ledger.storage.story_index import positions
from ledger.storage.tables import EVENT


@dataclass(frozen=True)
class History:
    """The events as one mapper reads them; every method takes the connection to read on."""

    mapper: RecordMapper

    def after(
        self,
        connection: Connection,
        position: int,
        *,
        limit: int | None = None,
        stream: str | None = None,
        correlation: str | None = None,
        topics: Collection[str] = (),
        before: int | None = None,
    ) -> list[Recorded]:
        """Return the events after `position` in order, of a stream, story or names where given.

        Those at the position `before` and later are left out.
        """
        query = select(*COLUMNS).where(EVENT.c.position > position)
        if stream is not None:
            query = query.where(EVENT.c.stream == stream)
        if correlation is not None:
            sqlite = connection.dialect.name == "sqlite"
            query = query.where(
                EVENT.c.position.in_(positions(correlation))
                if sqlite
                else EVENT.c.correlation_id == correlation
            )
        if before is not None:
            query = query.where(EVENT.c.position < before)
        if topics:
            query = query.where(EVENT.c.type.in_(topics))
        return self._read(connection, query.order_by(EVENT.c.position).limit(limit))

    def of_commands(
        self, connection: Connection, commands: Iterable[str]
    ) -> dict[str, tuple[Recorded, ...]]:
        """Return what these commands have caused, by command; nothing for those that did not."""
        query = select(*COLUMNS).where(EVENT.c.command_id.in_(set(commands)))
        found: dict[str, tuple[Recorded, ...]] = {}
        for recorded in self._read(connection, query.order_by(EVENT.c.position)):
            found[recorded.command_id] = (*found.get(recorded.command_id, ()), recorded)
        return found

    def _read(self, connection: Connection, query: Select[Any]) -> list[Recorded]:
        rows = connection.execute(query).mappings()
        return [self.mapper.to_domain_event(record(row)) for row in rows]
