"""Refuses functions that are called as they cannot be: they would never have an answer."""

from collections.abc import Iterator
from typing import NamedTuple

from policies.conditions.evaluator import cel
from policies.conditions.expressions import Expression, Token
from policies.conditions.functions import CLOCK

_ON_VALUES = frozenset(("startsWith", "endsWith", "contains", "matches"))
_ALONE = frozenset(
    ("string", "int", "double", "uint", "bytes", "timestamp", "duration", "type", "dyn")
)
_WRITTEN = {
    "timestamp": ("a time", 'write it with its zone, like "2026-12-24T18:00:00+01:00"'),
    "duration": ("a duration", 'write it like "1h30m", in hours, minutes and seconds'),
}
_PARTS = {
    "hour": "getHours",
    "minute": "getMinutes",
    "second": "getSeconds",
    "weekday": "getDayOfWeek",
    "day": "getDate",
    "month": "getMonth",
    "year": "getFullYear",
}


class Misformed(NamedTuple):
    """A token that cannot stand as it does, what is wrong, and what to write instead."""

    token: Token
    what: str
    instead: str


def misformed(expression: Expression) -> Misformed | None:
    """Return the first call of CEL's own functions that can never have an answer, or None."""
    return next(_misformed(expression), None)


def _misformed(expression: Expression) -> Iterator[Misformed]:
    for name in sorted(_ON_VALUES):
        for token, between in expression.calls(name):
            if not expression.on_value(token):
                yield Misformed(
                    token, f"`{name}` is called on a value", f"write `args.path.{name}(…)`"
                )
            elif name != "matches" and len(expression.arguments(between)) != 1:
                yield Misformed(token, f"`{name}` takes one value", f"write `args.path.{name}(…)`")
    for name in sorted(_ALONE):
        for token, between in expression.calls(name):
            if expression.on_value(token) or len(expression.arguments(between)) != 1:
                yield Misformed(token, f"`{name}` takes one value", f"write `{name}(…)`")
            yield from _unwritten(name, between)
    for token, between in expression.calls("size"):
        if len(expression.arguments(between)) + expression.on_value(token) != 1:
            yield Misformed(token, "`size` takes one value", "write `size(args.list)`")
    yield from _parts(expression)


def _unwritten(name: str, between: tuple[Token, ...]) -> Iterator[Misformed]:
    """Yield a time or a duration that is written out and is none."""
    if name not in _WRITTEN or [each.kind for each in between] != ["text"]:
        return
    (text,) = between
    kind, instead = _WRITTEN[name]
    try:
        cel.compile(f"{name}({text.text})").execute({})
    except Exception:  # noqa: BLE001 - it is none, whatever the reason
        yield Misformed(text, f"{text.text} is not {kind}", instead)


def _parts(expression: Expression) -> Iterator[Misformed]:
    """Yield what is read of `now` as if it were a map."""
    called = {token.offset for token, _ in expression.functions()}
    for token in expression.members("now"):
        if token.offset not in called:
            known = _PARTS.get(token.text.rstrip("s").lower(), "getHours")
            instead = f"write `now.{token.text if token.text in CLOCK else known}()`"
            yield Misformed(token, f"`now` has no `{token.text}`", instead)
