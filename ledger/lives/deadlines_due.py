"""What a deadline does when it comes: the commands it sends, and what they make of an approval."""

from dataclasses import dataclass
from datetime import datetime

from ledger.events.envelopes import Command, Event
from ledger.events.events import ApprovalExpired, ApprovalLapsed
from ledger.lives.approvals import Approval, ApprovalStatus


@dataclass(frozen=True, kw_only=True)
class ExpireApproval(Command):
    """End an approval whose time has come: expired while pending, lapsed while approved."""

    approval: str


@dataclass(frozen=True, kw_only=True)
class ExpireGrant(Command):
    """End a grant whose time has come."""

    grant: str


@dataclass(frozen=True, kw_only=True)
class ExpireCall(Command):
    """Give up a call that its caller has not reported on in time."""

    call: str


def overdue(approval: Approval, at: datetime) -> Event | None:
    """Return the event of a deadline that has come at `at`, whoever notices it; None before."""
    if approval.deadline is None or at < approval.deadline:
        return None
    if approval.status is ApprovalStatus.PENDING:
        return ApprovalExpired(approval=approval.id)
    return ApprovalLapsed(approval=approval.id)
