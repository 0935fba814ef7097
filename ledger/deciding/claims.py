"""What a settled call comes to in the ledger: it runs, is denied, waits, or claims its approval."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from ledger.deciding.charging import charged
from ledger.deciding.decision_facts import decided, spoken
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalJoined,
    ApprovalRequested,
    ApprovalTerm,
    ApprovalVoided,
)
from ledger.events.standing_events import GrantExpired, GrantUsed
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallFacts, DecideCall
from ledger.lives.deadlines_due import overdue
from ledger.lives.delegations import Delegation
from ledger.lives.patience import escalations, reminders
from ledger.lives.terms_met import denier, unmet
from policies.deciding.freezes import LiveFreeze, is_frozen
from policies.deciding.freezes import because as by_whom
from policies.deciding.settling import settle
from policies.people.people import Directory
from policies.rules.decisions import Assessment, Decision, Effect, GrantTerms, LiveGrant, Usage
from policies.rules.grant_terms import taken_under
from policies.values.refusals import Refused


class PolicyChanged(Refused):
    """The call was assessed with a policy that is not in force; assess it again."""


class ToolChanged(Refused):
    """The call was assessed with a tool definition that is not the newest; learn it again."""


class TermsUnread(Refused):
    """Grants ask something of the call's arguments; look whether it meets their `terms`."""

    def __init__(self, terms: tuple[GrantTerms, ...]) -> None:
        """Keep what has to be looked at."""
        super().__init__("the terms of grants are looked at; nothing was decided yet")
        self.terms = terms


class AlreadyUsed(Refused):
    """An identical call has used the approval."""


class FrozenNow(Refused):
    """Somebody froze the agent, the server or everything; the approval stays as it is."""


class AlreadyDecided(Refused):
    """A call of the name that its caller gave was decided before."""


@dataclass(frozen=True, kw_only=True)
class ClaimApproval(Command):
    """Use an approval for a call that waited for it, assessed anew.

    For a `task` the call is a new one, made as soon as it may run.
    """

    approval: str
    facts: CallFacts
    assessment: Assessment
    task: str | None = None


