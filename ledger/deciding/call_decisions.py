"""Decides what becomes of a call, with all that is in force at the moment of deciding."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from ledger.deciding.claims import (
    AlreadyDecided,
    ClaimApproval,
    PolicyChanged,
    Situation,
    TermsUnread,
    ToolChanged,
    claim,
    decide_call,
)
from ledger.deciding.continuing import ContinueCall, continue_call
from ledger.deciding.state import State
from ledger.events.envelopes import Draft
from ledger.lives import calls, grants
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.calls import CallFacts, CompleteCall, DecideCall, PresumeLost
from ledger.lives.delegations import Delegation
from ledger.lives.grants import Grant
from policies.deciding.acceptance import until_accepted
from policies.deciding.settling import is_for
from policies.people.people import Agent
from policies.rules.decisions import Assessment, Effect, LiveGrant
from policies.rules.grant_terms import unread
from policies.values.refusals import Refused


def decide(command: DecideCall, state: State, at: datetime) -> list[Draft]:
    """Return the events of a call's decision. Raises Refused where nothing can be decided."""
    facts = command.facts
    if facts.named and state.call(facts.call) is not None:
        raise AlreadyDecided(f"call `{facts.call}` was decided before")
    if state.runs(facts.call):  # a command that is sent again gets what it caused, for this no
        raise Refused(f"call `{facts.call}` was decided and runs")
    _check(facts, command.assessment, state, at)
    assessment = tightened(command.assessment, state)
    if assessment is not command.assessment:
        command = replace(command, assessment=assessment)
    situation = _situation(facts, state)
    if _is_others(facts, assessment, state):  # and so is an approval of such a call
        situation = situation._replace(approval=None)
    _check_terms(assessment, situation, at)
    return decide_call(command, situation, at)


def use(command: ClaimApproval | ContinueCall, state: State, at: datetime) -> list[Draft]:
    """Return the events of a call that uses an approval, or goes on under it. Raises Refused."""
    match command:
        case ClaimApproval():
            return _claim(command, state, at)
        case ContinueCall():
            return _continue(command, state, at)


def complete(command: CompleteCall, state: State) -> list[Draft]:
    """Return the event of a call's end. Raises Refused for a call that never was."""
    call = state.call(command.call)
    if call is None:
        raise Refused(f"there is no call `{command.call}`")
    return [Draft(f"call-{call.id}", event) for event in calls.complete(call, command)]


def lose(command: PresumeLost, state: State) -> list[Draft]:
    """Return the events of calls whose process is gone: nobody can say how they ended."""
    return [
        Draft(f"call-{call.id}", event)
        for call in state.running_calls()
        if call.instance in command.instances
        for event in calls.lose(call)
    ]


def approval_of(name: str, state: State) -> Approval:
    """Return the approval with this id. Raises Refused where there is none."""
    approval = state.approval(name)
    if approval is None:
        message = f"there is no approval `{name}`; `/placet pending` lists the open ones"
        raise Refused(message)
    return approval


def _claim(command: ClaimApproval, state: State, at: datetime) -> list[Draft]:
    approval = approval_of(command.approval, state)
    if approval.status is ApprovalStatus.APPROVED:
        _check(command.facts, command.assessment, state, at)
        assessment = tightened(command.assessment, state)
        command = replace(command, assessment=assessment)
    return claim(command, _situation(command.facts, state, approval), at)


def _continue(command: ContinueCall, state: State, at: datetime) -> list[Draft]:
    if state.runs(command.facts.call):
        raise Refused(f"call `{command.facts.call}` was decided and runs")
    _check(command.facts, command.assessment, state, at)
    assessment = tightened(command.assessment, state)
    command = replace(command, assessment=assessment)
    approval = approval_of(command.approval, state)
    situation = _situation(command.facts, state)
    situation = situation._replace(delegations=_delegations(approval, state))
    return continue_call(command, approval, situation, at)


def _check(facts: CallFacts, assessment: Assessment, state: State, at: datetime) -> None:
    """Refuse a call that was assessed with what is not in force any more."""
    policy = state.policy()
    if policy is None or policy.digest != assessment.policy_digest:
        message = "the policy changed while the call was looked at; it is looked at again"
        raise PolicyChanged(message)
    if state.agent(facts.agent.name) is None:
        message = f"agent `{facts.agent.name}` is not known or was revoked"
        raise Refused(message)
    if facts.agent.key is not None and not _takes(facts.agent.name, facts.agent.key, state, at):
        message = f"agent `{facts.agent.name}` has another key now; call again with that one"
        raise Refused(message)
    if facts.agent.until is not None and at >= facts.agent.until:
        message = f"the token of agent `{facts.agent.name}` has ended; call again with another"
        raise Refused(message)
    known = state.tool(facts.server, facts.tool)
    newest = known.hash if known is not None and known.listed else ""
    if newest != facts.definition_hash and not _is_unlisted(facts, assessment):
        message = f"the definition of `{facts.tool}` changed while the call was looked at"
        raise ToolChanged(message)


def _is_unlisted(facts: CallFacts, assessment: Assessment) -> bool:
    """Tell whether a call is denied since its caller's list has no such tool; others' may have."""
    return not facts.definition_hash and assessment.effect is Effect.DENY


def _is_others(facts: CallFacts, assessment: Assessment, state: State) -> bool:
    """Tell whether a tool that the caller's list has not is on the list of somebody else."""
    known = state.tool(facts.server, facts.tool)
    return known is not None and known.listed and _is_unlisted(facts, assessment)


def _check_terms(assessment: Assessment, situation: Situation, at: datetime) -> None:
    """Ask for whether the call meets the terms of grants that may lift it."""
    if not situation.grants or assessment.effect is not Effect.REQUIRE_APPROVAL:
        return
    terms = unread((g for g in situation.grants if is_for(g, assessment, at)), assessment)
    if terms:
        raise TermsUnread(terms)


def _takes(name: str, key: str, state: State, at: datetime) -> bool:
    known = state.ledger_agent(name)
    return known is not None and known.takes(key, at)


def tightened(assessment: Assessment, state: State) -> Assessment:
    """Return the assessment as it holds for a tool that is not accepted as it is now.

    INVARIANT: this is looked at under the head row, so what was accepted or
    changed on another replica counts at once.
    """
    known = state.tool(assessment.server, assessment.tool)
    if known is None or not known.awaits:
        return assessment
    team = state.directory.server_teams.get(assessment.server, "")
    return until_accepted(assessment, team, known.because)


def _situation(facts: CallFacts, state: State, approval: Approval | None = None) -> Situation:
    approval = approval or state.approval_for(facts.digests)
    live = state.live_grants(facts.agent.name)
    return Situation(
        _grants(live, facts, state) if live else (),
        approval,
        state.directory,
        state.usage,
        state.live_freezes(),
        _delegations(approval, state) if approval else (),
        state.of_unknown_outcome,
    )


def _grants(live: Sequence[Grant], facts: CallFacts, state: State) -> tuple[LiveGrant, ...]:
    owned = _owned(facts.agent, state)
    return tuple(grants.live(each, owned, state.directory, facts.digests) for each in live)


def _delegations(approval: Approval, state: State) -> tuple[Delegation, ...]:
    """Return the delegations under which votes were cast, ended or not."""
    named = {vote.delegation for vote in approval.votes if vote.delegation}
    return tuple(known for name in sorted(named) if (known := state.delegation(name)))


def _owned(agent: Agent, state: State) -> Agent:
    """Return the caller with the owner that the agent has now."""
    known = state.agent(agent.name)
    return agent if known is None else replace(agent, owner=known.owner)
