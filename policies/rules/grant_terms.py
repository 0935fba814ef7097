"""What the calls under a grant must be like, and how much they may take in all."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

from policies.conditions.amounts import added, amount_of, exact_amount, written_amount
from policies.conditions.arguments import Scope
from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import (
    Condition,
    Unevaluable,
    compile_condition,
    compile_expression,
)
from policies.conditions.redacted_sums import redacted_sum
from policies.rules.decisions import Assessment, GrantAnswer, GrantTerms, LiveGrant
from policies.rules.policy_file import is_condition
from policies.secrets.redaction import redact_text

_LONGEST = 1000


def terms_problem(
    when: str | None, summed: str | None, at_most: str | None, redacted: Sequence[str]
) -> str | None:
    """Return what is wrong with the terms of a grant, in words for whoever gives it; else None.

    `redacted` are the patterns of the policy's `redact`.
    """
    if (summed is None) != (at_most is None):
        return "a sum needs both: what is added up, and how much it may be at most"
    for text in (when, summed):
        problem = None if text is None else _text_problem(text)
        if problem is not None:
            return problem
    try:
        if when is not None:
            compile_condition(when)
        amount = None if summed is None else compile_expression(summed)
    except CannotCompile as refused:
        return f"{refused.what}; {refused.instead}"
    if amount is None or at_most is None:
        return None
    most = exact_amount(at_most)
    if most is None or most <= 0:
        return "what a grant may take in all has to be a number above 0"
    return _sum_problem(amount, redacted)


def unread(grants: Iterable[LiveGrant], assessment: Assessment) -> tuple[GrantTerms, ...]:
    """Return the terms of grants of which nobody has looked whether the call meets them."""
    known = dict(assessment.answers)
    found = (grant.terms for grant in grants if grant.terms is not None)
    return tuple(dict.fromkeys(terms for terms in found if terms not in known))


def answered(assessment: Assessment, terms: Iterable[GrantTerms], scope: Scope) -> Assessment:
    """Return the assessment with whether the call meets these terms, and what it would take.

    A condition or an amount that cannot be told is not met.
    """
    answers = {**dict(assessment.answers), **{each: _answer(each, scope) for each in terms}}
    return replace(assessment, answers=tuple(answers.items())) if answers else assessment


def unmet_terms(grant: LiveGrant, assessment: Assessment) -> str | None:
    """Return why the call does not meet the terms of a grant; None where it does."""
    if grant.terms is None:
        return None
    answer = dict(assessment.answers).get(grant.terms)
    if answer is None:
        return "nobody has looked whether the call meets its condition"
    if answer.against is not None:
        return answer.against
    if grant.left is not None and answer.amount is not None and answer.amount > grant.left:
        left, wanted = written_amount(grant.left), written_amount(answer.amount)
        return f"{left} are left of it, and the call takes {wanted}"
    return None


def taken_under(grant: LiveGrant, assessment: Assessment) -> str | None:
    """Return what a call takes of the sum of a grant that lifts it; None where none is kept."""
    answer = None if grant.terms is None else dict(assessment.answers).get(grant.terms)
    return None if answer is None or answer.amount is None else written_amount(answer.amount)


def in_all(one: str, other: str) -> str:
    """Return the exact sum of two amounts as they are written."""
    return written_amount(added(Decimal(one), Decimal(other)))


def _text_problem(text: str) -> str | None:
    if not is_condition(text) or len(text) > _LONGEST:
        return f"a condition has 1 to {_LONGEST} characters of CEL"
    if redact_text(text).text != text:
        return "the condition looks like it holds a secret; it would be kept for ever"
    return None


def _sum_problem(amount: Condition, redacted: Sequence[str]) -> str | None:
    if not amount.reads:
        return "what is added up looks at nothing of the call; write for example `args.amount`"
    path = redacted_sum(amount, redacted)
    return None if path is None else f"`{path}` is redacted, and what is summed is kept"


def _answer(terms: GrantTerms, scope: Scope) -> GrantAnswer:
    if terms.when is not None:
        held = _condition(terms.when).holds(scope)
        if isinstance(held, Unevaluable):
            return GrantAnswer(f"its condition cannot be evaluated: {held.reason}")
        if not held:
            return GrantAnswer("its condition does not hold")
    if terms.sum is None:
        return GrantAnswer(None)
    amount = amount_of(_expression(terms.sum)).of(scope)
    if isinstance(amount, Unevaluable):
        return GrantAnswer(f"what the call takes cannot be told: {amount.reason}")
    return GrantAnswer(None, amount)


@lru_cache(maxsize=256)
def _condition(source: str) -> Condition:
    return compile_condition(source)


@lru_cache(maxsize=256)
def _expression(source: str) -> Condition:
    return compile_expression(source)
