"""Reads what the writer keeps in memory from the projections, as of the head."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select

from ledger.clock import moment
from ledger.deciding.state import State
from ledger.lives.usage import UsageBook
from ledger.storage.appending import Head
from ledger.storage.history import History
from ledger.storage.projections import charged_calls, find_model, model_of, open_models
from ledger.storage.tables import PROJECTIONS
from ledger.writing.kept_past import KeptPast
from policies.people.people import Directory


def usage_book(connection: Connection, at: datetime) -> UsageBook:
    """Return what is taken of every limit at `at` (UTC)."""
    book = UsageBook()
    for (state,) in connection.execute(select(PROJECTIONS["meter"].c.state)):
        book.follow(None, model_of("meter", state), at)
    for call in charged_calls(connection, at):
        book.follow(None, call, at)
    return book


def loaded_state(
    connected: Callable[[], Connection], history: History, directory: Directory, head: Head
) -> State:
    """Return everything that is open, and what still counts for limits, at the head.

    `connected` gives the connection now, and later for what is asked for again.
    """
    state = State(directory, lambda kind, name: find_model(connected(), kind, name))
    state.past = KeptPast(connected, history)
    connection = connected()
    for kind, model in open_models(connection):
        state.restore(kind, model)
    state.usage = usage_book(connection, moment(head.at))
    state.position, state.at = head.position, moment(head.at)
    return state
