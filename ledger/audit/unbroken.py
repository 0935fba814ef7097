"""Reads the history after a mark in whole pages, and goes over no gap."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from sqlalchemy import Connection

from ledger.audit.cursors import Mark, mark_at, verify
from ledger.audit.filtering import Filter
from ledger.events.envelopes import Event, Recorded
from ledger.readings.concerning import Concern, Concerns
from ledger.readings.moments import head
from ledger.replaying.walking import UNREADABLE
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from policies.values.refusals import Refused

Concerning: TypeAlias = Callable[[Event], Concern]
"""Says whom an event concerns, looking it up where the event does not say it."""

Render: TypeAlias = Callable[[Recorded, Concerning], str | None]
"""Returns the line of an event, or None where the format has none for it."""

_PAGE = 500


@dataclass(frozen=True)
class Page:
    """The lines of the events up to `mark`, which is the last position that was wanted if `done`.

    `last` is that position.
    """

    lines: list[str]
    mark: Mark
    last: int

    @property
    def done(self) -> bool:
        """Whether nothing was left."""
        return self.mark.position >= self.last


@dataclass
class Unbroken:
    """The wanted events as lines."""

    wanted: Filter
    render: Render
    _history: History = field(default_factory=lambda: History(RecordMapper()))
    _concerns: Concerns = field(default_factory=Concerns)

    def after(self, connection: Connection, mark: Mark, last: int | None) -> Page:
        """Return the next page after `mark`, up to position `last`, by default that of the head.

        INVARIANT: every position between two marks was read, whatever was
        wanted of it. Raises Refused where the history is another than that of
        the mark, or where an event is missing or cannot be read.
        """
        verify(connection, mark)
        end = head(connection) if last is None else last
        until = min(mark.position + _PAGE, end)
        events = self._events(connection, mark.position, until)
        concern = partial(self._concerns.of, connection)
        lines = [
            line
            for event in events
            if self.wanted.wants(event, concern)
            and (line := self.render(event, concern)) is not None
        ]
        return Page(lines, mark_at(connection, until) if events else mark, end)

    def _events(self, connection: Connection, after: int, until: int) -> list[Recorded]:
        if until <= after:
            return []
        try:
            found = self._history.after(connection, after, limit=until - after)
        except UNREADABLE as error:
            raise Refused(
                f"an event after position {after} cannot be read;"
                " `placet audit replay` names what is wrong"
            ) from error
        for expected, recorded in enumerate(found, after + 1):
            if recorded.position != expected:
                raise _missing(expected)
        if len(found) < until - after:
            raise _missing(after + len(found) + 1)
        return found


def _missing(position: int) -> Refused:
    return Refused(f"the event at position {position} is missing in the ledger")
