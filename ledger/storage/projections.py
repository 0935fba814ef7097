"""Keeps one row per approval, grant, call, agent, tool and policy beside the events."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, bindparam, select

from ledger.clock import micros
from ledger.events.envelopes import Model
from ledger.lives.calls import CallRecord
from ledger.lives.kinds import KINDS, Kept
from ledger.storage.appending import Appender
from ledger.storage.statements import Runner
from ledger.storage.tables import PROJECTIONS

_ESCAPED_NUL = r"\u0000"

_BY_ID = {
    kind: select(table.c.state).where(table.c.id == bindparam("name"))
    for kind, table in PROJECTIONS.items()
}
"""Written once: to write a query takes four times as long as to run it."""


def projected_row(model: Kept) -> tuple[Any, ...]:
    """Return the row that keeps `model`, in the order of its table's columns: `columns` has it."""
    state = model.__pydantic_serializer__.to_json(model).decode()
    searched = model.columns()
    if _ESCAPED_NUL in state:
        searched = {name: storable(value) for name, value in searched.items()}
    return (model.id, 1 if model.open else 0, model.position, state, *searched.values())


def write_projections(run: Runner, appender: Appender, touched: Iterable[tuple[str, Kept]]) -> None:
    """Write every touched model in place of its older row, one statement per kind."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for kind, model in touched:
        rows.setdefault(kind, []).append(projected_row(model))
    for kind, changed in rows.items():
        appender.project(run, kind, changed)


def open_models(connection: Connection) -> Iterator[tuple[str, Model]]:
    """Yield what must be in memory at start: as much as is open, however long the history."""
    for kind, table in PROJECTIONS.items():
        query = select(table.c.state).where(table.c.open == 1)
        for (state,) in connection.execute(query):
            yield kind, model_of(kind, state)


def charged_calls(connection: Connection, at: datetime) -> Iterator[CallRecord]:
    """Yield the calls that count for a limit at `at` or later, in the order they were charged."""
    table = PROJECTIONS["call"]
    query = select(table.c.state).where(table.c.charged_until > micros(at))
    found = [cast("CallRecord", model_of("call", state)) for (state,) in connection.execute(query)]
    yield from sorted(found, key=lambda call: (call.charged_at, call.position))


def find_model(connection: Connection, kind: str, name: str) -> Model | None:
    """Return the model that a projection keeps by this id, or None."""
    state = connection.execute(_BY_ID[kind], {"name": name}).scalar()
    return None if state is None else model_of(kind, state)


def model_of(kind: str, state: str) -> Kept:
    """Return the model that a row's `state` holds. Raises pydantic's ValidationError."""
    return KINDS[kind].model_validate_json(state)


def read_models(
    connection: Connection, kind: str, query: Select[str], **values: tuple[str, ...]
) -> list[Kept]:
    """Return the models of a query that selects `state`, with the `values` that it leaves open."""
    rows: Iterable[Row[str]] = connection.execute(query, values)
    return [model_of(kind, state) for (state,) in rows]


def storable(value: str | int | None) -> str | int | None:
    """Return what a model is searched by as it is kept: PostgreSQL keeps no NUL in a text."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
