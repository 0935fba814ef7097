"""From a command to the events it causes, given the state under the head row."""

from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from ledger import agents, calls, deliveries, grants, policy_in_force, reviews, tools, votes
from ledger.accepting import AcceptTools, accept
from ledger.agents import AddAgent, RevokeAgent, RotateAgentKey
from ledger.approvals import Approval, ApprovalStatus
from ledger.calls import CallFacts, CompleteCall, DecideCall, PresumeLost
from ledger.claims import (
    AlreadyDecided,
    ClaimApproval,
    PolicyChanged,
    Situation,
    ToolChanged,
    claim,
    decide_call,
)
from ledger.continuing import ContinueCall, continue_call
from ledger.deadlines_due import ExpireApproval, ExpireCall, ExpireGrant, overdue
from ledger.deliveries import RecordCard, RecordRepaint, RecordUndeliverable
from ledger.envelopes import Command, Draft, Event
from ledger.events import ApprovalCancelled, ApprovalVoided
from ledger.grants import Grant, IssueGrant, RevokeGrant
from ledger.policy_in_force import ActivatePolicy
from ledger.reviews import AboutReview
from ledger.standing_events import GrantIssued, GrantRevoked
from ledger.state import State
from ledger.tools import SeeTools
from ledger.votes import CastVote, ViewDetails
from policies.acceptance import until_accepted
from policies.decisions import Assessment
from policies.people import Agent
from policies.redaction import redact_text
from policies.refusals import Refused

_Decided: TypeAlias = list[Draft]


def decide(command: Command, state: State, at: datetime) -> _Decided:
    """Return the events that a command causes at `at` (UTC). Raises Refused. Pure given `state`."""
    match command:
        case DecideCall():
            return _decide_call(command, state, at)
        case CompleteCall():
            return _complete(command, state)
        case _:
            return _decide_other(_without_secrets(command), state, at)


def _decide_other(command: Command, state: State, at: datetime) -> _Decided:
    match command:
        case ClaimApproval() | ContinueCall():
            return _use(command, state, at)
        case PresumeLost():
            return _lose(command, state)
        case CastVote() | ViewDetails() | RecordCard() | RecordRepaint() | RecordUndeliverable():
            return _about_approval(command, state, at)
        case ExpireApproval() | ExpireGrant() | ExpireCall():
            return _expire(command, state, at)
        case IssueGrant() | RevokeGrant():
            return _grant(command, state, at)
        case AboutReview():
            return reviews.record(command, state.review(command.review), state.directory)
        case AcceptTools():
            review = state.review(command.review) if command.review else None
            return accept(command, state.tools(command.server), review, state.directory, at)
        case _:
            return _housekeeping(command, state, at)


def _decide_call(command: DecideCall, state: State, at: datetime) -> _Decided:
    facts = command.facts
    if facts.named and state.call(facts.call) is not None:
        raise AlreadyDecided(f"call `{facts.call}` was decided before")
    if state.runs(facts.call):  # a command that is sent again gets what it caused, for this no
        raise Refused(f"call `{facts.call}` was decided and runs")
    _check(facts, command.assessment, state, at)
    assessment = _tightened(facts, command.assessment, state)
    if assessment is not command.assessment:
        command = replace(command, assessment=assessment)
    return decide_call(command, _situation(facts, state), at)


def _without_secrets(command: Command) -> Command:
    """Return the command with what a person gave as a reason redacted; it is kept for ever."""
    match command:
        case CastVote(reason=str(reason)):
            return replace(command, reason=redact_text(reason).text)
        case IssueGrant(reason=str(reason)):
            return replace(command, reason=redact_text(reason).text)
        case RevokeGrant(reason=str(reason)):
            return replace(command, reason=redact_text(reason).text)
        case RevokeAgent(because=str(because)):
            return replace(command, because=redact_text(because).text)
        case _:
            return command


def _housekeeping(command: Command, state: State, at: datetime) -> _Decided:
    match command:
        case AddAgent():
            event = agents.add(command, state.ledger_agent(command.agent), state.directory)
            return [Draft(f"agent-{command.agent}", event)]
        case RotateAgentKey():
            known = state.ledger_agent(command.agent)
            return [
                Draft(f"agent-{command.agent}", agents.rotate(command, known, state.directory, at))
            ]
        case RevokeAgent():
            return _revoke_agent(command, state)
        case SeeTools():
            return tools.see(command, state.tools(command.server), state.server(command.server))
        case ActivatePolicy():
            events = policy_in_force.activate(command, state.policy())
            return [Draft(policy_in_force.STREAM, event) for event in events]
        case _:
            message = f"no such command: {type(command).__name__}"
            raise TypeError(message)


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
    known = state.tool(facts.server, facts.tool)
    newest = known.hash if known is not None and known.listed else ""
    if newest != facts.definition_hash:
        message = f"the definition of `{facts.tool}` changed while the call was looked at"
        raise ToolChanged(message)


def _takes(name: str, key: str, state: State, at: datetime) -> bool:
    known = state.ledger_agent(name)
    return known is not None and known.takes(key, at)


def _tightened(facts: CallFacts, assessment: Assessment, state: State) -> Assessment:
    """Return the assessment as it holds for a tool that is not accepted as it is now.

    INVARIANT: this is looked at under the head row, so what was accepted or
    changed on another replica counts at once.
    """
    known = state.tool(facts.server, facts.tool)
    if known is None or not known.awaits:
        return assessment
    team = state.directory.server_teams.get(facts.server, "")
    return until_accepted(assessment, team, known.because)


