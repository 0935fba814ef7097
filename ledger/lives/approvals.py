"""The life of one approval, folded from its events."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime

from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardRepainted,
    CardUndeliverable,
    CardWanted,
    DetailsViewed,
    VoteCast,
    VoteRefused,
)
from ledger.events.envelopes import Event, Model, Recorded
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
    GrantedWith,
    OutcomeUnknown,
)
from ledger.events.patience_events import (
    ApprovalEscalated,
    ApprovalExtended,
    ApprovalReminded,
    StepRefused,
)
from ledger.lives.known_votes import KnownVote, known_vote, one_per_seat
from ledger.lives.painted_cards import PaintedCard, painted
from ledger.lives.patience import Patience


class ApprovalStatus(StrEnum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DISPATCHED = "dispatched"
    COMPLETED = "completed"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome unknown"
    LAPSED = "lapsed"
    VOIDED = "voided"


OPEN = frozenset({ApprovalStatus.PENDING, ApprovalStatus.APPROVED})
"""The states in which an approval can still be decided or used."""


class CorruptHistory(Exception):
    """A history holds an event that cannot follow what came before."""

    def __str__(self) -> str:
        """Name the kind of event, and nothing that it says."""
        return f"{type(self.args[0]).__name__} cannot follow what came before"


class Approval(Model):
    """One request for a yes and all that became of it.

    `version` counts the events of its own stream. `undeliverable` has the
    error per team whose channel would not take the card. `read` has, per
    person, the pages of the details that they opened. `by` are the people who
    decided, `suggested` the arguments that came with a no, `granted` the grant
    that came with a yes. `continuations`
    has, for what the server asked the agent, the call that brought the answer.
    """

    status: ApprovalStatus
    request: ApprovalRequested
    requested_at: AwareDatetime
    patience: Patience = Patience()
    calls: tuple[str, ...] = ()
    votes: tuple[KnownVote, ...] = ()
    refused_votes: int = 0
    cards: tuple[PaintedCard, ...] = ()
    own_card: bool = False
    undeliverable: Mapping[str, str] = {}
    read: Mapping[str, tuple[int, ...]] = {}
    pages: int = 0
    by: tuple[str, ...] = ()
    reason: str | None = None
    superseded_by: str | None = None
    suggested: str | None = None
    decided_at: AwareDatetime | None = None
    use_until: AwareDatetime | None = None
    granted: GrantedWith | None = None
    broke_glass: str | None = None
    dispatched_call: str | None = None
    dispatched_at: AwareDatetime | None = None
    dispatched_task: str | None = None
    continuations: Mapping[str, str] = {}
    instance: str | None = None
    outcome: str | None = None
    error: str | None = None
    duration_ms: int | None = None
    size: int | None = None
    content: str | None = None
    ended_at: AwareDatetime | None = None

    @property
    def open(self) -> bool:
        """Tell whether it can still be decided, used, or hear of its outcome."""
        return self.status in OPEN or self.status is ApprovalStatus.DISPATCHED

    def columns(self) -> dict[str, str | int | None]:
        """Return what the approvals table is searched by; times are UTC microseconds."""
        return {
            "status": self.status.value,
            "agent": self.request.agent,
            "server": self.request.server,
            "tool": self.request.tool,
            "digest": self.request.digest,
            "requested_at": int(self.requested_at.timestamp() * 1_000_000),
            "deadline": int(self.deadline.timestamp() * 1_000_000) if self.deadline else None,
        }

    @property
    def deadline(self) -> AwareDatetime | None:
        """When the present state ends by itself: expiry while pending, lapse while approved."""
        if self.status is ApprovalStatus.PENDING:
            return self.expires_at
        if self.status is ApprovalStatus.APPROVED:
            return self.use_until
        return None

    def yes_votes(self, team: str) -> tuple[KnownVote, ...]:
        """Return the yes votes that count for `team`, one per seat."""
        yes = [vote for vote in self.votes if vote.approves and team in vote.teams]
        return one_per_seat(yes)

    @property
    def expires_at(self) -> AwareDatetime:
        """When the question expires, with the time that it was given since."""
        return self.patience.until or self.request.expires_at

    @property
    def undecided(self) -> tuple[str, ...]:
        """The teams whose count is not reached, in the order of the terms."""
        terms = self.request.terms
        return tuple(t.team for t in terms if len(self.yes_votes(t.team)) < t.approvals)

    def has_read_all(self, *names: str) -> bool:
        """Tell whether a person, by one of these names, opened every page of the details."""
        wanted = set(range(1, self.pages + 1))
        return self.pages > 0 and any(wanted <= set(self.read.get(name, ())) for name in names)


def evolve(approval: Approval | None, recorded: Recorded) -> Approval:
    """Return the approval after `recorded`. Raises CorruptHistory. Never runs a guard."""
    event = recorded.event
    if approval is None:
        if not isinstance(event, ApprovalRequested):
            raise CorruptHistory(event)
        return Approval(
            id=event.approval,
            version=recorded.version,
            position=recorded.position,
            status=ApprovalStatus.PENDING,
            request=event,
            requested_at=recorded.at,
            calls=(event.call,),
            patience=Patience(reminders=event.reminders, escalations=event.escalations),
        )
    changes = _changes(approval, event, recorded) | {"position": recorded.position}
    if recorded.stream == f"approval-{approval.id}":
        changes["version"] = recorded.version
    return approval.model_copy(update=changes)


def _changes(approval: Approval, event: Event, recorded: Recorded) -> dict[str, object]:
    match event:
        case ApprovalJoined():
            return {"calls": (*approval.calls, event.call)}
        case (
            CardPosted()
            | CardRepainted()
            | CardFound()
            | CardWanted()
            | CardUndeliverable()
            | DetailsViewed()
        ):
            return _shown(approval, event)
        case VoteCast():
            return {"votes": (*approval.votes, known_vote(event, recorded))}
        case VoteRefused():
            return {"refused_votes": approval.refused_votes + 1}
        case ApprovalGiven():
            return {
                "status": ApprovalStatus.APPROVED,
                "by": event.by,
                "decided_at": recorded.at,
                "use_until": event.use_until,
                "granted": event.granted,
                "broke_glass": event.broke_glass,
            }
        case ApprovalDenied():
            return {
                "status": ApprovalStatus.DENIED,
                "by": (event.by,),
                "reason": event.reason,
                "suggested": event.suggested,
                "decided_at": recorded.at,
            }
        case ApprovalReminded() | ApprovalEscalated() | ApprovalExtended() | StepRefused():
            return {"patience": approval.patience.after(event, recorded.at)}
        case _:
            return _ending(approval, event, recorded)


def _shown(
    approval: Approval,
    event: CardPosted | CardRepainted | CardFound | CardWanted | CardUndeliverable | DetailsViewed,
) -> dict[str, object]:
    match event:
        case CardPosted() | CardRepainted() | CardFound():
            return painted(approval.cards, approval.undeliverable, event)
        case CardWanted():
            return {"own_card": True}
        case CardUndeliverable():
            return {"undeliverable": {**approval.undeliverable, event.team: event.error}}
        case DetailsViewed():
            seen = approval.read.get(event.person, ())
            pages = tuple(sorted({*seen, event.page}))
            return {"read": {**approval.read, event.person: pages}, "pages": event.pages}


def _ending(approval: Approval, event: Event, recorded: Recorded) -> dict[str, object]:
    match event:
        case ApprovalDispatched() | CallContinued():
            return {"status": ApprovalStatus.DISPATCHED, **_sent(approval, event, recorded)}
        case ApprovalExpired():
            return {"status": ApprovalStatus.EXPIRED, "ended_at": recorded.at}
        case ApprovalLapsed():
            return {"status": ApprovalStatus.LAPSED, "ended_at": recorded.at}
        case ApprovalCancelled() | ApprovalVoided():
            cancelled = isinstance(event, ApprovalCancelled)
            return {
                "status": ApprovalStatus.CANCELLED if cancelled else ApprovalStatus.VOIDED,
                "reason": event.because,
                "superseded_by": event.policy_digest,
                "ended_at": recorded.at,
            }
        case CallCompleted():
            failed = event.outcome == "failed"
            return {
                "status": ApprovalStatus.FAILED if failed else ApprovalStatus.COMPLETED,
                "outcome": event.outcome,
                "error": event.error,
                "duration_ms": event.duration_ms,
                "size": event.size,
                "content": event.content,
                "ended_at": recorded.at,
            }
        case OutcomeUnknown():
            return {"status": ApprovalStatus.OUTCOME_UNKNOWN, "ended_at": recorded.at}
        case _:
            raise CorruptHistory(event)


def _sent(
    approval: Approval, event: ApprovalDispatched | CallContinued, recorded: Recorded
) -> dict[str, object]:
    match event:
        case ApprovalDispatched():
            return {
                "dispatched_call": event.call,
                "dispatched_at": recorded.at,
                "dispatched_task": event.task,
                "instance": event.instance,
            }
        case CallContinued():
            continuations = {**approval.continuations, event.state: event.call}
            return {"continuations": continuations, "instance": event.instance}
