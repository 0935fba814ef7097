"""What a policy looks at: a call, its tool and the JSON inside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number that keeps its source text (RFC 8259, section 6).

    `1`, `1.0` and `100.00000000000000000001` stay three different things.
    """

    text: str

    @property
    def value(self) -> int | float:
        """The number as Python counts: an int where the text has no fraction or exponent."""
        if self.text.lstrip("-").isdigit():
            return int(self.text)
        return float(self.text)


JsonValue: TypeAlias = "bool | str | Number | list[JsonValue] | dict[str, JsonValue] | None"
"""A JSON value as `strict_json.parse` returns it: objects are dicts, arrays are lists."""


class Risk(StrEnum):
    """What a tool can do at worst, from mildest to gravest."""

    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"
    DESTRUCTIVE = "destructive"
    FINANCIAL = "financial"

    __hash__ = str.__hash__  # Enum's own takes a call of Python


GRAVE = frozenset({Risk.EXECUTE, Risk.DESTRUCTIVE, Risk.FINANCIAL})
"""Risks of calls that one should look at twice."""


@dataclass(frozen=True)
class Tool:
    """A tool as its server defined it.

    `definition` is the canonical JSON of the whole tool object, `hash` the
    hex SHA-256 of it, `hints` the annotations the server gave (untrusted
    unless the server is marked so).
    """

    server: str
    name: str
    description: str
    definition: str
    hash: str
    hints: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Instructions:
    """What a server tells models to do with it: the text without secrets, and a hash of all of it.

    `hash` is the hex SHA-256 of the text as the server wrote it.
    """

    text: str
    hash: str


class Call(NamedTuple):
    """One `tools/call`, as it was parsed; a tuple, as that is made quickly.

    `extras` holds the members of `params` that the protocol does not know
    (all but `name`, `arguments`, `_meta`, `task`, `requestState`,
    `inputResponses`); they are part of the digest.
    """

    agent: str
    team: str
    on_behalf_of: str | None
    server: str
    tool: str
    arguments: Mapping[str, JsonValue]
    extras: Mapping[str, JsonValue] = MappingProxyType({})