def _situation(facts: CallFacts, state: State, approval: Approval | None = None) -> Situation:
    return Situation(
        grants=tuple(
            grants.live(grant, _owned(facts.agent, state), state.directory)
            for grant in state.live_grants(facts.agent.name)
        ),
        approval=approval or state.approval_for(facts.digests),
        directory=state.directory,
    )


def _owned(agent: Agent, state: State) -> Agent:
    """Return the caller with the owner that the agent has now."""
    known = state.agent(agent.name)
    return agent if known is None else replace(agent, owner=known.owner)


def _use(command: ClaimApproval | ContinueCall, state: State, at: datetime) -> _Decided:
    match command:
        case ClaimApproval():
            return _claim(command, state, at)
        case ContinueCall():
            return _continue(command, state, at)


def _claim(command: ClaimApproval, state: State, at: datetime) -> _Decided:
    approval = _approval(command.approval, state)
    if approval.status is ApprovalStatus.APPROVED:
        _check(command.facts, command.assessment, state, at)
        assessment = _tightened(command.facts, command.assessment, state)
        command = replace(command, assessment=assessment)
    return claim(command, _situation(command.facts, state, approval), at)


def _continue(command: ContinueCall, state: State, at: datetime) -> _Decided:
    if state.runs(command.facts.call):
        raise Refused(f"call `{command.facts.call}` was decided and runs")
    _check(command.facts, command.assessment, state, at)
    assessment = _tightened(command.facts, command.assessment, state)
    command = replace(command, assessment=assessment)
    approval = _approval(command.approval, state)
    return continue_call(command, approval, _situation(command.facts, state), at)


def _complete(command: CompleteCall, state: State) -> _Decided:
    call = state.call(command.call)
    if call is None:
        raise Refused(f"there is no call `{command.call}`")
    return [Draft(f"call-{call.id}", event) for event in calls.complete(call, command)]


def _lose(command: PresumeLost, state: State) -> _Decided:
    return [
        Draft(f"call-{call.id}", event)
        for call in state.running_calls()
        if call.instance in command.instances
        for event in calls.lose(call)
    ]


def _about_approval(
    command: CastVote | ViewDetails | RecordCard | RecordRepaint | RecordUndeliverable,
    state: State,
    at: datetime,
) -> _Decided:
    approval = _approval(command.approval, state)
    events: list[Event]
    match command:
        case CastVote():
            events = votes.vote(approval, command, state.directory, at)
        case ViewDetails():
            events = votes.view(approval, command, state.directory)
        case _:
            events = deliveries.deliver(approval, command)
    return [Draft(f"approval-{approval.id}", event) for event in events]


def _expire(
    command: ExpireApproval | ExpireGrant | ExpireCall, state: State, at: datetime
) -> _Decided:
    match command:
        case ExpireCall():
            call = state.call(command.call)
            given_up = calls.give_up(call, at) if call is not None else []
            return [Draft(f"call-{command.call}", event) for event in given_up]
        case ExpireApproval():
            approval = _approval(command.approval, state)
            event = overdue(approval, at)
            return [Draft(f"approval-{approval.id}", event)] if event is not None else []
        case ExpireGrant():
            grant = _grant_of(command.grant, state)
            return [Draft(f"grant-{grant.id}", event) for event in grants.expire(grant, at)]


def _grant(command: IssueGrant | RevokeGrant, state: State, at: datetime) -> _Decided:
    match command:
        case IssueGrant():
            agent = state.agent(command.agent)
            event = grants.issue(command, agent, state.directory, at)
            issued = isinstance(event, GrantIssued)
            return [Draft(f"grant-{command.grant}" if issued else f"refusal-{command.id}", event)]
        case RevokeGrant():
            grant = _grant_of(command.grant, state)
            agent = state.agent(grant.agent)
            event = grants.revoke(grant, command, agent, state.directory, at)
            revoked = isinstance(event, GrantRevoked)
            return [Draft(f"grant-{grant.id}" if revoked else f"refusal-{command.id}", event)]


def _revoke_agent(command: RevokeAgent, state: State) -> _Decided:
    event = agents.revoke(command, state.ledger_agent(command.agent), state.directory)
    drafts = [Draft(f"agent-{command.agent}", event)]
    because = f"agent `{command.agent}` was revoked"
    for approval in state.open_approvals(command.agent):
        stream = f"approval-{approval.id}"
        if approval.status is ApprovalStatus.PENDING:
            closing: Event = ApprovalCancelled(approval=approval.id, because=because)
        else:
            closing = ApprovalVoided(approval=approval.id, because=because)
        drafts.append(Draft(stream, closing))
    for grant in state.live_grants(command.agent):
        ended = GrantRevoked(grant=grant.id, by=command.actor, reason=because)
        drafts.append(Draft(f"grant-{grant.id}", ended))
    return drafts


def _approval(name: str, state: State) -> Approval:
    approval = state.approval(name)
    if approval is None:
        message = f"there is no approval `{name}`; `/placet pending` lists the open ones"
        raise Refused(message)
    return approval


def _grant_of(name: str, state: State) -> Grant:
    grant = state.grant(name)
    if grant is None:
        message = f"there is no grant `{name}`; `/placet list` names the live ones"
        raise Refused(message)
    return grant
