"""Writes what happens to calls and their approvals as API Activity of OCSF (class 6003).

Source: https://schema.ocsf.io/1.8.0/classes/api_activity
"""

from ledger.events.card_events import VoteCast, VoteRefused
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalJoined,
    ApprovalRequested,
    CallCompleted,
    CallContinued,
    CallDecided,
    OutcomeUnknown,
    SpokenRule,
)
from ledger.ocsf.ocsf_parts import Body, Class, Version, agent, bounded, framed, unmapped, who
from ledger.ocsf.ocsf_verdicts import Verdict, Word
from ledger.readings.concerning import Concern
from policies.values.calls import Risk

_CLASS = Class(Word(6, "Application Activity"), 6003, "API Activity")

_OF_AGENTS = (
    CallDecided,
    CallCompleted,
    OutcomeUnknown,
    ApprovalRequested,
    ApprovalJoined,
    ApprovalDispatched,
    CallContinued,
)
"""Events of which the agent is the actor, whoever wrote them down."""

_ACTIVITIES = {
    Risk.READ: Word(2, "Read"),
    Risk.WRITE: Word(3, "Update"),
    Risk.DESTRUCTIVE: Word(4, "Delete"),
}

_RISKS = {
    Risk.READ: Word(0, "Info"),
    Risk.WRITE: Word(2, "Medium"),
    Risk.EXECUTE: Word(3, "High"),
    Risk.DESTRUCTIVE: Word(4, "Critical"),
    Risk.FINANCIAL: Word(4, "Critical"),
}

_MAPPED = ("arguments", "rules", "answers", "content")
"""Fields that have a place of their own."""


def api_activity(recorded: Recorded, concern: Concern, verdict: Verdict, version: Version) -> Body:
    """Return an event about a call or an approval."""
    event = recorded.event
    body = framed(_CLASS, _activity(event), recorded, verdict, version)
    if isinstance(event, CallCompleted):
        body["duration"] = event.duration_ms
    if version.profiled:
        body |= _profiled(event)
    body["actor"] = _actor(recorded, concern)
    body["api"] = _api(event, concern)
    body["src_endpoint"] = {"name": body["actor"]["user"]["name"]}
    if concern.server is not None:
        body["dst_endpoint"] = {"svc_name": bounded(concern.server)}
        name = f"{concern.server}/{concern.tool or ''}"
        body["resources"] = [{"name": bounded(name), "type": "tool"}]
    body["unmapped"] = unmapped(recorded, concern, _MAPPED)
    return body


def _activity(event: Event) -> Word:
    """Return what the call does, by its risk, in its decision; of all else the event's name."""
    named = Word(99, event.TOPIC)
    return _ACTIVITIES.get(event.risk, named) if isinstance(event, CallDecided) else named


def _actor(recorded: Recorded, concern: Concern) -> Body:
    event = recorded.event
    actor: Body
    match event:
        case _ if isinstance(event, _OF_AGENTS):
            actor = {"user": agent(concern)}
        case VoteCast() | VoteRefused():
            actor = {"user": who(event.person) | {"uid": bounded(event.evidence.slack)}}
        case _:
            actor = {"user": who(recorded.actor)}
    match event:
        case CallDecided() | ApprovalRequested():
            actor["authorizations"] = [_spoken(rule, event.policy_digest) for rule in event.rules]
            if isinstance(event, CallDecided) and event.grant is not None:
                granted = {"name": "grant", "uid": bounded(event.grant)}
                actor["authorizations"].append({"decision": "allow", "policy": granted})
        case _:
            pass
    return actor


def _spoken(rule: SpokenRule, digest: str) -> Body:
    policy = {
        "name": bounded(rule.rule),
        "uid": bounded(rule.pointer),
        "desc": bounded(rule.because),
        "version": bounded(digest),
    }
    return {"decision": rule.effect.value, "policy": policy}


def _api(event: Event, concern: Concern) -> Body:
    api: Body = {"operation": bounded(concern.tool or "unknown")}
    if concern.server is not None:
        api["service"] = {"name": bounded(concern.server)}
    call = getattr(event, "call", None)
    if call is not None:
        api["request"] = {"uid": bounded(call)}
        text = getattr(event, "arguments", None) or getattr(event, "answers", None)
        if text is not None:
            api["request"]["data"] = text
    if isinstance(event, CallCompleted):
        api["response"] = _response(event)
    return api


def _response(event: CallCompleted) -> Body:
    response: Body = {"message": bounded(event.outcome)}
    if event.outcome != "ok":
        response["error"] = bounded(event.outcome)
    if event.error is not None:
        response["error_message"] = bounded(event.error)
    if event.content is not None:
        response["data"] = event.content
    return response


def _profiled(event: Event) -> Body:
    """Return what the profile Security Control adds."""
    body: Body = {}
    if isinstance(event, CallDecided | ApprovalRequested):
        body["risk_level_id"], body["risk_level"] = _RISKS[event.risk]
        body["risk_details"] = bounded(f"{event.risk}: {event.evidence}")
    match event:
        case CallDecided() | ApprovalRequested() | ApprovalDispatched() | CallContinued():
            digest = bounded(event.policy_digest)
            body["policy"] = {"name": "policy", "uid": digest, "is_applied": True}
        case _:
            pass
    return body