class Situation(NamedTuple):
    """What a call meets: grants, freezes and limits in force, the approval for its digest.

    `delegations` are those under which votes on the approval were cast. `unknown`
    finds the newest call of a digest that was sent and never heard of again.
    """

    grants: tuple[LiveGrant, ...]
    approval: Approval | None
    directory: Directory
    usage: Usage
    freezes: tuple[LiveFreeze, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    unknown: Callable[[tuple[str, ...]], str | None] = lambda _digests: None


def decide_call(command: DecideCall, situation: Situation, at: datetime) -> list[Draft]:
    """Return the events of a call's decision, settled with what is in force at `at`.

    An observed call is decided and not blocked: it asks nobody, and ends no approval.
    A freeze blocks that too, for it is no policy that is tried out; it ends no
    approval either, since it will be lifted.
    """
    decision = _settled(command.assessment, situation, at)
    if situation.freezes and is_frozen(decision):
        facts = command.facts._replace(observed=False)
        return [Draft(f"call-{facts.call}", decided(facts, decision, None))]
    match decision.effect:
        case Effect.ALLOW:
            return _allow(command.facts, decision, situation)
        case _ if command.facts.observed:
            return [Draft(f"call-{command.facts.call}", decided(command.facts, decision, None))]
        case Effect.DENY:
            return _deny(command.facts, decision, situation, at)
        case Effect.REQUIRE_APPROVAL:
            return _ask(command.facts, decision, situation, at)


def claim(command: ClaimApproval, situation: Situation, at: datetime) -> list[Draft]:
    """Return the dispatch of an approved call, or what keeps it from running.

    Raises AlreadyUsed where another call won, FrozenNow where a freeze stops
    it for now, and Refused where nothing was approved.
    """
    approval = situation.approval
    assert approval is not None, "the caller looks the approval up"
    if approval.status is ApprovalStatus.DISPATCHED or approval.dispatched_call:
        when = approval.dispatched_at.strftime("%H:%M:%S UTC") if approval.dispatched_at else "?"
        message = f"used by an identical call at {when}; call again to ask anew"
        raise AlreadyUsed(message)
    if approval.status is not ApprovalStatus.APPROVED:
        message = f"approval `{approval.id}` is {approval.status}; call again to ask anew"
        raise Refused(message)
    late = overdue(approval, at)
    if late is not None:
        return [_of(approval, late)]
    decision = _settled(command.assessment, situation, at)
    if is_frozen(decision):
        raise FrozenNow(by_whom(decision))
    because = _unmet(approval, decision, command.facts, situation)
    if because:
        return [_of(approval, ApprovalVoided(approval=approval.id, because=because))]
    dispatch = _dispatch(approval, command.facts, command.assessment, command.task)
    if command.task is None:
        return [dispatch]
    without_grants = _settled(command.assessment, situation._replace(grants=()), at)
    joined = ApprovalJoined(approval=approval.id, call=command.facts.call)
    call = Draft(f"call-{command.facts.call}", decided(command.facts, without_grants, approval.id))
    return [call, _of(approval, joined), dispatch]


def _settled(assessment: Assessment, situation: Situation, at: datetime) -> Decision:
    return settle(assessment, situation.grants, at, situation.usage, freezes=situation.freezes)


def _allow(facts: CallFacts, decision: Decision, situation: Situation) -> list[Draft]:
    drafts = [Draft(f"call-{facts.call}", decided(facts, decision, None))]
    if decision.grant is None:
        return drafts
    stream = f"grant-{decision.grant}"
    used = next(grant for grant in situation.grants if grant.id == decision.grant)
    amount = taken_under(used, decision.assessment)
    drafts.append(Draft(stream, GrantUsed(grant=used.id, call=facts.call, amount=amount)))
    if used.uses_left == 1:
        drafts.append(Draft(stream, GrantExpired(grant=decision.grant)))
    return drafts


def _deny(facts: CallFacts, decision: Decision, situation: Situation, at: datetime) -> list[Draft]:
    drafts = [Draft(f"call-{facts.call}", decided(facts, decision, None))]
    if situation.approval is not None:
        because = f"denied by {denier(decision)}"
        voided = ApprovalVoided(approval=situation.approval.id, because=because)
        drafts.append(_of(situation.approval, overdue(situation.approval, at) or voided))
    return drafts


def _ask(facts: CallFacts, decision: Decision, situation: Situation, at: datetime) -> list[Draft]:
    approval = situation.approval
    ended = _ended(approval, decision, facts, situation, at) if approval else None
    if approval is None or ended is not None:
        asked = f"apr_{facts.call.removeprefix('call_')}"
        closing = [] if ended is None or approval is None else [_of(approval, ended)]
        return [
            *closing,
            Draft(f"call-{facts.call}", decided(facts, decision, asked)),
            Draft(f"approval-{asked}", _requested(asked, facts, decision, situation, at)),
        ]
    drafts = [Draft(f"call-{facts.call}", decided(facts, decision, approval.id))]
    joined = ApprovalJoined(approval=approval.id, call=facts.call)
    drafts.append(_of(approval, joined))
    if approval.status is ApprovalStatus.APPROVED:
        drafts.append(_dispatch(approval, facts, decision.assessment))
    return drafts


def _ended(
    approval: Approval, decision: Decision, facts: CallFacts, situation: Situation, at: datetime
) -> Event | None:
    """Return the event that closes an approval which cannot serve this call any more."""
    late = overdue(approval, at)
    if late is not None:
        return late
    if approval.status is ApprovalStatus.PENDING:
        because = _changed(approval, decision, facts)
    else:
        because = _unmet(approval, decision, facts, situation)
    return ApprovalVoided(approval=approval.id, because=because) if because else None


def _unmet(
    approval: Approval, decision: Decision, facts: CallFacts, situation: Situation
) -> str | None:
    because = unmet(approval, decision, facts, situation.directory, situation.delegations)
    return because or _unseen(approval, facts)


def _changed(approval: Approval, decision: Decision, facts: CallFacts) -> str | None:
    """Say why a pending approval no longer asks the right question."""
    if approval.request.definition_hash != facts.definition_hash:
        return "the tool's definition changed"
    if approval.request.owner != facts.agent.owner:
        return "the agent has another owner now"
    return _unseen(approval, facts) or terms_changed(approval, decision.assessment)


def _unseen(approval: Approval, facts: CallFacts) -> str | None:
    """Say what the call brings beside its arguments that the card does not name; None for nothing.

    It is no part of the digest, so an identical call may bring more than people saw.
    """
    new = [key for key in facts.meta_keys if key not in approval.request.meta_keys]
    return f"the call brings `{new[0]}` besides, which was not on the card" if new else None


def terms_changed(approval: Approval, assessment: Assessment) -> str | None:
    """Say what is asked of people now that a pending approval does not ask; None for nothing."""
    wanted = tuple((term.team, term.approvals) for term in assessment.terms)
    if wanted != tuple((term.team, term.approvals) for term in approval.request.terms):
        return "the policy asks for other approvals now"
    if assessment.reason_required and not approval.request.reason_required:
        return "the policy asks for a reason now"
    return None


def _dispatch(
    approval: Approval, facts: CallFacts, assessment: Assessment, task: str | None = None
) -> Draft:
    return _of(
        approval,
        ApprovalDispatched(
            approval=approval.id,
            call=facts.call,
            instance=facts.instance,
            policy_digest=assessment.policy_digest,
            task=task,
            charges=charged(assessment),
        ),
    )


def _requested(
    asked: str, facts: CallFacts, decision: Decision, situation: Situation, at: datetime
) -> ApprovalRequested:
    assessment = decision.assessment
    teams = tuple(dict.fromkeys(term.team for term in assessment.terms))
    until = at + assessment.expires_in
    return ApprovalRequested(
        approval=asked,
        call=facts.call,
        agent=facts.agent.name,
        agent_team=facts.agent.team,
        owner=facts.agent.owner,
        on_behalf_of=facts.agent.on_behalf_of,
        server=facts.server,
        tool=facts.tool,
        description=facts.description,
        definition_hash=facts.definition_hash,
        digest=facts.digests[0],
        arguments=facts.arguments,
        hidden=facts.hidden,
        meta_keys=facts.meta_keys,
        rules=spoken(assessment),
        terms=tuple(ApprovalTerm(team=t.team, approvals=t.approvals) for t in assessment.terms),
        reason_required=assessment.reason_required,
        show_result=assessment.show_result,
        risk=assessment.risk,
        evidence=assessment.evidence,
        policy_digest=assessment.policy_digest,
        expires_at=until,
        use_within_seconds=int(assessment.use_within / timedelta(seconds=1)),
        grantable=assessment.grantable,
        reminders=reminders(teams, at, until, situation.directory),
        escalations=escalations(teams, at, until, situation.directory),
        repeats=situation.unknown(facts.digests),
    )


def _of(approval: Approval, event: Event) -> Draft:
    return Draft(f"approval-{approval.id}", event)
