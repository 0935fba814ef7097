"""Says what of a past call cannot be judged by what is kept of it, and what it may come to then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.deciding.settling import is_for
from policies.past.past_calls import PastCall
from policies.past.recomputing import Doubt, Recomputed
from policies.rules.decisions import STRICTNESS, Charge, Decision, Effect, LiveGrant


@dataclass(frozen=True)
class Unjudged:
    """A rule, a limit or a grant that cannot be judged by what is kept of a call, and why."""

    name: str
    effect: Effect
    because: str


def of_rule(doubt: Doubt) -> Unjudged:
    """Return a rule that cannot be judged."""
    return Unjudged(doubt.rule.name, doubt.rule.effect, doubt.because)


def of_limits(call: PastCall, exceeded: Sequence[Charge]) -> Iterator[Unjudged]:
    """Yield the limits that have no room only because nobody can tell what the call adds."""
    for charge in exceeded:
        if call.veiled and charge.amount is None:
            because = "what the call adds may be a value that is hidden"
            yield Unjudged(charge.limit, charge.effect, because)


def of_grants(
    call: PastCall, grants: Sequence[LiveGrant], decision: Decision
) -> Iterator[Unjudged]:
    """Yield the grants whose terms look at arguments of which something lacks."""
    if not call.veiled or decision.effect is not Effect.REQUIRE_APPROVAL:
        return
    for grant in grants:
        if grant.terms is not None and is_for(grant, decision.assessment, call.at):
            because = "what it asks of the arguments may be hidden"
            yield Unjudged(f"grant {grant.id}", Effect.ALLOW, because)


def possible_effects(
    call: PastCall,
    said: Recomputed,
    decision: Decision,
    exceeded: Sequence[Charge],
    doubts: Sequence[Unjudged],
) -> frozenset[Effect]:
    """Return all that a call may come to, whichever of the doubts speak.

    `exceeded` are the limits without room for it, as far as can be told.
    """
    floors = [effect for _, effect in call.beyond]
    floors += [each.effect for each in exceeded if not (call.veiled and each.amount is None)]
    effects = {decision.effect}
    for each in said.effects:
        effect = max((each, *floors), key=STRICTNESS.__getitem__)
        lifted = decision.grant is not None and effect is Effect.REQUIRE_APPROVAL
        effects.add(Effect.ALLOW if lifted else effect)
    strictest = max(effects, key=STRICTNESS.__getitem__)
    for doubt in doubts:
        worse = STRICTNESS[doubt.effect] > STRICTNESS[strictest]
        if worse or doubt.name.startswith("grant "):
            effects.add(doubt.effect)
    return frozenset(effects)
