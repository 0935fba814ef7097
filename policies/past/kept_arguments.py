"""Reads the arguments that a history keeps, and says which of them a policy looks at."""

import json
from collections.abc import Iterable
from typing import Never

from policies.conditions.expressions import Expression
from policies.values.calls import JsonValue, Number
from policies.values.strict_json import NotStrict, parse

_LONGEST = 40_000
_DEEPEST = 90
_MOST_DIGITS = 15
"""What a double holds exactly, whatever the digits (IEEE 754, binary64)."""


class _Odd(Exception):
    """There is something in the arguments that has to be looked at closely."""


def names_read(texts: Iterable[str]) -> frozenset[str] | None:
    """Return the arguments that expressions look at; None where each of them may matter.

    What a comprehension may take depends on all that there is.
    """
    expressions = [Expression.read(text) for text in texts]
    paths = [path for expression in expressions for path in expression.paths()]
    if () in paths or any(expression.loops() for expression in expressions):
        return None
    return frozenset(path[0] for path in paths)


def plain(text: str) -> dict[str, JsonValue] | None:
    """Return kept arguments of which a part stands for the whole, as a condition sees it.

    None for others: there, a condition may count against a call because of a
    number, or of a size, that is elsewhere in it. What is kept was written from
    objects, so no key is there twice.
    """
    if len(text) > _LONGEST or text.count("[") + text.count("{") > _DEEPEST or "\\u" in text:
        return None
    try:
        found = _DECODER.decode(text)
    except (_Odd, ValueError):
        return None
    return found if isinstance(found, dict) else None


def whole(text: str) -> dict[str, JsonValue] | None:
    """Return all arguments that are kept, or None where they cannot be read."""
    try:
        found = parse(text.encode())
    except (NotStrict, UnicodeEncodeError):
        return None
    return found if isinstance(found, dict) else None


def _number(text: str) -> Number:
    if len(text) > _MOST_DIGITS or "e" in text or "E" in text:
        raise _Odd
    return Number(text)


def _constant(text: str) -> Never:
    raise _Odd(text)


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_number, parse_constant=_constant)
