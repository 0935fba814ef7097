"""Reads amounts exactly as they are written: decimals, never floats."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Protocol

from policies.conditions.arguments import Scope
from policies.conditions.conditions import Condition, Unevaluable
from policies.conditions.expressions import Expression
from policies.secrets.card_numbers import is_card
from policies.values.calls import Number

_SUMS = Context(prec=200, traps=[Inexact, InvalidOperation])
_MOST_TEXT = 100
_MOST_DIGITS = 30
_FINEST = -30
NOTHING = Decimal(0)
ONE = Decimal(1)


class Amount(Protocol):
    """What one call adds to a limit or takes from a grant."""

    @property
    def source(self) -> str:
        """The text that writes it in the policy; empty where each call counts as one."""
        ...

    def of(self, scope: Scope) -> Decimal | Unevaluable:
        """Return the amount, not below 0, or why it cannot be told."""
        ...


@dataclass(frozen=True)
class OneCall:
    """Each call counts as one."""

    source: str = ""

    def of(self, scope: Scope) -> Decimal | Unevaluable:
        """Return 1, whatever the call."""
        del scope
        return ONE


@dataclass(frozen=True)
class ArgumentAmount:
    """The number at a path of the arguments, with every digit that was sent."""

    source: str
    steps: tuple[str, ...]

    def of(self, scope: Scope) -> Decimal | Unevaluable:
        """Return the number; anything else there, or nothing, has no amount."""
        value: object = scope.raw
        for step in self.steps:
            if not isinstance(value, Mapping) or step not in value:
                return Unevaluable(f"`{self.source}` is missing")
            value = value[step]
        if not isinstance(value, Number):
            return Unevaluable(f"`{self.source}` is not a number")
        return _amount(value, f"`{self.source}`")


@dataclass(frozen=True)
class ComputedAmount:
    """What an expression in CEL comes to; it counts in 64-bit integers and doubles."""

    source: str
    expression: Condition

    def of(self, scope: Scope) -> Decimal | Unevaluable:
        """Return what the expression comes to where that is a number."""
        found = self.expression.value(scope)
        if isinstance(found, Unevaluable):
            return found
        if isinstance(found, bool) or not isinstance(found, int | float):
            return Unevaluable("what it sums is not a number")
        return _amount(Number(repr(found)), "what it sums")


def amount_of(compiled: Condition) -> Amount:
    """Return the amount that is written: a path like `args.amount`, or any other expression."""
    source = compiled.source
    tokens = Expression.read(source).tokens
    names, dots = tokens[0::2], tokens[1::2]
    is_path = (
        len(tokens) > 1
        and tokens[0].text == "args"
        and len(names) == len(dots) + 1
        and all(token.kind == "name" for token in names)
        and all(token.text == "." for token in dots)
    )
    if is_path:
        return ArgumentAmount(source, tuple(token.text for token in names[1:]))
    return ComputedAmount(source, compiled)


def added(one: Decimal, other: Decimal) -> Decimal:
    """Return the exact sum of two amounts."""
    return _SUMS.add(one, other)


def taken(one: Decimal, other: Decimal) -> Decimal:
    """Return exactly what is left of one amount without the other."""
    return _SUMS.subtract(one, other)


def exact_amount(text: str) -> Decimal | None:
    """Return the decimal that `text` writes; None where it is none, or beyond what is counted.

    Counted are numbers below 10^30, to 30 places. A negative one is returned as it is.
    """
    if len(text) > _MOST_TEXT:
        return None
    if text.isdecimal() and len(text) <= _MOST_DIGITS:
        return Decimal(text)
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    if not number:
        return NOTHING
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), "it is finite"
    if number.adjusted() >= _MOST_DIGITS or exponent < _FINEST:
        return None
    return number


def written_amount(amount: Decimal) -> str:
    """Return an amount as digits, without exponent and trailing zeros: `1000`, `0.25`."""
    text = f"{amount:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _amount(number: Number, what: str) -> Decimal | Unevaluable:
    found = exact_amount(number.text)
    if found is None:
        return Unevaluable(f"{what} is too large or too precise to be counted")
    if found < 0:
        return Unevaluable(f"{what} is negative")
    if is_card(number):
        return Unevaluable(f"{what} looks like a card number")
    return found
