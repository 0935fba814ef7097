"""Limits as they are compiled from the policy file: how many calls, or how much, in what time."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256

from policies.conditions.amounts import Amount, OneCall
from policies.conditions.arguments import Scope
from policies.conditions.conditions import Condition, Unevaluable
from policies.rules.decisions import Charge, Effect, Term
from policies.rules.rules import Asking
from policies.values.matching import Glob, Matcher, Subject

_METER_DIGITS = 16
_LONGEST_NAMES = 1024


class Per(StrEnum):
    """For whom, or for what, a limit counts apart.

    `team` is the agent's, `person` the one on whose behalf it acts; calls on
    nobody's behalf are counted together.
    """

    AGENT = "agent"
    TEAM = "team"
    PERSON = "person"
    SERVER = "server"
    TOOL = "tool"


@dataclass(frozen=True)
class Limit:
    """One limit; `pointer` is its JSON Pointer in the file (RFC 6901), `line` where it begins.

    `meter` names what it counts, over what time, for whom: limits that count
    the same share it, and one that is only told otherwise keeps it.
    """

    name: str
    pointer: str
    line: int
    column: int
    match: Matcher
    exception: Matcher | None
    condition: Condition | None
    per: tuple[Per, ...]
    amount: Amount
    at_most: Decimal
    within: timedelta
    effect: Effect
    asking: Asking
    meter: str
    message: str | None = None
    description: str | None = None
    file: str = "policy.yaml"

    @property
    def sums(self) -> bool:
        """Whether it adds up amounts; else it counts calls."""
        return not isinstance(self.amount, OneCall)

    @property
    def looks_inside(self) -> bool:
        """Whether what it says of a call depends on more than a matcher looks at."""
        return self.sums or self.condition is not None or Per.TEAM in self.per

    def concerns(self, subject: Subject) -> bool:
        """Say whether the call is one the limit speaks of, its condition aside."""
        return self.match.matches(subject) and not (
            self.exception is not None and self.exception.matches(subject)
        )

    def speaks(self, scope: Scope) -> bool:
        """Say whether its condition lets it speak of a call that it concerns.

        One that cannot be evaluated does.
        """
        return self.condition is None or self.condition.holds(scope) is not False


def meter_of(
    match: Matcher,
    exception: Matcher | None,
    condition: Condition | None,
    per: Iterable[Per],
    amount: Amount,
    within: timedelta,
) -> str:
    """Return the name of what is counted: 16 hex digits, the same for ever for the same words."""
    written = {
        "match": _written(match),
        "except": _written(exception) if exception is not None else None,
        "when": condition.source if condition is not None else None,
        "per": sorted(each.value for each in per),
        "sum": amount.source,
        "within": within // timedelta(milliseconds=1),
    }
    text = json.dumps(written, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:_METER_DIGITS]


def charges_of(limits: Iterable[Limit], subject: Subject, scope: Scope) -> tuple[Charge, ...]:
    """Return what a call adds to each limit that speaks of it, in the order of their names.

    Terms that name no team ask the one that owns the server. A condition that
    cannot be evaluated counts against the call, and so does an amount that
    cannot be told: no limit has room for it.
    """
    speaking = [limit for limit in sorted(limits, key=_name) if limit.speaks(scope)]
    return tuple([charge_of(limit, subject, scope) for limit in speaking])


def charge_of(limit: Limit, subject: Subject, scope: Scope) -> Charge:
    """Return what a call adds to a limit that speaks of it, as `charges_of`."""
    amount, obstacle = told(limit.amount.of(scope))
    whose = _whose(limit.per, subject, scope)
    return Charge(
        limit=limit.name,
        pointer=limit.pointer,
        meter=limit.meter,
        bucket=_bucket(limit.meter, whose),
        whose=" and ".join(f"{key} `{value}`" if value else f"no {key}" for key, value in whose),
        sums=limit.sums,
        amount=amount,
        obstacle=obstacle,
        at_most=limit.at_most,
        within=limit.within,
        effect=limit.effect,
        term=Term(limit.asking.team or subject.team, limit.asking.approvals),
        reason_required=limit.asking.reason_required,
        expires_in=limit.asking.expires_in,
        use_within=limit.asking.use_within,
        message=limit.message,
    )


def told(amount: Decimal | Unevaluable) -> tuple[Decimal | None, str]:
    """Return an amount, or None and why it cannot be told."""
    return (None, amount.reason) if isinstance(amount, Unevaluable) else (amount, "")


def _name(limit: Limit) -> tuple[str, str]:
    return limit.name, limit.pointer


def _whose(per: Iterable[Per], subject: Subject, scope: Scope) -> tuple[tuple[str, str], ...]:
    values = {
        Per.AGENT: subject.agent,
        Per.TEAM: scope.agent.get("team") or "",
        Per.PERSON: subject.on_behalf_of or "",
        Per.SERVER: subject.server,
        Per.TOOL: f"{subject.server}/{subject.tool}",
    }
    return tuple([(each.value, values[each]) for each in sorted(set(per))])


def _bucket(meter: str, whose: tuple[tuple[str, str], ...]) -> str:
    if sum(len(value) for _, value in whose) > _LONGEST_NAMES:
        return _named(meter, whose)
    return _remembered(meter, whose)


def _named(meter: str, whose: tuple[tuple[str, str], ...]) -> str:
    text = json.dumps(whose, ensure_ascii=False, separators=(",", ":"))
    return f"{meter}-{sha256(text.encode(errors='surrogatepass')).hexdigest()[:_METER_DIGITS]}"


_remembered = lru_cache(maxsize=4096)(_named)


def _written(matcher: Matcher) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key in ("server", "tool", "agent", "team", "on_behalf_of"):
        globs: tuple[Glob, ...] | None = getattr(matcher, key)
        if globs is not None:
            found[key] = sorted(glob.pattern for glob in globs)
    if matcher.risk is not None:
        found["risk"] = sorted(risk.value for risk in matcher.risk)
    return found
