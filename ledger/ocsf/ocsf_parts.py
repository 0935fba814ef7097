"""The parts that every event in OCSF has, in the order in which they are written."""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from ledger.clock import micros
from ledger.events.envelopes import Recorded
from ledger.ocsf.ocsf_verdicts import Verdict, Word
from ledger.readings.concerning import Concern
from ledger.words.phrases import clock
from ledger.words.sentences import sentence

Body: TypeAlias = dict[str, Any]
"""An object of OCSF, of JSON values."""

LONGEST = 8192
"""Characters of a text at most; OCSF 1.1.0 takes 65,535. In full it is in `unmapped.state`."""


class Version(StrEnum):
    """A version of the schema that events can be written in."""

    V1_1_0 = "1.1.0"
    V1_8_0 = "1.8.0"

    @property
    def profiled(self) -> bool:
        """Whether its classes take the profile Security Control."""
        return self is Version.V1_8_0


class Class(NamedTuple):
    """A class of OCSF: its category, its own id and both names."""

    category: Word
    uid: int
    caption: str


_UNKNOWN = Word(0, "Unknown")

_OTHER = 99

_KINDS = {
    "agent": Word(99, "Agent"),
    "person": Word(1, "User"),
    "shell": Word(2, "Admin"),
    "placet": Word(3, "System"),
}
"""Kinds of users (`type_id`), by what an event's actor begins with."""


def framed(
    of: Class, activity: Word, recorded: Recorded, verdict: Verdict, version: Version
) -> Body:
    """Return what any event begins with; times are milliseconds since 1970 UTC."""
    body: Body = {
        "category_uid": of.category.id,
        "category_name": of.category.caption,
        "class_uid": of.uid,
        "class_name": of.caption,
        "activity_id": activity.id,
        "activity_name": activity.caption,
        "type_uid": of.uid * 100 + activity.id,
        "type_name": f"{of.caption}: {'Other' if activity.id == _OTHER else activity.caption}",
        "time": micros(recorded.at) // 1000,
        "severity_id": verdict.severity.id,
        "severity": verdict.severity.caption,
        "status_id": verdict.status.id,
        "status": verdict.status.caption,
        "status_code": bounded(verdict.code),
    }
    if verdict.detail:
        body["status_detail"] = bounded(verdict.detail)
    body["message"] = bounded(sentence(recorded.event))
    if version.profiled:
        body["action_id"], body["action"] = verdict.action
        body["disposition_id"], body["disposition"] = verdict.disposition
    body["metadata"] = _metadata(recorded, version)
    return body


def _metadata(recorded: Recorded, version: Version) -> Body:
    profiles = {"profiles": ["security_control"]} if version.profiled else {}
    return {
        "version": version.value,
        **profiles,
        "product": {"name": "Placet", "vendor_name": "Placet"},
        "log_name": "ledger",
        "uid": str(recorded.position),
        "sequence": recorded.position,
        "event_code": recorded.event.TOPIC,
        "correlation_uid": bounded(recorded.correlation_id),
        "original_time": clock(recorded.at),
    }


def unmapped(recorded: Recorded, concern: Concern, without: Collection[str]) -> Body:
    """Return what OCSF has no place for; `without` are the fields that have one elsewhere."""
    state = recorded.event.model_dump(mode="json")
    return {
        "stream": recorded.stream,
        "stream_version": recorded.version,
        "actor": recorded.actor,
        "command_id": recorded.command_id,
        "causation_id": recorded.causation_id,
        "agent": concern.agent,
        "on_behalf_of": concern.on_behalf_of,
        "owner": concern.owner,
        "state": {name: value for name, value in state.items() if name not in without},
    }


def who(actor: str) -> Body:
    """Return the user that `actor` names: `person:…`, `shell:…`, `placet:…` or a person."""
    kind, colon, name = actor.partition(":")
    return user(name, _KINDS.get(kind, _UNKNOWN)) if colon else user(actor, _KINDS["person"])


def agent(concern: Concern) -> Body:
    """Return the agent as a user, with its team as a group."""
    found = user(concern.agent or "unknown", _KINDS["agent"])
    if concern.agent_team:
        found["groups"] = [{"name": bounded(concern.agent_team)}]
    return found


def user(name: str, kind: Word) -> Body:
    """Return a user of a kind."""
    return {"name": bounded(name), "type_id": kind.id, "type": kind.caption}


def bounded(text: str) -> str:
    """Return text, cut where it is longer than OCSF takes; how much is cut is said."""
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… {len(text) - LONGEST} characters not shown"
