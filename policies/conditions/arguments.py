"""What a condition can see of a call: `args`, `call`, `agent` and `now`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TypeAlias

from policies.conditions.evaluator import cel
from policies.conditions.functions import CLOCK, OWN
from policies.values.calls import JsonValue, Number

_WHOLE = re.compile(r"-?[0-9]+")
_LARGEST = 2**63 - 1
_MOST_DIGITS = 400
_MOST_VALUES = 50_000
_DEEPEST = 100
_UNIT = 1000

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


class _Flawed(Exception):
    """An argument that CEL would see as something else than it is, or not in good time."""


@dataclass
class Size:
    """How much there is to look at: values (1,000 characters count as one), the longest list.

    `texts` are the thousands of characters alone.
    """

    values: int = 0
    longest: int = 0
    texts: int = 0

    def add(self, value: JsonValue) -> None:
        """Count one value. Raises an error where there are more than 50,000."""
        self.values += 1
        if isinstance(value, str):
            units = len(value) // _UNIT
            self.values += units
            self.texts += units
        elif isinstance(value, list | dict):
            self.longest = max(self.longest, len(value))
        if self.values > _MOST_VALUES:
            raise _Flawed("the arguments hold more than 50,000 values")


@dataclass(frozen=True)
class Arguments:
    """Arguments as CEL counts, the size of the whole and of each, and why they cannot be shown."""

    values: Mapping[str, Plain] = field(default_factory=dict)
    whole: Size = field(default_factory=Size)
    parts: Mapping[str, Size] = field(default_factory=dict)
    flaw: str | None = None

    def size(self, name: str | None) -> Size:
        """Return how much the argument `name` holds; None means all of them."""
        return self.whole if name is None else self.parts.get(name, Size())


@dataclass(frozen=True)
class Scope:
    """The variables of one call; they are converted once, when first asked for.

    With `names`, conditions look at no other arguments, and these make no difference to them.
    """

    raw: Mapping[str, JsonValue]
    call: Mapping[str, str | None]
    agent: Mapping[str, str | None]
    now: datetime
    names: tuple[str, ...] | None = None
    _contexts: dict[tuple[frozenset[str], frozenset[str]], cel.Context] = field(
        default_factory=dict
    )

    @classmethod
    def nothing(cls) -> "Scope":
        """Return a scope without a call, for conditions that look at none."""
        return cls({}, {}, {}, datetime.min.replace(tzinfo=UTC))

    @cached_property
    def arguments(self) -> Arguments:
        """The arguments, or why they cannot be shown to a condition as they are."""
        size, values, parts = Size(), {}, {}
        try:
            size.add(dict(self.raw))
            for name, value in self.raw.items():
                before = size.values, size.texts
                values[name] = _plain(value, 1, size)
                parts[name] = Size(size.values - before[0], 0, size.texts - before[1])
        except _Flawed as flaw:
            return Arguments(flaw=str(flaw))
        return Arguments(values, size, parts)

    def reading(self, arguments: Mapping[str, JsonValue]) -> "Scope":
        """Return the same call with other arguments."""
        return replace(self, raw=arguments, _contexts={})

    def context(self, reads: frozenset[str], calls: frozenset[str]) -> cel.Context:
        """Return these variables and functions of ours, converted for the evaluator once."""
        known = self._contexts.get((reads, calls))
        if known is None:
            known = self._contexts[reads, calls] = cel.Context(
                {name: self._variable(name) for name in reads},
                {name: OWN.get(name) or CLOCK[name] for name in calls},
            )
        return known

    def _variable(self, name: str) -> object:
        match name:
            case "args" if self.names is not None:
                return {name: _counted(self.raw[name]) for name in self.names if name in self.raw}
            case "args":
                return dict(self.arguments.values)
            case "call":
                return dict(self.call)
            case "agent":
                return dict(self.agent)
            case _:
                return self.now


def _counted(value: JsonValue) -> Plain:
    """Return a value as CEL counts, of which the size surely does not matter."""
    return value if isinstance(value, str) else _plain(value, 1, Size())


def _plain(value: JsonValue, depth: int, size: Size) -> Plain:
    if depth > _DEEPEST:
        raise _Flawed("the arguments are nested too deeply")
    size.add(value)
    match value:
        case Number():
            return exact(value)
        case list():
            return [_plain(each, depth + 1, size) for each in value]
        case dict():
            return {key: _plain(each, depth + 1, size) for key, each in value.items()}
        case _:
            return value


def exact(number: Number) -> int | float:
    """Return the number as CEL counts: 64-bit integers and doubles.

    Raises an error where the double would differ from the text, so that no
    condition compares another number than the one that is sent.
    """
    text = number.text
    if len(text) > _MOST_DIGITS:
        raise _Flawed("a number in the arguments has too many digits")
    if _WHOLE.fullmatch(text):
        if abs(int(text)) > _LARGEST:
            raise _Flawed("a number in the arguments does not fit 64 bits")
        return int(text)
    double = float(text)
    try:
        same = Decimal(text) == Decimal(repr(double))
    except InvalidOperation:
        same = False
    if not same:
        raise _Flawed("a number in the arguments is more precise than a condition can count")
    return double
