"""What an event means in the words of OCSF: how it ended, what was done about it, how grave it is.

Source: https://schema.ocsf.io/1.8.0, the profile Security Control and the class API Activity.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ledger.events.card_events import CardUndeliverable, VoteCast, VoteRefused
from ledger.events.envelopes import Event
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalJoined,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
    CallCompleted,
    CallContinued,
    CallDecided,
    OutcomeUnknown,
)
from ledger.events.glass_events import BreakGlassRefused, BreakGlassReviewed, BreakGlassUsed
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    StepRefused,
)
from ledger.events.standing_events import GrantExpired, GrantIssued, GrantRefused, GrantRevoked
from policies.rules.decisions import Effect


class Word(NamedTuple):
    """An id of OCSF and its caption."""

    id: int
    caption: str


UNKNOWN = Word(0, "Unknown")
SUCCESS = Word(1, "Success")
FAILURE = Word(2, "Failure")
UNDECIDED = Word(99, "Undecided")
"""How an event ended (`status_id`); 99 is what OCSF has no word for."""

LET = Word(1, "Allowed")
DENIED = Word(2, "Denied")
OBSERVED = Word(3, "Observed")
HELD = Word(99, "Held")
"""What was done about the call (`action_id`)."""

ALLOWED = Word(1, "Allowed")
BLOCKED = Word(2, "Blocked")
APPROVED = Word(8, "Approved")
DELAYED = Word(14, "Delayed")
LOGGED = Word(17, "Logged")
REVOKED = Word(24, "Access Revoked")
REJECTED = Word(25, "Rejected")
UNAUTHORIZED = Word(26, "Unauthorized")
"""What came of the call for that (`disposition_id`)."""

HIGH = Word(4, "High")
INFORMATIONAL = Word(1, "Informational")
LOW = Word(2, "Low")
MEDIUM = Word(3, "Medium")
"""How grave it is (`severity_id`)."""


@dataclass(frozen=True)
class Verdict:
    """The ids of one event; `code` is our word for it, `detail` what was said about it."""

    status: Word
    action: Word
    disposition: Word
    severity: Word
    code: str
    detail: str | None = None


def _decided(event: CallDecided) -> Verdict:
    because = [f"{rule.rule}: {rule.because}" for rule in event.rules]
    said = (event.effect.value, event.message or "; ".join(because) or None)
    match event.effect:
        case Effect.ALLOW:
            return Verdict(SUCCESS, LET, ALLOWED, INFORMATIONAL, *said)
        case _ if event.observed:
            return Verdict(SUCCESS, OBSERVED, LOGGED, MEDIUM, *said)
        case Effect.DENY:
            return Verdict(FAILURE, DENIED, BLOCKED, MEDIUM, *said)
        case Effect.REQUIRE_APPROVAL:
            return Verdict(UNDECIDED, HELD, DELAYED, LOW, *said)


def _completed(event: CallCompleted) -> Verdict:
    well = event.outcome == "ok"
    status, severity = (SUCCESS, INFORMATIONAL) if well else (FAILURE, LOW)
    return Verdict(status, LET, ALLOWED, severity, event.outcome, event.error)


def _voted(event: VoteCast) -> Verdict:
    said = event.reason
    if event.giver:
        said = f"in the stead of {event.giver}" + (f": {said}" if said else "")
    if event.approves:
        return Verdict(SUCCESS, LET, APPROVED, INFORMATIONAL, "yes", said)
    return Verdict(SUCCESS, DENIED, REJECTED, LOW, "no", said)


def _over(code: str) -> Callable[[Any], Verdict]:
    """Return the verdict on an approval that ended without a no, and without a call."""
    return lambda event: Verdict(
        FAILURE, DENIED, BLOCKED, LOW, code, getattr(event, "because", None)
    )


_Judged: TypeAlias = Callable[[Any], Verdict]

CALLS: Mapping[type[Event], _Judged] = {
    CallDecided: _decided,
    CallCompleted: _completed,
    OutcomeUnknown: lambda _: Verdict(UNKNOWN, LET, UNKNOWN, MEDIUM, "outcome unknown"),
    ApprovalRequested: lambda _: Verdict(UNDECIDED, HELD, DELAYED, INFORMATIONAL, "pending"),
    ApprovalJoined: lambda _: Verdict(UNDECIDED, HELD, DELAYED, INFORMATIONAL, "joined"),
    CardUndeliverable: lambda e: Verdict(FAILURE, HELD, DELAYED, MEDIUM, "undeliverable", e.error),
    VoteCast: _voted,
    VoteRefused: lambda e: Verdict(FAILURE, DENIED, UNAUTHORIZED, MEDIUM, e.because, e.message),
    StepRefused: lambda e: Verdict(FAILURE, DENIED, UNAUTHORIZED, MEDIUM, e.because, e.message),
    ApprovalEscalated: lambda _: Verdict(UNDECIDED, HELD, DELAYED, LOW, "escalated"),
    ApprovalExtended: lambda _: Verdict(UNDECIDED, HELD, DELAYED, INFORMATIONAL, "extended"),
    ApprovalReminded: lambda _: Verdict(UNDECIDED, HELD, DELAYED, INFORMATIONAL, "reminded"),
    ApprovalGiven: lambda _: Verdict(SUCCESS, LET, APPROVED, INFORMATIONAL, "approved"),
    BreakGlassUsed: lambda e: Verdict(SUCCESS, LET, APPROVED, HIGH, "break-glass", e.reason),
    BreakGlassReviewed: lambda e: Verdict(SUCCESS, LET, LOGGED, LOW, "signed-off", e.note),
    BreakGlassRefused: lambda e: Verdict(FAILURE, DENIED, UNAUTHORIZED, HIGH, e.because, e.message),
    ApprovalDenied: lambda e: Verdict(FAILURE, DENIED, REJECTED, LOW, "denied", e.reason),
    ApprovalExpired: _over("expired"),
    ApprovalCancelled: _over("cancelled"),
    ApprovalDispatched: lambda _: Verdict(SUCCESS, LET, APPROVED, INFORMATIONAL, "dispatched"),
    CallContinued: lambda _: Verdict(SUCCESS, LET, APPROVED, INFORMATIONAL, "continued"),
    ApprovalLapsed: _over("lapsed"),
    ApprovalVoided: _over("voided"),
}
"""Events that are API Activity (6003)."""

GRANTS: Mapping[type[Event], _Judged] = {
    GrantIssued: lambda e: Verdict(SUCCESS, LET, ALLOWED, LOW, "issued", e.reason),
    GrantRevoked: lambda e: Verdict(SUCCESS, LET, REVOKED, INFORMATIONAL, "revoked", e.reason),
    GrantExpired: lambda _: Verdict(SUCCESS, LET, REVOKED, INFORMATIONAL, "expired"),
    GrantRefused: lambda e: Verdict(FAILURE, DENIED, UNAUTHORIZED, MEDIUM, e.because, e.message),
}
"""Events that are User Access Management (3005)."""
