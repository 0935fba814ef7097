"""Finds arguments of another type than a condition compares them with, and reads them as that.

CEL says of `args.force == true` that it does not hold where `force` is the text
"true", and many servers take that for true.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from policies.conditions.argument_paths import Literal, accesses
from policies.conditions.expressions import Expression
from policies.values.calls import JsonValue, Number

_MOST_READINGS = 16
"""Ways to read a call, beside as it is, above which none is looked at: each costs an evaluation."""

_MISSING = object()


@dataclass(frozen=True)
class Compared:
    """An argument, by its path, and the values that it is compared with to be the same."""

    path: tuple[str, ...]
    values: tuple[Literal, ...]

    def misses(self, arguments: Mapping[str, JsonValue]) -> bool:
        """Tell whether the argument is there, is not null, and of none of the values' types."""
        found: object = arguments
        for step in self.path:
            found = found.get(step, _MISSING) if isinstance(found, dict | Mapping) else _MISSING
        if found is _MISSING or found is None:
            return False
        return _kind(found) not in {_kind(value) for value in self.values}


def compared(expression: Expression) -> tuple[Compared, ...]:
    """Return the arguments that a condition compares with values that it writes out.

    Left out are those of which it asks the type itself; null is no value.
    """
    found: dict[tuple[str, ...], list[Literal]] = {}
    for access in accesses(expression):
        if access.equally:
            values = [value for value in access.compared if value is not None]
            found.setdefault(access.steps, []).extend(values)
    for _, between in expression.calls("type"):
        asked = Expression("", between)
        for access in accesses(asked):
            found.pop(access.steps, None)
    return tuple(Compared(path, _different(values)) for path, values in found.items() if values)


def other_readings(
    mistyped: Sequence[Compared], arguments: Mapping[str, JsonValue]
) -> Iterator[Mapping[str, JsonValue]] | None:
    """Return the arguments as a server might read them: mistyped ones as one of their values.

    None where there are too many ways.
    """
    choices = [
        [(each.path, _MISSING), *((each.path, value) for value in each.values)] for each in mistyped
    ]
    if prod(map(len, choices)) > _MOST_READINGS + 1:
        return None
    return (_read(arguments, changes) for changes in islice(product(*choices), 1, None))


def _read(
    arguments: Mapping[str, JsonValue], changes: Sequence[tuple[tuple[str, ...], object]]
) -> Mapping[str, JsonValue]:
    for path, value in changes:
        if value is not _MISSING:
            arguments = _with(arguments, path, _as_json(value))
    return arguments


def _different(values: Sequence[Literal]) -> tuple[Literal, ...]:
    """Return values without repetitions; true and 1 are two."""
    return tuple({(_kind(value), value): value for value in values}.values())


def _with(
    arguments: Mapping[str, JsonValue], path: tuple[str, ...], value: JsonValue
) -> dict[str, JsonValue]:
    """Return arguments with another value at a path that is there."""
    first, *rest = path
    below = arguments[first]
    if rest:
        assert isinstance(below, dict), "something was found below"
        value = _with(below, tuple(rest), value)
    return {**arguments, first: value}


def _as_json(value: object) -> JsonValue:
    if isinstance(value, bool | str):
        return value
    return Number(repr(value))


def _kind(value: object) -> type:
    """Return what stands for the type of JSON that a value has."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float | Number):
        return Number
    return dict if isinstance(value, Mapping) else type(value)
