"""Builds every projection anew from position 0, and compares it with the one that is kept."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from ledger.deciding.state import State
from ledger.events.envelopes import Recorded
from ledger.events.redaction_events import EventRedacted
from ledger.lives.kinds import KINDS
from ledger.readings.moments import head
from ledger.replaying.attic import Attic
from ledger.replaying.walking import Flaws, check_leaf, check_order, pages, reading_any_text
from ledger.storage.databases import Database
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import model_of, projected_row
from ledger.storage.recorder import record
from ledger.storage.tables import PROJECTIONS
from policies.people.people import Directory
from policies.values.refusals import Refused

_AT_ONCE = 500
"""Rows that are compared at once; SQLite takes 999 parameters and more (limits of SQLite, 9)."""

Named = tuple[str, str]
"""Kind and id of a row."""


class WrongHistory(Refused):
    """An event is not the one that was written, or is missing: nothing can be built on it."""


@dataclass(frozen=True)
class Difference:
    """A row that is not what the events say; None stands for no row."""

    kind: str
    id: str
    kept: tuple[object, ...] | None
    rebuilt: tuple[object, ...] | None


class Rebuilt:
    """Every projection as the events up to `position` make it, in tables of an `Attic`.

    The tables that are kept stay as they are meanwhile. Used by the thread
    that made the attic.
    """

    def __init__(self, attic: Attic) -> None:
        """Begin before the first event, with an empty attic."""
        self._attic = attic
        self._state = State(Directory(), attic.fetch)
        self._mapper = RecordMapper()
        self.redacted_at = 0
        """The position of the last redaction that was folded: content before it may be gone."""

    @property
    def position(self) -> int:
        """The position up to which events are folded."""
        return self._state.position

    def fold(
        self,
        connection: Connection,
        until: int,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> set[Named]:
        """Fold the events up to position `until`, and return which rows they change.

        `progress` is told the position reached and the last one. Raises
        WrongHistory, and what an event raises that cannot be read or cannot
        follow what came before (`walking.UNREADABLE`).
        """
        changed: set[Named] = set()
        for before, page in pages(connection, self.position, until):
            flaws = Flaws()
            check_order(before, page, flaws)
            for row in page:
                check_leaf(row, flaws)
                _stop_at(flaws)
                self._apply(self._mapper.to_domain_event(record(row)))
            touched = self._state.touched()
            self._attic.keep(touched)
            changed.update((kind, model.id) for kind, model in touched)
            self._state.settle_down()
            progress(self.position, until)
        if self.position < until:
            raise WrongHistory(f"the history ends at {self.position}, the head says {until}")
        return changed

    def _apply(self, recorded: Recorded) -> None:
        self._state.apply(recorded)
        if isinstance(recorded.event, EventRedacted):
            self.redacted_at = recorded.position

    def differences(
        self, connection: Connection, only: Collection[Named] | None = None
    ) -> list[Difference]:
        """Return how the kept rows differ from those of `position`; none is right.

        `connection` sees the ledger as of `position`. `only` names the rows
        that are looked at, by default all are. A row counts as equal only if
        every column of it is.
        """
        found: list[Difference] = []
        for kind in KINDS:
            with reading_any_text(connection):
                different = list(
                    self._whole(connection, kind)
                    if only is None
                    else self._named(
                        connection, kind, {name for each, name in only if each == kind}
                    )
                )
            found += sorted(different, key=lambda difference: str(difference.id))
        return found

    def _whole(self, connection: Connection, kind: str) -> Iterator[Difference]:
        missing = self._attic.names(kind)
        query = select(PROJECTIONS[kind]).execution_options(yield_per=_AT_ONCE)
        with connection.execute(query) as result:
            for page in result.partitions():
                kept = {row.id: row for row in page}
                missing -= kept.keys()
                yield from self._compared(kind, kept, kept)
        for names in _chunks(missing):
            yield from self._compared(kind, {}, names)

    def _named(
        self, connection: Connection, kind: str, wanted: Collection[str]
    ) -> Iterator[Difference]:
        table = PROJECTIONS[kind]
        odd = {name for name in wanted if not is_text(name)}
        for names in _chunks(set(wanted) - odd):
            rows = connection.execute(select(table).where(table.c.id.in_(names)))
            yield from self._compared(kind, {row.id: row for row in rows}, names)
        if odd:
            kept = {row.id: row for row in connection.execute(select(table)) if row.id in odd}
            yield from self._compared(kind, kept, kept)

    def _compared(
        self, kind: str, kept: Mapping[str, Row[Any]], names: Iterable[str]
    ) -> Iterator[Difference]:
        made = self._attic.several(kind, [name for name in names if is_text(name)])
        for name in names:
            before = _as_written_now(kind, kept[name]) if name in kept else None
            after = projected_row(made[name]) if name in made else None
            if before != after:
                yield Difference(kind, name, before, after)


def compared(database: Database, progress: Callable[[int, int], None]) -> list[Difference]:
    """Build every projection anew, and return where the kept ones differ; all at one moment."""
    with Attic() as attic, database.snapshot() as connection:
        rebuilt = Rebuilt(attic)
        rebuilt.fold(connection, head(connection), progress)
        return rebuilt.differences(connection)


def _stop_at(flaws: Flaws) -> None:
    for flaw in flaws.first:
        raise WrongHistory(
            f"position {flaw.position}: {flaw.what}; no table can be built of such a history:"
            " `placet audit replay` names the wrong ones"
        )


def _as_written_now(kind: str, row: Row[Any]) -> tuple[object, ...]:
    """Return a row with its model as this version writes it: older ones knew fewer fields."""
    try:
        written = model_of(kind, row.state).model_dump_json()
    except ValidationError:
        return tuple(row)
    return tuple(written if value is row.state else value for value in row)


def is_text(name: object) -> bool:
    """Tell whether an id is one that a model may have: SQLite keeps anything anywhere."""
    try:
        return isinstance(name, str) and bool(name.encode())
    except UnicodeEncodeError:
        return False


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    left = list(names)
    for first in range(0, len(left), _AT_ONCE):
        yield left[first : first + _AT_ONCE]
