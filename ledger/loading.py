"""Reads what the writer keeps in memory from the projections, as of the head."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from ledger.appending import Head
from ledger.clock import moment
from ledger.projections import charged_calls, find_model, open_models
from ledger.state import State
from ledger.usage import UsageBook
from policies.people import Directory


def usage_book(connection: Connection, at: datetime) -> UsageBook:
    """Return what is taken of every limit at `at` (UTC)."""
    book = UsageBook()
    for call in charged_calls(connection, at):
        book.follow(None, call)
    return book


def loaded_state(connected: Callable[[], Connection], directory: Directory, head: Head) -> State:
    """Return everything that is open, and what still counts for limits, at the head.

    `connected` gives the connection now, and later for what is asked for again.
    """
    state = State(directory, lambda kind, name: find_model(connected(), kind, name))
    connection = connected()
    for kind, model in open_models(connection):
        state.restore(kind, model)
    state.usage = usage_book(connection, moment(head.at))
    state.position, state.at = head.position, moment(head.at)
    return state
