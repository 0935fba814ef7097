"""Decides what may be taken out of the history, and what ends with it."""

from dataclasses import dataclass

from ledger.deciding.state import State
from ledger.events.blanking import fields_of
from ledger.events.card_events import CardPosted, CardRepainted
from ledger.events.envelopes import Command, Draft, Event
from ledger.events.events import ApprovalRequested
from ledger.events.redaction_events import EventRedacted, kept_hash
from ledger.events.standing_events import PolicyActivated, ToolSeen
from ledger.lives.approvals import OPEN
from ledger.lives.closing import closing
from policies.values.refusals import Refused

_SHOWN = (ApprovalRequested, CardPosted, CardRepainted)
"""Events from which people decide: without them an approval cannot stay open."""


@dataclass(frozen=True, kw_only=True)
class RedactEvents(Command):
    """Take the content of these events out of the history for good."""

    events: tuple["Taken", ...]
    because: str


@dataclass(frozen=True)
class Taken:
    """An event whose content goes; `left` is the stored state without it."""

    position: int
    event: Event
    left: bytes


def redact(command: RedactEvents, state: State) -> list[Draft]:
    """Return an event for each redaction, after those that end what was open with it.

    Raises Refused where something has no content, or decides still.
    """
    if not command.because.strip():
        raise Refused("a redaction says why, for good: give a reason")
    for taken in command.events:
        _check(taken.position, taken.event, state)
    return [
        *_endings(command, state),
        *(
            Draft(f"redaction-{taken.position}", _redacted(taken, command.because))
            for taken in command.events
        ),
    ]


def _endings(command: RedactEvents, state: State) -> list[Draft]:
    """Return the ends of the approvals that cannot stay open without what is taken away."""
    names = dict.fromkeys(
        taken.event.approval for taken in command.events if isinstance(taken.event, _SHOWN)
    )
    found = [state.approval(name) for name in names]
    return [
        closing(approval, "what it asks for was redacted")
        for approval in found
        if approval is not None and approval.status in OPEN
    ]


def _check(position: int, event: Event, state: State) -> None:
    """Raise Refused where an event has nothing to take away, or is what decides now."""
    if isinstance(event, EventRedacted):
        raise Refused(f"position {position} says what was redacted; that stays")
    if not fields_of(event):
        raise Refused(f"position {position} is {event.TOPIC} and holds no content to take away")
    policy = state.policy()
    if isinstance(event, PolicyActivated) and policy is not None and policy.digest == event.digest:
        raise Refused(f"position {position} has the policy in force: put another in force first")
    if isinstance(event, ToolSeen) and _decides(event, state):
        raise Refused(
            f"position {position} has a definition that calls are compared with: accept another"
            " one first"
        )


def _decides(event: ToolSeen, state: State) -> bool:
    tool = state.tool(event.server, event.tool)
    return tool is not None and event.hash in {tool.hash, tool.accepted}


def _redacted(taken: Taken, because: str) -> EventRedacted:
    event = taken.event
    return EventRedacted(
        redacted=taken.position,
        event=event.TOPIC,
        fields=fields_of(event),
        because=because,
        kept=kept_hash(taken.left),
        approval=getattr(event, "approval", None),
        call=getattr(event, "call", None),
        grant=getattr(event, "grant", None),
    )
