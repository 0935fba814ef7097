"""What a condition can see of a call: `args`, `call`, `agent` and `now`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import TypeAlias

from policies.calls import JsonValue, Number

_WHOLE = re.compile(r"-?[0-9]+")
_LARGEST = 2**63 - 1
_MOST_DIGITS = 400
_DEEPEST = 100

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
Seen: TypeAlias = "Plain | datetime"


class _Flawed(Exception):
    """An argument that CEL would see as something else than it is."""


@dataclass(frozen=True)
class Scope:
    """The variables of one call; the arguments are converted once, when first asked for."""

    arguments: Mapping[str, JsonValue]
    call: Mapping[str, str | None]
    agent: Mapping[str, str | None]
    now: datetime

    @classmethod
    def nothing(cls) -> "Scope":
        """Return a scope without a call, for conditions that look at none."""
        return cls({}, {}, {}, datetime.min.replace(tzinfo=UTC))

    @property
    def flaw(self) -> str | None:
        """Why the arguments cannot be shown to a condition as they are, or None."""
        return self._converted[1]

    @property
    def largest(self) -> int:
        """How many elements the longest list or map in the arguments has."""
        return self._converted[2]

    def variables(self, names: frozenset[str]) -> dict[str, Seen]:
        """Return the variables that have these names."""
        seen: dict[str, Seen] = {
            "call": dict(self.call),
            "agent": dict(self.agent),
            "now": self.now,
        }
        if "args" in names:
            seen["args"] = self._converted[0]
        return {name: value for name, value in seen.items() if name in names}

    @cached_property
    def _converted(self) -> tuple[Plain, str | None, int]:
        sizes = [0]
        try:
            return _plain(dict(self.arguments), 0, sizes), None, max(sizes)
        except _Flawed as flaw:
            return None, str(flaw), max(sizes)


def _plain(value: JsonValue, depth: int, sizes: list[int]) -> Plain:
    if depth > _DEEPEST:
        raise _Flawed("the arguments are nested too deeply")
    match value:
        case Number():
            return exact(value)
        case list():
            sizes[0] = max(sizes[0], len(value))
            return [_plain(each, depth + 1, sizes) for each in value]
        case dict():
            sizes[0] = max(sizes[0], len(value))
            return {key: _plain(each, depth + 1, sizes) for key, each in value.items()}
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
