"""Keeps what people asked for and were refused where nothing else of the ledger says so."""

from dataclasses import dataclass
from typing import ClassVar

from ledger.events.envelopes import Command, Draft, Event
from policies.secrets.redaction import redact_text


class CommandRefused(Event):
    """A person asked for something and was refused.

    `asked` names the command or the button; `message` is what the person was told.
    """

    TOPIC: ClassVar[str] = "CommandRefused"

    person: str
    asked: str
    message: str


@dataclass(frozen=True, kw_only=True)
class NoteRefusal(Command):
    """Note that a person was refused; see CommandRefused."""

    person: str
    asked: str
    message: str


def note(command: NoteRefusal) -> list[Draft]:
    """Return the event of a refusal."""
    message = redact_text(command.message).text
    refused = CommandRefused(person=command.person, asked=command.asked, message=message)
    return [Draft(f"refusal-{command.id}", refused)]
