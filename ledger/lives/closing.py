"""Ends an approval before its time, because what it rests on fell away."""

from ledger.events.envelopes import Draft, Event
from ledger.events.events import ApprovalCancelled, ApprovalVoided
from ledger.lives.approvals import Approval, ApprovalStatus


def closing(approval: Approval, because: str) -> Draft:
    """Return the end of an open approval: cancelled while pending, void once it was given."""
    ending: Event = ApprovalVoided(approval=approval.id, because=because)
    if approval.status is ApprovalStatus.PENDING:
        ending = ApprovalCancelled(approval=approval.id, because=because)
    return Draft(f"approval-{approval.id}", ending)
