"""Says which limits have no room for a call, and what an assessment comes to with them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from policies.conditions.amounts import NOTHING, added, taken, written_amount
from policies.rules.decisions import STRICTNESS, Assessment, Charge, Effect, Spoke, Term, Usage
from policies.yaml.durations import written

_LIMITS = re.compile(r"(/include/[^/]+)?/limits/[0-9]+")


@dataclass(frozen=True)
class NothingUsed:
    """Limits of which nothing is taken yet."""

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return 0, whatever is asked."""
        del bucket, at
        return NOTHING


NOTHING_USED = NothingUsed()


@dataclass(frozen=True)
class Standing:
    """How a limit stands to a call: what is taken of it, and whether there is no room."""

    charge: Charge
    used: Decimal
    exceeded: bool

    @property
    def left(self) -> Decimal:
        """What is left before the call, never below 0."""
        return max(taken(self.charge.at_most, self.used), NOTHING)

    @property
    def because(self) -> str:
        """What is taken, of how much, by whom, and what the call adds."""
        charge = self.charge
        what = "taken" if charge.sums else "calls let through"
        whose = f" for {charge.whose}" if charge.whose else ""
        of = f"{written_amount(self.used)} of at most {written_amount(charge.at_most)}"
        text = f"{of} {what} within {written(charge.within)}{whose}"
        if charge.amount is None:
            return f"what the call adds cannot be told: {charge.obstacle} ({text})"
        return f"{text}; the call adds {written_amount(charge.amount)}" if charge.sums else text


def standings(assessment: Assessment, usage: Usage, at: datetime) -> list[Standing]:
    """Return how each limit that speaks of the call stands at `at` (UTC)."""
    return [_standing(charge, usage, at) for charge in assessment.charges]


def within_limits(assessment: Assessment, usage: Usage, at: datetime) -> Assessment:
    """Return the assessment as it is with the limits that have no room for the call.

    Each of these speaks like a rule that covers the call: the strictest effect
    wins, terms add up, and no grant lifts it. An amount that cannot be told
    finds no room anywhere.
    """
    if not assessment.charges:
        return assessment
    charges = [charge for charge in assessment.charges if _is_exceeded(charge, usage, at)]
    full = [_standing(charge, usage, at) for charge in charges]
    return _with_full(assessment, full) if full else assessment


def is_limited(assessment: Assessment) -> bool:
    """Tell whether a limit that has no room speaks in the assessment."""
    return any(is_limit(spoke.pointer) for spoke in assessment.spoke)


def is_limit(pointer: str) -> bool:
    """Tell whether it is a limit that a JSON Pointer into the policy names, and not a rule."""
    return _LIMITS.fullmatch(pointer) is not None


def kind_named(pointer: str, name: str) -> str:
    """Return what spoke as a person says it: rule `writes`, limit `refunds`."""
    return f"{'limit' if is_limit(pointer) else 'rule'} `{name}`"


def _standing(charge: Charge, usage: Usage, at: datetime) -> Standing:
    return Standing(charge, usage.used(charge.bucket, at), _is_exceeded(charge, usage, at))


def _is_exceeded(charge: Charge, usage: Usage, at: datetime) -> bool:
    if charge.amount is None:
        return True
    return added(usage.used(charge.bucket, at), charge.amount) > charge.at_most


def _with_full(assessment: Assessment, full: Sequence[Standing]) -> Assessment:
    charges = [each.charge for each in full]
    spoke = (
        *assessment.spoke,
        *(Spoke(s.charge.limit, s.charge.pointer, s.charge.effect, s.because) for s in full),
    )
    effect = max((each.effect for each in spoke), key=STRICTNESS.__getitem__)
    asking = [charge for charge in charges if charge.effect is Effect.REQUIRE_APPROVAL]
    asked = assessment.effect is Effect.REQUIRE_APPROVAL
    return replace(
        assessment,
        effect=effect,
        spoke=tuple(sorted(spoke, key=lambda each: (-STRICTNESS[each.effect], each.rule))),
        terms=_terms([*assessment.terms, *(charge.term for charge in asking)], effect),
        reason_required=assessment.reason_required or any(c.reason_required for c in asking),
        expires_in=_shortest([c.expires_in for c in asking], assessment.expires_in, asked),
        use_within=_shortest([c.use_within for c in asking], assessment.use_within, asked),
        grantable=False,
        message=_message(assessment, charges, effect),
    )


def _terms(terms: Iterable[Term], effect: Effect) -> tuple[Term, ...]:
    counts: dict[str, int] = {}
    for term in terms if effect is Effect.REQUIRE_APPROVAL else ():
        counts[term.team] = max(counts.get(term.team, 0), term.approvals)
    return tuple(Term(team, counts[team]) for team in sorted(counts))


def _shortest(limits: Sequence[timedelta], rules: timedelta, asked: bool) -> timedelta:  # noqa: FBT001
    """Return the shortest of what is asked; what no rule asks for does not count."""
    return min([*limits, rules] if asked or not limits else limits)


def _message(assessment: Assessment, charges: Iterable[Charge], effect: Effect) -> str | None:
    messages = dict.fromkeys(c.message for c in charges if c.effect is effect and c.message)
    if assessment.effect is effect and assessment.message:
        messages = {assessment.message: None, **messages}
    return "; ".join(messages) or None
