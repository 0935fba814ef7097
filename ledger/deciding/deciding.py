"""From a command to the events it causes, given the state under the head row."""

from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from ledger.deciding import call_decisions
from ledger.deciding.accepting import AcceptTools, accept
from ledger.deciding.call_decisions import approval_of
from ledger.deciding.claims import ClaimApproval
from ledger.deciding.continuing import ContinueCall
from ledger.deciding.counting import counted
from ledger.deciding.delegating import delegate
from ledger.deciding.freezing import freeze
from ledger.deciding.glass_breaking import glass
from ledger.deciding.grant_requesting import request
from ledger.deciding.reconsidering import ReconsiderApproval, reconsider
from ledger.deciding.redacting import RedactEvents, redact
from ledger.deciding.renewing import RenewGrant
from ledger.deciding.state import State
from ledger.events import refusals
from ledger.events.blanking import blank
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.refusals import NoteRefusal
from ledger.events.standing_events import GrantIssued, GrantRevoked
from ledger.lives import (
    agents,
    calls,
    deliveries,
    grants,
    issuing,
    notices,
    policy_in_force,
    reviews,
    tools,
    votes,
)
from ledger.lives.agents import AddAgent, RevokeAgent, RotateAgentKey
from ledger.lives.approvals import Approval
from ledger.lives.calls import CompleteCall, DecideCall, LookBack, PresumeLost
from ledger.lives.closing import closing
from ledger.lives.deadlines_due import ExpireApproval, ExpireCall, ExpireGrant, overdue
from ledger.lives.delegations import EndDelegation, ExpireDelegation, GiveDelegation
from ledger.lives.deliveries import (
    Delivered,
    RecordCard,
    RecordCopy,
    RecordRepaint,
    RecordUndeliverable,
    WantCard,
)
from ledger.lives.freezes import BeginFreeze, EndFreeze, ExpireFreeze
from ledger.lives.glasses import BreakGlass, SignOff
from ledger.lives.grant_requests import AnswerRequest, ExpireRequest, RequestGrant
from ledger.lives.grants import Grant, IssueGrant, RevokeGrant
from ledger.lives.lasting import issued
from ledger.lives.notices import RecordNotice, RecordNoticeRepaint
from ledger.lives.owning import owning
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.lives.reviews import AboutReview
from ledger.lives.steps import ExtendApproval, TakeStep, WithdrawApproval, step
from ledger.lives.tools import SeeTools
from ledger.lives.votes import CastVote, ViewDetails
from policies.secrets.redaction import redact_text
from policies.values.refusals import Refused

_Decided: TypeAlias = list[Draft]

_SAID = ("reason", "because", "note")
"""The fields of commands that hold what a person wrote."""


def decide(command: Command, state: State, at: datetime) -> _Decided:
    """Return the events that a command causes at `at` (UTC). Raises Refused. Pure given `state`."""
    match command:
        case DecideCall():
            return call_decisions.decide(command, state, at)
        case CompleteCall():
            return call_decisions.complete(command, state)
        case LookBack():
            return []
        case _:
            return _decide_other(_without_secrets(command), state, at)


def _decide_other(command: Command, state: State, at: datetime) -> _Decided:
    match command:
        case ClaimApproval() | ContinueCall():
            return call_decisions.use(command, state, at)
        case PresumeLost():
            return call_decisions.lose(command, state)
        case (
            CastVote()
            | ViewDetails()
            | RecordCard()
            | RecordCopy()
            | RecordRepaint()
            | RecordUndeliverable()
            | WantCard()
        ):
            return _about_approval(command, state, at)
        case ExpireApproval() | ExpireGrant() | ExpireCall():
            return _expire(command, state, at)
        case IssueGrant() | RevokeGrant():
            return _grant(command, state, at)
        case AboutReview():
            return reviews.record(command, state.review(command.review), state.directory)
        case AcceptTools():
            return accept(command, state, at)
        case _:
            return _standing(command, state, at)


def _without_secrets(command: Command) -> Command:
    """Return the command with what a person gave as a reason redacted; it is kept for ever."""
    if isinstance(command, CastVote):
        return votes.without_secrets(command)
    said = {name: getattr(command, name, None) for name in _SAID}
    cleaned = {name: redact_text(s).text for name, s in said.items() if isinstance(s, str)}
    return replace(command, **cleaned)


