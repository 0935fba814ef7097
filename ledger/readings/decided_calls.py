"""Says of one call how it stands: what was decided, by whom, and how it ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.events.events import CallCompleted, CallDecided, OutcomeUnknown
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallRecord
from ledger.storage.history import History
from ledger.storage.projections import find_model


@dataclass(frozen=True)
class DecidedCall:
    """A call, its decision, the approval that it waits for or used, and its end so far."""

    record: CallRecord
    decided: CallDecided
    approval: Approval | None
    ended: CallCompleted | OutcomeUnknown | None = None
    ended_at: datetime | None = None


def decided_call(connection: Connection, history: History, name: str) -> DecidedCall | None:
    """Return the call of this id as `connection` sees it; None where there is none."""
    record = find_model(connection, "call", name)
    if not isinstance(record, CallRecord):
        return None
    first, *others = history.after(connection, 0, stream=f"call-{name}")
    assert isinstance(first.event, CallDecided), "a call begins with its decision"
    found = find_model(connection, "approval", record.approval) if record.approval else None
    approval = found if isinstance(found, Approval) else None
    for recorded in reversed(others):
        if isinstance(recorded.event, CallCompleted | OutcomeUnknown):
            return DecidedCall(record, first.event, approval, recorded.event, recorded.at)
    return DecidedCall(record, first.event, approval)
