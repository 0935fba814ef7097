"""Decides on an open approval again, where another policy has come into force meanwhile."""

from dataclasses import dataclass
from datetime import datetime

from ledger.deciding.call_decisions import approval_of, tightened
from ledger.deciding.claims import terms_changed
from ledger.deciding.state import State
from ledger.events.envelopes import Command, Draft
from ledger.events.events import ApprovalCancelled, ApprovalVoided
from ledger.lives.approvals import OPEN, Approval, ApprovalStatus
from ledger.lives.closing import closing
from ledger.lives.deadlines_due import overdue
from policies.rules.decisions import STRICTNESS, Assessment, Effect

RUNS_NOW = (
    "the policy in force now allows it without asking; it runs for a caller who still waits, and"
    " when it is called again"
)
"""Why a question falls away that nobody has to answer any more."""


@dataclass(frozen=True, kw_only=True)
class ReconsiderApproval(Command):
    """Look at an approval again under the policy that `assessment` names.

    `effects` are all that the rules may come to, by what is kept of the call;
    `whole` says that every rule could be judged.
    """

    approval: str
    assessment: Assessment
    effects: frozenset[Effect]
    whole: bool


def reconsider(command: ReconsiderApproval, state: State, at: datetime) -> list[Draft]:
    """Return the end of an approval that makes no sense any more, nothing where it still does.

    A call that is surely denied now, is denied at once: nobody is asked, and a
    yes that was given is void. A question that nobody has to answer, or that
    asks the wrong people, ends too, naming the policy: whoever waits for it is
    decided anew. What cannot be told by what is kept of the call stays as it
    is: it is looked at again with the call itself before it runs.
    """
    approval = approval_of(command.approval, state)
    policy = state.policy()
    if approval.status not in OPEN or policy is None:
        return []
    if policy.digest != command.assessment.policy_digest:
        return []  # another one is in force by now, under which it is looked at too
    late = overdue(approval, at)
    if late is not None:
        return [Draft(f"approval-{approval.id}", late)]
    assessment = tightened(command.assessment, state)
    effects = command.effects
    if assessment is not command.assessment:
        asks = Effect.REQUIRE_APPROVAL
        ranked = (max(each, asks, key=STRICTNESS.__getitem__) for each in effects)
        effects = frozenset(ranked)
    return _ended(approval, assessment, effects, whole=command.whole)


def _ended(
    approval: Approval, assessment: Assessment, effects: frozenset[Effect], *, whole: bool
) -> list[Draft]:
    pending = approval.status is ApprovalStatus.PENDING
    if effects == {Effect.DENY}:
        rules = [each.rule for each in assessment.spoke if each.effect is Effect.DENY]
        named = " and ".join(f"`{rule}`" for rule in rules)
        return [closing(approval, f"denied by rule {named} of the policy in force now")]
    if assessment.charges:
        return []  # whether a limit has room is only known when the call comes again
    if pending and effects == {Effect.ALLOW}:
        cancelled = ApprovalCancelled(
            approval=approval.id, because=RUNS_NOW, policy_digest=assessment.policy_digest
        )
        return [Draft(f"approval-{approval.id}", cancelled)]
    if pending and whole and effects == {Effect.REQUIRE_APPROVAL}:
        because = terms_changed(approval, assessment)
        if because is not None:
            voided = ApprovalVoided(
                approval=approval.id, because=because, policy_digest=assessment.policy_digest
            )
            return [Draft(f"approval-{approval.id}", voided)]
    return []
