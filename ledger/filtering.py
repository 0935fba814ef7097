"""Picks the events of the log that somebody asks for, a page at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from sqlalchemy import Connection

from ledger.approvals import Approval
from ledger.calls import CallRecord
from ledger.envelopes import Event, Model, Recorded
from ledger.grants import Grant
from ledger.history import History
from ledger.mapper import RecordMapper
from ledger.projections import find_model
from policies.matching import Glob

_Owner: TypeAlias = tuple[str | None, str | None]
"""The agent and the server that something concerns; a grant's server may be a glob."""

_NOBODY: _Owner = (None, None)


@dataclass(frozen=True)
class Filter:
    """Which events the log shows: of an agent, of a server, of some names; None stands for all."""

    agent: str | None = None
    server: str | None = None
    names: frozenset[str] = frozenset()

    def wants(self, recorded: Recorded, owner: Callable[[Recorded], _Owner]) -> bool:
        """Tell whether an event is asked for; `owner` says whom it concerns."""
        if self.names and recorded.event.TOPIC not in self.names:
            return False
        if self.agent is None and self.server is None:
            return True
        agent, server = owner(recorded)
        mine = self.agent in {None, agent} or recorded.actor == f"agent:{self.agent}"
        there = self.server is None or (server is not None and Glob(server).matches(self.server))
        return mine and there


def matching(connection: Connection, wanted: Filter, after: int, last: int) -> Iterator[Recorded]:
    """Yield the events after position `after`, up to `last`, that are wanted, in order."""
    history = History(RecordMapper())

    @lru_cache(maxsize=4096)
    def owner_of(kind: str, name: str) -> _Owner:
        return _owner(find_model(connection, kind, name))

    def owner(recorded: Recorded) -> _Owner:
        return _concerned(recorded.event, owner_of)

    for recorded in history.after(connection, after, limit=max(last - after, 0)):
        if recorded.position <= last and wanted.wants(recorded, owner):
            yield recorded


def _concerned(event: Event, owner_of: Callable[[str, str], _Owner]) -> _Owner:
    """Return whom an event concerns: what it says itself, else what its subject says."""
    agent, server = getattr(event, "agent", None), getattr(event, "server", None)
    if target := getattr(event, "target", None):
        server = str(target).partition("/")[0]
    if agent is not None or server is not None:
        return agent, server
    for kind in ("approval", "call", "grant"):
        name = getattr(event, kind, None)
        if name is not None:
            return owner_of(kind, name)
    return _NOBODY


def _owner(model: Model | None) -> _Owner:
    match model:
        case Approval():
            return model.request.agent, model.request.server
        case CallRecord():
            return model.agent, model.server
        case Grant():
            return model.agent, model.target.partition("/")[0]
        case _:
            return _NOBODY
