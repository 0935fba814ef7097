"""Tells a person which limits speak of a call, what is taken of them and what is left."""

from collections.abc import Iterator, Sequence

from policies.amounts import written_amount
from policies.exceeding import Standing
from policies.limits import Limit
from policies.matching import Subject


def limit_lines(
    limits: Sequence[Limit], subject: Subject, found: Sequence[Standing]
) -> Iterator[str]:
    """Yield a line for each limit; `found` is how those stand that speak of the call."""
    speaking = {each.charge.pointer: each for each in found}
    for limit in limits:
        what = f"limit {limit.name} ({limit.pointer}, {limit.effect.value})"
        each = speaking.get(limit.pointer)
        if each is None:
            yield f"{what} does not cover it: {_silent(limit, subject)}"
        else:
            word = "no room" if each.exceeded else "room"
            left = written_amount(each.left)
            yield f"{what} has {word} for it: {each.because}; {left} left before it"


def _silent(limit: Limit, subject: Subject) -> str:
    key = limit.match.mismatch(subject)
    if key is not None:
        return f"its `{key}` does not match"
    if limit.exception is not None and limit.exception.matches(subject):
        return "its `except` takes the call out"
    return "its condition does not hold"
