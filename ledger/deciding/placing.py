"""Gives the events of a command their places in the history, once they can be stored at all."""

from datetime import datetime

from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft, Event, Recorded
from ledger.proofs.entries import LONGEST_FIELD, Header


class Unstorable(ValueError):
    """A command or its event holds what no database keeps; it fails alone."""


def check_fields(draft: Draft, command: Command) -> str:
    """Return what the event belongs to, once every field of its header can be stored.

    Raises Unstorable where one is too long or no proper text.
    """
    if not command.id:
        raise Unstorable("a command has no id")
    belongs_to = correlation(draft.stream, draft.event)
    fields = (draft.stream, command.id, command.actor, command.causation_id, belongs_to)
    together = "".join(fields)
    if together.isascii() and len(together) <= LONGEST_FIELD and "\0" not in together:
        return belongs_to
    for field in fields:
        try:
            size = len(field.encode())
        except UnicodeEncodeError as error:
            raise Unstorable("a name holds half a surrogate pair") from error
        if size > LONGEST_FIELD or "\0" in field:
            raise Unstorable(f"a name is longer than {LONGEST_FIELD} bytes or holds a NUL")
    return belongs_to


def place(draft: Draft, belongs_to: str, command: Command, state: State, at: datetime) -> Recorded:
    """Return the draft in its place; the state has applied it. Raises CorruptHistory."""
    recorded = Recorded(
        state.position + 1,
        draft.stream,
        state.next_version(draft),
        at,
        command.actor,
        command.id,
        belongs_to,
        command.causation_id,
        draft.event,
    )
    state.apply(recorded)
    return recorded


def correlation(stream: str, event: Event) -> str:
    """Return what an event belongs to: its approval, its call, its grant, or just its stream."""
    said = vars(event)
    return said.get("approval") or said.get("call") or said.get("grant") or stream


def header(recorded: Recorded, ordinal: int | None, at: int) -> Header:
    """Return the header of an event, number `ordinal` of its command.

    `at` is its time, microseconds since 1970 UTC: all of a batch have the same.
    """
    return Header(
        recorded.position,
        recorded.stream,
        recorded.version,
        recorded.event.TOPIC,
        at,
        recorded.actor,
        recorded.command_id,
        ordinal,
        recorded.correlation_id,
        recorded.causation_id,
    )
