"""Turns Intercept's counters into limits: how many calls, or how much, a window can hold.

A counter is raised by each call that passes, as long as the first `lt` or `lte` on it in the rule
that keeps it leaves room (`lt 5` leaves room for 4). Every other condition on it is looked at
before it is raised. A counter without such a bound is never raised and stays 0. Since a denied
call raises nothing, a counter of calls stops at the first value that some condition refuses.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import assert_never

from policies.intercept.shape import ConditionSection
from policies.intercept.values import Incomparable, go_double


@dataclass(frozen=True)
class Bound:
    """A condition on a counter; `own` says that it stands in the rule that keeps the counter."""

    condition: ConditionSection
    own: bool


@dataclass(frozen=True)
class Never:
    """No call ever passes."""


@dataclass(frozen=True)
class Always:
    """The counter stops no call."""


@dataclass(frozen=True)
class AtMost:
    """So many calls, or so much in all, pass in a window; `earlier` says the source gave more."""

    most: int
    earlier: bool = False


def calls_within(bounds: Sequence[Bound], step: int) -> Never | Always | AtMost:
    """Return how many calls pass in a window where each raises the counter by `step`.

    Raises Incomparable for conditions that compare a counter with no number.
    """
    reserved = _reserved(bounds)
    stops = [_first_refused(bound.condition, step) for bound in bounds]
    if reserved is None:
        return Never() if 0 in stops else Always()
    most = min([max(reserved // step, 0), *(stop for stop in stops if stop is not None)])
    return AtMost(most) if most else Never()


def amount_within(bounds: Sequence[Bound]) -> Never | Always | AtMost:
    """Return how much passes in a window where each call raises the counter by an argument.

    A second bound is looked at before the amount is added, so that one call may pass it by any
    amount: here it holds for the sum. Raises Incomparable where a counter is compared otherwise.
    """
    reserved = _reserved(bounds)
    refused = any(_first_refused(bound.condition, 1) == 0 for bound in bounds)
    if refused:
        return Never()
    if reserved is None:
        return Always()
    most = reserved
    for bound in bounds:
        most = min(most, _ceiling(bound.condition, most))
    return AtMost(most, earlier=most < reserved)


def _reserved(bounds: Sequence[Bound]) -> int | None:
    """Return the largest value that a reservation leaves the counter at, or None without one."""
    for bound in bounds:
        value = bound.condition.value
        if bound.own and bound.condition.op in ("lt", "lte") and _is_number(value):
            assert isinstance(value, int | float)
            return int(value) - (bound.condition.op == "lt")
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ceiling(condition: ConditionSection, otherwise: int) -> int:
    match condition.op:
        case "lte":
            return math.floor(_exact(condition))
        case "lt":
            return math.ceil(_exact(condition)) - 1
        case "gt" | "gte" | "exists":
            return otherwise
        case _:
            raise Incomparable(
                f"`{condition.op}` on a counter of amounts has no counterpart", "bound it by `lte`"
            )


def _exact(condition: ConditionSection) -> Fraction:
    value = condition.value
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise Incomparable(f"`{condition.op}` takes a number", "write it without quotes")
    return Fraction(value)


def _first_refused(condition: ConditionSection, step: int) -> int | None:
    """Return after how many calls the condition refuses the next one; None is never."""
    match condition.op:
        case "lt" | "lte" | "gt" | "gte":
            return _first_out_of_bounds(condition, step)
        case "eq" | "in":
            wanted = [condition.value] if condition.op == "eq" else _list(condition)
            return next(n for n in range(len(wanted) + 1) if not _any(n * step, wanted))
        case "neq" | "not_in":
            refused = [condition.value] if condition.op == "neq" else _list(condition)
            found = [_calls_until(each, step) for each in refused]
            return min((each for each in found if each is not None), default=None)
        case "exists":
            if not isinstance(condition.value, bool):
                raise Incomparable("`exists` takes `true` or `false`", "write one, without quotes")
            return None if condition.value else 0
        case "regex" | "contains":  # a counter is neither a text nor a list
            return 0
    assert_never(condition.op)


def _first_out_of_bounds(condition: ConditionSection, step: int) -> int | None:
    bound = _exact(condition)
    match condition.op:
        case "lte":
            return math.floor(bound / step) + 1 if bound >= 0 else 0
        case "lt":
            return math.ceil(bound / step) if bound > 0 else 0
        case "gte":
            return 0 if bound > 0 else None
        case _:
            return 0 if bound >= 0 else None


def _list(condition: ConditionSection) -> list[object]:
    if not isinstance(condition.value, list):
        raise Incomparable(f"`{condition.op}` takes a list", "write `[one, two]`")
    return condition.value


def _any(count: int, values: list[object]) -> bool:
    return any(_equals(count, value) for value in values)


def _equals(count: int, value: object) -> bool:
    """Say whether Intercept takes a counter at `count` for equal to `value`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) == float(count)
    return isinstance(value, str) and value == str(count)


def _calls_until(value: object, step: int) -> int | None:
    """Return after how many calls the counter equals `value`; None is never."""
    try:
        number = float(value) if isinstance(value, int | float | str) else -1.0
    except ValueError:
        return None
    if not math.isfinite(number) or number < 0 or not number.is_integer() or number % step:
        return None
    if isinstance(value, bool) or (isinstance(value, str) and value != go_double(number)):
        return None
    return int(number) // step
