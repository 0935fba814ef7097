"""Puts rebuilt rows in the place of projections that are not what the events make.

Nothing is built in the ledger's own database: kept tables are read and compared
while everybody goes on, and what differs is replaced in one transaction, under
the head row. A process that is killed before that has changed nothing and left
nothing behind.
"""

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Text, cast, delete, literal
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import LargeBinary, NullType

from ledger.clock import micros, moment
from ledger.deciding.placing import header
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import ProjectionsMended
from ledger.lives.kinds import KINDS
from ledger.readings.moments import head
from ledger.replaying.attic import Attic
from ledger.replaying.rebuilding import Difference, Named, Rebuilt, is_text
from ledger.storage.appending import Appender, Head
from ledger.storage.databases import Database
from ledger.storage.faults import because
from ledger.storage.mapper import RecordMapper
from ledger.storage.statements import runner
from ledger.storage.tables import PROJECTIONS
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_CLOSE = 500
"""Events that may be left to fold while the head row is held."""

_ROUNDS = 20
"""How often the rest is folded and compared, before it is done under the head row anyway."""

_ATTEMPTS = 5
"""How often it is done anew, where somebody redacts an event meanwhile or no turn comes."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mended:
    """What differed and was replaced, and the position up to which the events were folded."""

    differences: Sequence[Difference]
    position: int


@dataclass(frozen=True)
class Mender:
    """Mends the projections of `database`, as `actor`.

    `now` returns UTC and counts on SQLite; `reach` is called where a test may
    kill the process.
    """

    database: Database
    actor: str
    now: Callable[[], datetime]
    reach: Callable[[str], None] = lambda _point: None

    def mend(self, progress: Progress = lambda _done, _all: None) -> Mended:
        """Rebuild every projection aside, and replace the kept rows that differ.

        Others may write meanwhile. Raises WrongHistory and what
        `Rebuilt.fold` raises, and then nothing was changed.
        """
        for _ in range(_ATTEMPTS):
            with Attic() as attic:
                rebuilt = Rebuilt(attic)
                with self.database.reading.connect() as connection:
                    begun = head(connection)
                    rebuilt.fold(connection, begun, progress)
                suspects = self._suspects(rebuilt, progress)
                mended = self._in_turn(rebuilt, suspects, begun)
            if mended is not None:
                return mended
        raise Refused("others wrote or redacted all the while, nothing was changed; try again")

    def _in_turn(self, rebuilt: Rebuilt, suspects: set[Named], begun: int) -> Mended | None:
        """Swap, or return None where it has to be tried anew: SQLite lets nobody queue."""
        try:
            return self._swapped(rebuilt, suspects, begun)
        except OperationalError as busy:
            _LOG.warning("the rows could not be replaced yet: %s", because(busy))
            return None

    def _suspects(self, rebuilt: Rebuilt, progress: Progress) -> set[Named]:
        """Fold nearly all there is, and return which rows differed when they were compared."""
        suspects: set[Named] | None = None
        for _ in range(_ROUNDS):
            with self.database.snapshot() as connection:
                changed = rebuilt.fold(connection, head(connection), progress)
                only = None if suspects is None else suspects | changed
                found = rebuilt.differences(connection, only)
            suspects = {(each.kind, each.id) for each in found}
            with self.database.reading.connect() as connection:
                if head(connection) - rebuilt.position <= _CLOSE:
                    break
        self.reach("compared")
        return suspects or set()

    def _swapped(self, rebuilt: Rebuilt, suspects: set[Named], begun: int) -> Mended | None:
        """Replace what differs now, and record it, while nobody else can write.

        None where an event was redacted after position `begun`: its content
        may have been read before, and must not come back.

        INVARIANT: rows that are neither suspects nor changed by the events
        since were equal when they were compared, and only events change them.
        """
        appender = Appender(postgres=self.database.postgres)
        if self.database.misplaced:
            raise LedgerUnavailable("the ledger's file was moved or replaced: put it back")
        with self.database.write() as connection:
            taken = appender.take_head(runner(connection))
            changed = rebuilt.fold(connection, taken.position)
            if rebuilt.redacted_at > begun:
                return None
            found = rebuilt.differences(connection, suspects | changed)
            if found:
                _replace(connection, appender, found)
                self._record(connection, appender, taken, found)
            self.reach("mended")
        return Mended(found, rebuilt.position)

    def _record(
        self, connection: Connection, appender: Appender, taken: Head, found: list[Difference]
    ) -> None:
        counts = Counter(each.kind for each in found)
        event = ProjectionsMended(rows={kind: counts[kind] for kind in KINDS if counts[kind]})
        at = max(micros(self.now()) if taken.now is None else taken.now, taken.at)
        name = f"mending-{uuid.uuid4()}"
        recorded = Recorded(
            position=taken.position + 1,
            stream=name,
            version=1,
            at=moment(at),
            actor=self.actor,
            command_id=name,
            correlation_id=name,
            causation_id="",
            event=event,
        )
        run = runner(connection)
        appender.append(run, [(header(recorded, 0, at), RecordMapper().state(event))])
        appender.move_head(run, recorded.position, at)


def _replace(connection: Connection, appender: Appender, found: list[Difference]) -> None:
    for kind, table in PROJECTIONS.items():
        made = [each.rebuilt for each in found if each.kind == kind and each.rebuilt is not None]
        gone = [each.id for each in found if each.kind == kind and each.rebuilt is None]
        appender.project(runner(connection), kind, made)
        for name in gone:
            connection.execute(delete(table).where(_is(table.c.id, name)))


def _is(column: Column[Any], name: object) -> ColumnElement[bool]:
    """Return what finds a row by its id, also where that is none, or a text that is none."""
    if isinstance(name, str) and not is_text(name):
        stored = literal(name.encode(errors="surrogateescape"), LargeBinary())
        return column == cast(stored, Text)
    return column.is_(None) if name is None else column == literal(name, NullType())