def _standing(command: Command, state: State, at: datetime) -> _Decided:
    match command:
        case BeginFreeze() | EndFreeze() | ExpireFreeze():
            return freeze(command, state, at)
        case BreakGlass() | SignOff():
            return glass(command, state, at)
        case RequestGrant() | AnswerRequest() | ExpireRequest() | RenewGrant():
            return request(command, state, at)
        case TakeStep() | ExtendApproval() | WithdrawApproval():
            approval = approval_of(command.approval, state)
            events = step(approval, command, state.directory, at)
            return [Draft(f"approval-{approval.id}", event) for event in events]
        case NoteRefusal():
            return refusals.note(command)
        case RecordNotice() | RecordNoticeRepaint():
            return notices.record(command, state.notice(command.notice))
        case ReconsiderApproval():
            return reconsider(command, state, at)
        case _:
            return _housekeeping(command, state, at)


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
        case RedactEvents():
            return redact(command, state)
        case GiveDelegation() | EndDelegation() | ExpireDelegation():
            return delegate(command, state, at)
        case SeeTools():
            return tools.see(command, state.tools(command.server), state.server(command.server))
        case ActivatePolicy():
            return _activate(command, state, at)
        case _:
            message = f"no such command: {type(command).__name__}"
            raise TypeError(message)


def _activate(command: ActivatePolicy, state: State, at: datetime) -> _Decided:
    before = state.policy()
    events = policy_in_force.activate(command, before)
    if not events:
        return []
    drafts = [Draft(policy_in_force.STREAM, event) for event in events]
    text = before.text if before is not None else None
    return [*drafts, *counted(command.text, text, state, state.directory, at)]


def _about_approval(
    command: CastVote | ViewDetails | Delivered,
    state: State,
    at: datetime,
) -> _Decided:
    approval = approval_of(command.approval, state)
    events: list[Event]
    match command:
        case CastVote():
            return _vote(approval, command, state, at)
        case ViewDetails():
            events = votes.view(approval, command, state.directory)
        case RecordCard() | RecordRepaint() if state.redacted(approval.id, command.revision):
            events = [blank(event) for event in deliveries.deliver(approval, command)]
        case _:
            events = deliveries.deliver(approval, command)
    return [Draft(f"approval-{approval.id}", event) for event in events]


def _vote(approval: Approval, command: CastVote, state: State, at: datetime) -> _Decided:
    events = votes.vote(approval, command, state.directory, at, state.live_delegations())
    drafts = [Draft(f"approval-{approval.id}", event) for event in events]
    return drafts + issued(approval, events, command.evidence, command.reason)


def _expire(
    command: ExpireApproval | ExpireGrant | ExpireCall, state: State, at: datetime
) -> _Decided:
    match command:
        case ExpireCall():
            call = state.call(command.call)
            given_up = calls.give_up(call, at) if call is not None else []
            return [Draft(f"call-{command.call}", event) for event in given_up]
        case ExpireApproval():
            approval = approval_of(command.approval, state)
            event = overdue(approval, at)
            return [Draft(f"approval-{approval.id}", event)] if event is not None else []
        case ExpireGrant():
            grant = _grant_of(command.grant, state)
            return [Draft(f"grant-{grant.id}", event) for event in grants.expire(grant, at)]


def _grant(command: IssueGrant | RevokeGrant, state: State, at: datetime) -> _Decided:
    match command:
        case IssueGrant():
            agent = state.agent(command.agent)
            directory = owning(state.directory, state.policy())
            event = issuing.issue(command, agent, directory, at)
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
    drafts += [closing(approval, because) for approval in state.open_approvals(command.agent)]
    for grant in state.live_grants(command.agent):
        ended = GrantRevoked(grant=grant.id, by=command.actor, reason=because)
        drafts.append(Draft(f"grant-{grant.id}", ended))
    return drafts


def _grant_of(name: str, state: State) -> Grant:
    grant = state.grant(name)
    if grant is None:
        message = f"there is no grant `{name}`; `/placet list` names the live ones"
        raise Refused(message)
    return grant
