"""Gives the events of a command their places in the history, once they can be stored at all."""

from collections.abc import Sequence
from datetime import datetime

from ledger.appending import Placed, numbered
from ledger.entries import LONGEST_FIELD, Header
from ledger.envelopes import Command, Draft, Event, Recorded
from ledger.state import State


class Unstorable(ValueError):
    """A command or its event holds what no database keeps; it fails alone."""


def check_fields(draft: Draft, command: Command) -> None:
    """Raise Unstorable where a field of the event's header is too long or no proper text."""
    if not command.id:
        raise Unstorable("a command has no id")
    belongs_to = correlation(draft.stream, draft.event)
    fields = (draft.stream, command.id, command.actor, command.causation_id, belongs_to)
    together = "".join(fields)
    if together.isascii() and len(together) <= LONGEST_FIELD and "\0" not in together:
        return
    for field in fields:
        try:
            size = len(field.encode())
        except UnicodeEncodeError as error:
            raise Unstorable("a name holds half a surrogate pair") from error
        if size > LONGEST_FIELD or "\0" in field:
            raise Unstorable(f"a name is longer than {LONGEST_FIELD} bytes or holds a NUL")


def place(draft: Draft, command: Command, state: State, at: datetime) -> Recorded:
    """Return the draft in its place; the state has applied it. Raises CorruptHistory."""
    recorded = Recorded(
        position=state.position + 1,
        stream=draft.stream,
        version=state.next_version(draft),
        at=at,
        actor=command.actor,
        command_id=command.id,
        correlation_id=correlation(draft.stream, draft.event),
        causation_id=command.causation_id,
        event=draft.event,
    )
    state.apply(recorded)
    return recorded


def correlation(stream: str, event: Event) -> str:
    """Return what an event belongs to: its approval, its call, its grant, or just its stream."""
    for name in ("approval", "call", "grant"):
        found = getattr(event, name, None)
        if found:
            return str(found)
    return stream


def placed(recorded: Sequence[Recorded], states: Sequence[bytes], at: int) -> list[Placed]:
    """Return headers and states; `at`, microseconds since 1970 UTC, is that of the whole batch."""
    ordinals = numbered(each.command_id for each in recorded)
    return [
        (
            Header(
                each.position,
                each.stream,
                each.version,
                each.event.TOPIC,
                at,
                each.actor,
                each.command_id,
                ordinal,
                each.correlation_id,
                each.causation_id,
            ),
            state,
        )
        for each, state, ordinal in zip(recorded, states, ordinals, strict=True)
    ]
