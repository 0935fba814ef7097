"""Reads from the database, for the writer, what became of calls before."""

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from ledger.events.envelopes import Recorded
from ledger.events.events import ApprovalDispatched, CallCompleted, CallDecided
from ledger.events.redaction_events import EventRedacted
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.readings.moments import head, position_before
from ledger.storage.history import History
from ledger.storage.projections import read_models
from ledger.storage.tables import PROJECTIONS

_APPROVAL = PROJECTIONS["approval"].c

_UNKNOWN = (
    select(_APPROVAL.state)
    .where(
        _APPROVAL.status == ApprovalStatus.OUTCOME_UNKNOWN.value,
        _APPROVAL.digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(_APPROVAL.requested_at.desc())
    .limit(1)
)
"""Written once: it is asked at each request, and a thousand queries that hold themselves take
3 MB until they are collected."""

_TOPICS = (CallDecided.TOPIC, ApprovalDispatched.TOPIC, CallCompleted.TOPIC)

MOST = 100_000
"""Events that are looked through."""


class KeptPast:
    """The past as a ledger keeps it, on the writer's connection."""

    def __init__(self, connected: Callable[[], Connection], history: History) -> None:
        """Read with `history` on the connection that `connected` gives."""
        self._connected = connected
        self._history = history

    def since(self, moment: datetime) -> Iterable[Recorded]:
        """Return what was recorded of calls that ran from `moment` on, in order.

        Of the newest 100,000 events: whoever waits for the writer waits for this.
        """
        connection = self._connected()
        after = position_before(connection, moment, including=False)
        after = max(after, head(connection) - MOST)
        return self._history.after(connection, after, topics=_TOPICS)

    def decision(self, call: str) -> CallDecided | None:
        """Return how a call was decided, None where that is not kept."""
        found = self._history.after(self._connected(), 0, stream=f"call-{call}", limit=1)
        event = found[0].event if found else None
        return event if isinstance(event, CallDecided) else None

    def of_unknown_outcome(self, digests: Iterable[str]) -> str | None:
        """Return the newest call bound to one of these digests that may have run, or None."""
        found = read_models(self._connected(), "approval", _UNKNOWN, digests=tuple(digests))
        return next((each.dispatched_call for each in found if isinstance(each, Approval)), None)

    def redacted(self, approval: str, after: int) -> bool:
        """Tell whether an event that names an approval was redacted after position `after`."""
        topics, connection = (EventRedacted.TOPIC,), self._connected()
        found = self._history.after(connection, after, correlation=approval, topics=topics, limit=1)
        return bool(found)
