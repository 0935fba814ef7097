"""The envelope round every fact: where it stands, when it was, who caused it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """An immutable value that is kept for ever; fields are only ever added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:  # type: ignore[override]  # the plug-in types it for each class
        """Return the fact with `values`: every field, in order, of types that were checked before.

        For what happens with each call; pydantic's own fills in defaults,
        which takes longer than validating does.
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "__pydantic_fields_set__", _fields_set or set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class Event(Fact):
    """A fact of the ledger; `TOPIC` is its name in storage, whatever the class is called."""

    TOPIC: ClassVar[str]


class Model(Fact):
    """What events have made of one thing so far.

    `version` is that of its own stream, `position` that of the last event
    applied to it, of whatever stream.
    """

    id: str
    version: int
    position: int


@dataclass(frozen=True)
class Draft:
    """An event that a command causes, before it has a place in the ledger."""

    stream: str
    event: Event


@dataclass(frozen=True)
class Recorded:
    """An event in its place.

    `position` counts from 1 without gaps over the whole ledger, `version`
    from 1 within `stream`. `at` is UTC, read with the head row. `actor` is
    who caused it: `agent:<name>`, `person:<name>`, `shell:<user>` or
    `placet:<part>`. `command_id` names the command, `correlation_id` the call,
    approval or grant the event belongs to, `causation_id` what led to it. Where it
    was `redacted`, only what its effect needs is left of the event.
    """

    position: int
    stream: str
    version: int
    at: datetime
    actor: str
    command_id: str
    correlation_id: str
    causation_id: str
    event: Event
    redacted: bool = False

    @property
    def originator_id(self) -> str:
        """The stream, by the name that eventsourcing gives it."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The version, by the name that eventsourcing gives it."""
        return self.version


@dataclass(frozen=True, kw_only=True)
class Command:
    """Something the ledger is asked to do.

    Resending a command with the same `id` changes nothing and returns the
    events it caused the first time.
    """

    id: str
    actor: str
    causation_id: str = ""
