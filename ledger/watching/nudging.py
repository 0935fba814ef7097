"""Sees to it that what is planned for a question that waits is done when its time comes."""

import logging
from collections.abc import Sequence
from datetime import datetime

from ledger.events.card_events import VoteCast
from ledger.events.envelopes import Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    ApprovalVoided,
)
from ledger.events.patience_events import ApprovalEscalated, ApprovalExtended, ApprovalReminded
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.steps import TakeStep
from ledger.views.approval_pages import approval_pages
from policies.values.refusals import Refused

ACTOR = "placet:deadlines"

_MOVED = (VoteCast, ApprovalReminded, ApprovalEscalated, ApprovalExtended)
_OVER = (ApprovalGiven, ApprovalDenied, ApprovalExpired, ApprovalCancelled, ApprovalVoided)
_LOG = logging.getLogger(__name__)


class Nudges:
    """Sends TakeStep for what is due at each `tick`.

    The ledger decides what is due and was not done yet; so a crash, a tick
    that comes late, or another one of these beside it, changes nothing.
    """

    def __init__(self, ledger: Ledger) -> None:
        """Know of nothing that waits."""
        self._ledger = ledger
        self._due: dict[str, datetime] = {}
        self._moved: set[str] = set()
        self._leave = _nothing

    async def start(self) -> None:
        """Begin to follow, and read what is pending. Raises LedgerUnavailable."""
        self._leave = self._ledger.observe(self._heard, plain_calls=False)
        async for page in approval_pages(self._ledger, ApprovalStatus.PENDING):
            for approval in page:
                self._note(approval)

    def stop(self) -> None:
        """Follow no more."""
        self._leave()

    async def tick(self) -> None:
        """Do what is due now."""
        try:
            moved, self._moved = self._moved, set()
            for name in moved:
                approval = await self._ledger.approval(name)
                if approval is not None:
                    self._note(approval)
            if self._due:
                now = await self._ledger.now()
                for name in [name for name, at in self._due.items() if at <= now]:
                    await self._take(name)
        except Refused as refusal:
            _LOG.warning("reminders wait: %s", refusal)

    async def _take(self, name: str) -> None:
        at = self._due.pop(name)
        self._moved.add(name)
        await self._ledger.execute(
            TakeStep(id=f"step:{name}:{at.isoformat()}", actor=ACTOR, approval=name)
        )

    def _note(self, approval: Approval) -> None:
        """Keep when something is planned next; nothing is where it is decided."""
        self._due.pop(approval.id, None)
        at = approval.patience.next_step(approval.undecided)
        if approval.status is ApprovalStatus.PENDING and at is not None:
            self._due[approval.id] = at

    def _heard(self, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            event = one.event
            if isinstance(event, ApprovalRequested):
                planned = [plan.at for plan in event.reminders]
                planned += [plan.at for plan in event.escalations]
                self._due |= {event.approval: min(planned)} if planned else {}
            elif isinstance(event, _MOVED):
                self._moved.add(event.approval)
            elif isinstance(event, _OVER):
                self._moved.discard(event.approval)
                self._due.pop(event.approval, None)


def _nothing() -> None:
    """Do nothing: not started yet."""
