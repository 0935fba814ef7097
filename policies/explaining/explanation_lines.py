"""Tells a person why a call is decided as it is."""

from collections.abc import Iterator

from policies.conditions.amounts import written_amount
from policies.explaining.explanations import Explanation, Heard, Metered
from policies.rules.decisions import Decision, Effect
from policies.yaml.durations import written

_ANSWERS = {
    Effect.ALLOW: "allowed",
    Effect.REQUIRE_APPROVAL: "held for approval",
    Effect.DENY: "denied",
}


def explanation_lines(found: Explanation, *, every: bool) -> Iterator[str]:
    """Yield what becomes of the call and why; with `every`, also rules that say nothing of it.

    The lines hold names that agents and servers choose: make them inert.
    """
    call, decision = found.call, found.decision
    yield f"{call.agent} calls {call.server}/{call.tool}: {_ANSWERS[decision.effect]}"
    yield f"risk: {found.risk.risk.value} ({found.risk.evidence})"
    for each in found.beyond:
        yield f"{each.rule} ({each.pointer or '-'}, {each.effect.value}): {each.because}"
    for heard in found.rules:
        if heard.speaks or every:
            yield _rule(heard)
    for metered in found.limits:
        if metered.standing is not None or every:
            yield _limit(metered)
    silent = sum(not each.speaks for each in found.rules)
    silent += sum(each.standing is None for each in found.limits)
    if silent and not every:
        yield f"{silent} other rules and limits say nothing of such calls; --all tells why"
    yield from _asking(decision)
    if decision.assessment.message:
        yield f"message: {decision.assessment.message}"
    for considered in found.grants:
        against = considered.against
        does = "lifts it" if against is None else f"does not lift it: {against}"
        yield f"grant {considered.grant.id} {does}"
    yield f"policy: {found.policy.digest}"


def _rule(heard: Heard) -> str:
    rule = heard.rule
    word = "covers" if heard.covers else "does not cover"
    return f"rule {rule.name} ({rule.pointer}, {rule.effect.value}) {word} it: {heard.because}"


def _limit(metered: Metered) -> str:
    limit, standing = metered.limit, metered.standing
    what = f"limit {limit.name} ({limit.pointer}, {limit.effect.value})"
    if standing is None:
        return f"{what} does not cover it: {metered.because}"
    word = "no room" if standing.exceeded else "room"
    left = written_amount(standing.left)
    return f"{what} has {word} for it: {metered.because}; {left} left before it"


def _asking(decision: Decision) -> Iterator[str]:
    assessment = decision.assessment
    for term in assessment.terms:
        yield f"asks: {term.approvals} of team {term.team}"
    if assessment.terms:
        reason = ", with a reason" if assessment.reason_required else ""
        expires, use = written(assessment.expires_in), written(assessment.use_within)
        yield f"asked for {expires}, to be used within {use}{reason}"
