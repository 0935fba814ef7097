"""Adds up what the events between two positions changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.events.delegation_events import DelegationEnded, DelegationGiven
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
    CallCompleted,
    CallDecided,
    OutcomeUnknown,
)
from ledger.events.freeze_events import FreezeBegun, FreezeEnded
from ledger.events.standing_events import (
    AgentAdded,
    AgentKeyRotated,
    AgentRevoked,
    GrantExpired,
    GrantIssued,
    GrantRevoked,
    GrantUsed,
    InstructionsAccepted,
    InstructionsSeen,
    PolicyActivated,
    ProjectionsMended,
    ToolAccepted,
    ToolGone,
    ToolSeen,
    ToolsPinned,
)

_STANDS: Mapping[type[Event], str] = {
    ApprovalRequested: "pending",
    ApprovalGiven: "approved",
    ApprovalDenied: "denied",
    ApprovalExpired: "expired",
    ApprovalCancelled: "cancelled",
    ApprovalLapsed: "lapsed",
    ApprovalVoided: "voided",
    ApprovalDispatched: "dispatched",
    OutcomeUnknown: "outcome unknown",
    GrantIssued: "live",
    GrantUsed: "live",
    GrantRevoked: "revoked",
    GrantExpired: "expired",
}
"""How an approval or a grant stands after an event of it."""

_OPEN = frozenset({"pending", "approved", "dispatched", "live"})

SECTIONS: Mapping[str, tuple[type[Event], ...]] = {
    "agents": (AgentAdded, AgentKeyRotated, AgentRevoked),
    "tools": (
        ToolSeen,
        ToolGone,
        ToolAccepted,
        ToolsPinned,
        InstructionsSeen,
        InstructionsAccepted,
    ),
    "policies": (PolicyActivated,),
    "freezes": (FreezeBegun, FreezeEnded),
    "delegations": (DelegationGiven, DelegationEnded),
    "projections": (ProjectionsMended,),
}
"""What is told event by event, by what it is about."""

_SECTION_OF = {kind: section for section, kinds in SECTIONS.items() for kind in kinds}


@dataclass
class Course:
    """What became of an approval or a grant: whether it began in between, and how it stood last."""

    began: bool
    stands: str
    used: int = 0

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.stands not in _OPEN


@dataclass
class Changes:
    """What happened in between: calls counted, approvals and grants by id, the rest event by event.

    `decided` counts calls by effect, `ended` by outcome; `observed` and
    `granted` are those that ran since their server only observes, or under a grant.
    """

    events: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    observed: int = 0
    granted: int = 0
    approvals: dict[str, Course] = field(default_factory=dict)
    grants: dict[str, Course] = field(default_factory=dict)
    told: dict[str, list[Recorded]] = field(
        default_factory=lambda: {section: [] for section in SECTIONS}
    )

    def take(self, recorded: Recorded) -> None:
        """Count one event, the next in order."""
        event = recorded.event
        self.events += 1
        section = _SECTION_OF.get(type(event))
        if section is not None:
            self.told[section].append(recorded)
        match event:
            case CallDecided():
                self.decided[event.effect] += 1
                self.observed += event.observed
                self.granted += event.grant is not None
            case CallCompleted():
                self.ended[event.outcome] += 1
            case OutcomeUnknown():
                self.ended["unknown"] += 1
            case _:
                pass
        self._follow(event)

    def _follow(self, event: Event) -> None:
        stands = _STANDS.get(type(event))
        if isinstance(event, CallCompleted):
            stands = "failed" if event.outcome == "failed" else "completed"
        if stands is None:
            return
        approval, grant = getattr(event, "approval", None), getattr(event, "grant", None)
        courses, name = (self.approvals, approval) if approval else (self.grants, grant)
        if name is None:
            return
        course = courses.setdefault(name, Course(began=False, stands=stands))
        course.began |= isinstance(event, ApprovalRequested | GrantIssued)
        course.used += isinstance(event, GrantUsed)
        course.stands = stands
