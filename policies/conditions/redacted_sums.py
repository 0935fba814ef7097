"""Finds sums of what is redacted: the ledger keeps what was added up, for ever."""

from collections.abc import Sequence
from functools import reduce

from policies.conditions.conditions import Condition
from policies.conditions.expressions import Expression
from policies.secrets.redaction import redact
from policies.values.calls import JsonValue, Number


def redacted_sum(amount: Condition, patterns: Sequence[str]) -> str | None:
    """Return the argument that is summed and that redaction would hide, None where none is."""
    for path in Expression.read(amount.source).paths():
        if path and redact(_nested(path), patterns).hidden:
            return f"args.{'.'.join(path)}"
    return None


def _nested(path: Sequence[str]) -> dict[str, JsonValue]:
    value: JsonValue = Number("1")
    whole = reduce(lambda inner, step: {step: inner}, reversed(path), value)
    assert isinstance(whole, dict), "a path has a step"
    return whole
