"""Picks the events of the log that somebody asks for, a page at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from ledger.events.envelopes import Event, Recorded
from ledger.readings.concerning import Concern, Concerns
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from policies.rules.decisions import Effect
from policies.values.matching import Glob


@dataclass(frozen=True)
class Filter:
    """Which events are asked for: of an agent, a server, some names, calls decided in one way.

    None stands for all. The server that an event concerns may be a grant's glob.
    """

    agent: str | None = None
    server: str | None = None
    names: frozenset[str] = frozenset()
    decision: Effect | None = None

    def wants(self, recorded: Recorded, concern: Callable[[Event], Concern]) -> bool:
        """Tell whether an event is asked for; `concern` says whom it concerns."""
        if self.names and recorded.event.TOPIC not in self.names:
            return False
        if self.agent is None and self.server is None and self.decision is None:
            return True
        of = concern(recorded.event)
        mine = self.agent in {None, of.agent} or recorded.actor == f"agent:{self.agent}"
        there = self.server is None or (
            of.server is not None and Glob(of.server).matches(self.server)
        )
        return mine and there and self.decision in {None, of.effect}


def matching(connection: Connection, wanted: Filter, after: int, last: int) -> Iterator[Recorded]:
    """Yield the events after position `after`, up to `last`, that are wanted, in order."""
    history = History(RecordMapper())
    concern = partial(Concerns().of, connection)
    for recorded in history.after(connection, after, limit=max(last - after, 0)):
        if recorded.position <= last and wanted.wants(recorded, concern):
            yield recorded
