"""What the events of a decision or a claim mean to the gateway that asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ledger.events.envelopes import Recorded
from ledger.events.events import (
    ApprovalDispatched,
    ApprovalLapsed,
    ApprovalVoided,
    CallContinued,
    CallDecided,
)
from policies.rules.decisions import Effect

_ALLOW = Effect.ALLOW


@dataclass(frozen=True)
class Allowed:
    """The call runs: by policy, under a grant, or because its server only observes."""

    decided: CallDecided


@dataclass(frozen=True)
class Denied:
    """The call does not run, by policy."""

    decided: CallDecided


@dataclass(frozen=True)
class Waiting:
    """The call waits for the approval with this id."""

    approval: str
    decided: CallDecided


@dataclass(frozen=True)
class Dispatched:
    """The call runs, by the approval with this id."""

    approval: str


@dataclass(frozen=True)
class Voided:
    """The approval cannot serve the call any more, for this reason."""

    approval: str
    because: str


@dataclass(frozen=True)
class Lapsed:
    """The approval was not used in time."""

    approval: str


Ruling: TypeAlias = Allowed | Denied | Waiting | Dispatched | Voided | Lapsed


def ruling(events: Sequence[Recorded]) -> Ruling:
    """Return what the events of one DecideCall, ClaimApproval or ContinueCall come to."""
    if len(events) == 1 and isinstance(events[0].event, CallDecided):  # which most are
        return _decision(events[0].event)
    facts = {type(recorded.event): recorded.event for recorded in reversed(events)}
    for kind in (ApprovalDispatched, CallContinued, CallDecided, ApprovalVoided, ApprovalLapsed):
        match facts.get(kind):
            case CallDecided() as event:
                return _decision(event)
            case (ApprovalDispatched() | CallContinued()) as event:
                return Dispatched(event.approval)
            case ApprovalVoided() as event:
                return Voided(event.approval, event.because)
            case ApprovalLapsed() as event:
                return Lapsed(event.approval)
            case _:
                continue
    message = "these events are not those of a decision"
    raise ValueError(message)


def _decision(event: CallDecided) -> Ruling:
    if event.observed or event.effect is _ALLOW:
        return Allowed(event)
    if event.effect is Effect.DENY:
        return Denied(event)
    assert event.approval is not None, "what needs approval names it"
    return Waiting(event.approval, event)
