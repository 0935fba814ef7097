"""Lets an agent answer, once, what a server asked for in the middle of an approved call."""

from dataclasses import dataclass, replace
from datetime import datetime

from ledger.deciding.claims import AlreadyUsed, Situation, decide_call
from ledger.deciding.decision_facts import decided
from ledger.events.envelopes import Command, Draft
from ledger.events.events import CallContinued
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallFacts, DecideCall
from ledger.lives.terms_met import unmet
from policies.deciding.freezes import is_frozen
from policies.deciding.settling import settle
from policies.rules.decisions import Assessment, Effect
from policies.values.refusals import Refused


class Unfit(Refused):
    """The approval of a call does not hold for what would follow; the message says why."""


@dataclass(frozen=True, kw_only=True)
class ContinueCall(Command):
    """Send an approved call once more, with what its server asked for, assessed anew.

    `state` names what was asked; see CallContinued for the other fields.
    """

    approval: str
    state: str
    round: int
    facts: CallFacts
    assessment: Assessment
    answers: str | None
    hidden: int


def continue_call(
    command: ContinueCall, approval: Approval, situation: Situation, at: datetime
) -> list[Draft]:
    """Return the events of a further round of an approved call, or of its denial.

    `situation` is what any call meets. Limits counted the first round, which
    this one goes on with. Raises AlreadyUsed where the server was
    answered before, Unfit where the terms are not met any more.
    """
    facts = command.facts
    if approval.dispatched_call is None:
        raise Refused(f"approval `{approval.id}` was not used; call anew, without `requestState`")
    if command.state in approval.continuations:
        raise AlreadyUsed("what the server asked was answered before; call anew to start over")
    assessment = replace(command.assessment, charges=())
    decision = settle(assessment, (), at, situation.usage, freezes=situation.freezes)
    if is_frozen(decision) or (decision.effect is Effect.DENY and not facts.observed):
        return decide_call(_decide(command), situation, at)
    directory, delegations = situation.directory, situation.delegations
    because = unmet(approval, decision, facts, directory, delegations)
    if because is not None and not facts.observed:
        raise Unfit(because)
    continued = CallContinued(
        call=facts.call,
        approval=approval.id,
        state=command.state,
        round=command.round,
        instance=facts.instance,
        policy_digest=command.assessment.policy_digest,
        answers=command.answers,
        hidden=command.hidden,
    )
    return [
        Draft(f"call-{facts.call}", decided(facts, decision, approval.id)),
        Draft(f"approval-{approval.id}", continued),
    ]


def _decide(command: ContinueCall) -> DecideCall:
    return DecideCall(
        id=command.id, actor=command.actor, facts=command.facts, assessment=command.assessment
    )
