"""The envelope round every fact: where it stands, when it was, who caused it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NamedTuple, Self, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema
from pydantic_core.core_schema import simple_ser_schema

_empty = object.__new__
_set_values, _set_fields, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)
"""What pydantic's models are made of; each is set without being looked up again."""


class Fact(BaseModel):
    """An immutable value that is kept for ever; fields are only ever added.

    What it says stays in no cache of the parser, which would outlive it by far.
    It is one dictionary of values and nothing more, so both ways to make one
    without checks are made for that: they are taken with each call.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", cache_strings="keys")

    def model_post_init(self, _: object) -> None:
        """Share the names of the fields with all facts of the kind.

        pydantic keeps for each fact which were given, in a set that is larger than the fact.
        """
        _set_fields(self, _NAMES[type(self)])

    @classmethod
    def unchecked(cls, values: dict[str, Any]) -> Self:
        """Return the fact that keeps `values`: every field, in order, of types checked before.

        pydantic's `model_construct` fills in defaults, which takes longer than
        validating does, and two dozen named arguments take twice their dictionary.
        """
        made = _empty(cls)
        _set_values(made, values)
        _set_fields(made, _NAMES[cls])
        _set_extra(made, None)
        _set_private(made, None)
        return made

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the fact with some values changed, of types that were checked before."""
        if deep:
            return super().model_copy(update=update, deep=deep)
        return self.unchecked({**self.__dict__, **(update or {})})


class _Names(dict[type[Fact], set[str]]):
    """The names of all fields, which facts share: nobody sets one of theirs later."""

    def __missing__(self, fact: type[Fact]) -> set[str]:
        """Look a kind of fact up for the first time."""
        return self.setdefault(fact, set(fact.model_fields))


_NAMES = _Names()


class _AsText:
    """Has a member of an enumeration written as the text that it is.

    What is written stays the same; to be asked for its value takes a member
    ten times as long.
    """

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return cast("CoreSchema", {**handler(source), "serialization": simple_ser_schema("str")})


_M = TypeVar("_M", bound=StrEnum)

Spelled: TypeAlias = Annotated[_M, _AsText()]
"""A member of an enumeration, in what is written with each call."""


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


class Draft(NamedTuple):
    """An event that a command causes, before it has a place in the ledger."""

    stream: str
    event: Event


class Recorded(NamedTuple):
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

    @classmethod
    def made(cls, **values: Any) -> Self:
        """Return the command with `values`: every field that has no default, of its type.

        For commands that come with each call: a frozen dataclass sets one
        field after the other, which takes four times as long.
        """
        made = _empty(cls)
        made.__dict__.update(values)
        return made
