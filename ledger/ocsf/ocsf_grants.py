"""Writes what happens to grants as User Access Management of OCSF (class 3005).

Source: https://schema.ocsf.io/1.8.0/classes/user_access
"""

from ledger.events.envelopes import Event, Recorded
from ledger.events.standing_events import GrantExpired, GrantIssued, GrantRefused, GrantRevoked
from ledger.ocsf.ocsf_parts import Body, Class, Version, agent, bounded, framed, unmapped, who
from ledger.ocsf.ocsf_verdicts import Verdict, Word
from ledger.readings.concerning import Concern

_CLASS = Class(Word(3, "Identity & Access Management"), 3005, "User Access Management")


def user_access(recorded: Recorded, concern: Concern, verdict: Verdict, version: Version) -> Body:
    """Return an event about a grant: the agent is the user, the tools are the privilege."""
    event = recorded.event
    body = framed(_CLASS, _activity(event), recorded, verdict, version)
    target = bounded(concern.target or "unknown")
    resource = {"name": target, "type": "tools"}
    if version is Version.V1_1_0:  # which knows an actor here only of a host, and one resource
        body["resource"] = resource
    else:
        body["actor"] = {"user": _giver(recorded)}
        body["resources"] = [resource]
    body["user"] = agent(concern)
    body["privileges"] = [target]
    body["unmapped"] = unmapped(recorded, concern, ())
    return body


def _activity(event: Event) -> Word:
    match event:
        case GrantIssued():
            return Word(1, "Assign Privileges")
        case GrantRevoked() | GrantExpired():
            return Word(2, "Revoke Privileges")
        case _:
            return Word(99, event.TOPIC)


def _giver(recorded: Recorded) -> Body:
    match recorded.event:
        case GrantRefused() as event:
            return who(event.person)
        case _:
            return who(recorded.actor)
