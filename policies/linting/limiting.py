"""Finds limits that are never reached: nothing counts, or something else stops before."""

from collections.abc import Iterator
from datetime import timedelta

from policies.linting.findings import Finding, Severity
from policies.linting.shadowing import span_of
from policies.rules.decisions import Effect
from policies.rules.limits import Limit
from policies.rules.policy import Policy
from policies.values.inclusion import Span
from policies.yaml.durations import written

_MOST_A_SECOND = 10_000
"""More calls than this pass no gateway of one ledger in a second."""


def idle_limits(policy: Policy) -> Iterator[Finding]:
    """Yield the limits that can stop no call."""
    for index, limit in enumerate(policy.limits):
        span = Span(limit.match, limit.exception)
        if span.empty:
            what = f"limit `{limit.name}` speaks of no call: `except` takes out all of `match`"
            instead = "narrow `except`, or remove the limit"
            yield _at(limit, Severity.ERROR, "speaks-of-nothing", what, instead)
            continue
        if limit.condition is not None and not limit.condition.reads:
            what = f"the condition of limit `{limit.name}` is always the same"
            yield _at(limit, Severity.WARNING, "constant", what, "mend `when`, or remove it")
        yield from _denied(limit, span, policy)
        yield from _out_of_reach(limit, index, policy)


def _denied(limit: Limit, span: Span, policy: Policy) -> Iterator[Finding]:
    for rule in policy.rules:
        if rule.effect is Effect.DENY and rule.condition is None and span_of(rule).holds(span):
            what = (
                f"limit `{limit.name}` never counts: rule `{rule.name}` on line {rule.line} denies "
                "every call it speaks of"
            )
            yield _at(limit, Severity.WARNING, "never-counts", what, "remove one of the two")
            return


def _out_of_reach(limit: Limit, index: int, policy: Policy) -> Iterator[Finding]:
    most = limit.within / timedelta(seconds=1) * _MOST_A_SECOND
    if not limit.sums and float(limit.at_most) > most:
        within = written(limit.within)
        what = f"limit `{limit.name}` is never reached: no {within} holds so many calls"
        instead = "write fewer, or a longer time"
        yield _at(limit, Severity.WARNING, "never-reached", what, instead)
    for place, other in enumerate(policy.limits):
        if place != index and _stops_before(other, limit, earlier=place < index):
            what = (
                f"limit `{limit.name}` is never reached: `{other.name}` on line {other.line} stops "
                "these calls before"
            )
            instead = "remove it, or make it tighter"
            yield _at(limit, Severity.WARNING, "never-reached", what, instead)
            return


def _stops_before(other: Limit, limit: Limit, *, earlier: bool) -> bool:
    """Say whether `other` denies before `limit` is full; of two alike the first does."""
    if other.effect is not Effect.DENY or _counted(other) != _counted(limit):
        return False
    if (other.within, other.at_most) == (limit.within, limit.at_most):
        return earlier or limit.effect is not Effect.DENY
    return other.within >= limit.within and other.at_most <= limit.at_most


def _counted(limit: Limit) -> tuple[object, ...]:
    """Return what a limit counts, and for whom, whatever its bounds."""
    condition = limit.condition.source if limit.condition else None
    return limit.match, limit.exception, condition, sorted(limit.per), limit.amount.source


def _at(limit: Limit, severity: Severity, kind: str, what: str, instead: str) -> Finding:
    return Finding(limit.file, limit.line, limit.column, severity, kind, what, instead)
