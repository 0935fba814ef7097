"""Builds every projection anew from position 0 and compares it with the one that is kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from ledger.envelopes import Model
from ledger.history import History
from ledger.mapper import RecordMapper
from ledger.projections import model_of, projected_row
from ledger.state import KINDS, State
from ledger.tables import HEAD, PROJECTIONS
from policies.people import Directory

_PAGE = 1_000


@dataclass(frozen=True)
class Difference:
    """A row that is not what the events say; None stands for no row."""

    kind: str
    id: str
    kept: tuple[object, ...] | None
    rebuilt: tuple[object, ...] | None


def rebuild(
    connection: Connection, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> list[Difference]:
    """Return how the kept projections differ from those that the events make; none is right.

    `connection` sees one moment of the ledger (`Database.snapshot`).
    `progress` is told the position reached and the last one. A row counts as
    equal only if every column of it is. Raises CorruptHistory.
    """
    rebuilt = _from_the_beginning(connection, progress)
    differences = []
    for kind in KINDS:
        table = PROJECTIONS[kind]
        kept = {row.id: _as_written_now(kind, row) for row in connection.execute(select(table))}
        made = {name: projected_row(kind, model) for name, model in rebuilt[kind].items()}
        differences += [
            Difference(kind, name, kept.get(name), made.get(name))
            for name in sorted(kept.keys() | made.keys())
            if kept.get(name) != made.get(name)
        ]
    return differences


def _as_written_now(kind: str, row: Row[Any]) -> tuple[object, ...]:
    """Return a row with its model as this version writes it: older ones knew fewer fields."""
    try:
        written = model_of(kind, row.state).model_dump_json()
    except ValidationError:
        return tuple(row)
    return tuple(written if value is row.state else value for value in row)


def _from_the_beginning(
    connection: Connection, progress: Callable[[int, int], None]
) -> dict[str, dict[str, Model]]:
    """Fold every event, one page at a time, and return every model by kind and id."""
    models: dict[str, dict[str, Model]] = {kind: {} for kind in KINDS}
    state = State(Directory(), lambda kind, name: models[kind].get(name))
    last = connection.execute(select(HEAD.c.position)).scalar_one()
    for position in _pages(last):
        for recorded in History(RecordMapper()).after(connection, position, limit=_PAGE):
            state.apply(recorded)
        for kind, model in state.touched():
            models[kind][model.id] = model
        state.settle_down()
        progress(min(position + _PAGE, last), last)
    return models


def _pages(last: int) -> Iterator[int]:
    return iter(range(0, last, _PAGE))
