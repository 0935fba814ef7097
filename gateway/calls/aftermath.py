"""Remembers who went away with "pending", so that they hear how it ended when they ask again."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger.events.envelopes import Recorded
from ledger.events.events import CallDecided
from ledger.lives.approvals import OPEN, Approval, ApprovalStatus
from policies.rules.decisions import Effect

REMEMBERED = timedelta(hours=1)
"""How long after its end an approval's answer waits for the caller."""

_MOST = 10_000
_LATE = timedelta(seconds=1)
"""How much later than the end of its hold a caller may have been answered."""

_USED = frozenset(
    {
        ApprovalStatus.DISPATCHED,
        ApprovalStatus.COMPLETED,
        ApprovalStatus.FAILED,
        ApprovalStatus.OUTCOME_UNKNOWN,
    }
)


@dataclass
class Question:
    """An approval that callers were told to come back for.

    `away` counts those that this process told so. `elsewhere` says that
    another process, or this one before it started, may have told one so, and
    `asked_at` when that call came. Callers come back one after the other:
    whoever decides anew holds the `turn`.
    """

    approval: str
    away: int = 0
    elsewhere: bool = False
    asked_at: datetime | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Aftermath:
    """The answers that callers still have to hear, by the digest of their call.

    A caller that was told "pending" and calls again after the end hears that
    end, once; the call after that asks anew.
    """

    def __init__(self, instance: str, hold: timedelta) -> None:
        """Start empty; `instance` is this process, `hold` how long a call is held at most."""
        self._instance = instance
        self._hold = hold
        self._questions: dict[str, Question] = {}

    def learn(self, approvals: Iterable[Approval]) -> None:
        """Take in approvals from before the start."""
        for known in sorted(approvals, key=lambda approval: approval.requested_at):
            self._elsewhere(known.request.digest, known.id, known.requested_at)

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take in what other processes ask of people; a listener of `Ledger.observe`."""
        for recorded in events:
            event = recorded.event
            if (
                isinstance(event, CallDecided)
                and event.effect is Effect.REQUIRE_APPROVAL
                and event.instance != self._instance
                and event.approval is not None
            ):
                self._elsewhere(event.digest, event.approval, recorded.at)

    def went_away(self, digest: str, approval: str) -> None:
        """Note that a caller was told "pending", or left while it waited."""
        self._question(digest, approval).away += 1

    def came_back(self, digest: str, approval: str) -> None:
        """Note that a caller asked again and found the approval itself."""
        question = self._questions.get(digest)
        if question is not None and question.approval == approval and question.away:
            question.away -= 1

    def question(self, digests: Sequence[str]) -> Question | None:
        """Return the question that a caller with this call may have to hear the end of."""
        for digest in digests:
            question = self._questions.get(digest)
            if question is not None and (question.away or question.elsewhere):
                return question
        return None

    def owed(self, question: Question, approval: Approval, at: datetime) -> bool:
        """Tell, once for each caller, whether the end of `approval` has to be heard now."""
        if approval.status in OPEN:
            return False
        ended_at = approval.ended_at or approval.decided_at or at
        elsewhere, question.elsewhere = question.elsewhere, False
        if at - ended_at > REMEMBERED:
            question.away = 0
        elif question.away:
            question.away -= 1
            return True
        elif elsewhere and question.asked_at is not None and approval.status not in _USED:
            return ended_at - question.asked_at > self._hold + _LATE
        return False

    def _elsewhere(self, digest: str, approval: str, at: datetime) -> None:
        question = self._question(digest, approval)
        question.elsewhere = True
        question.asked_at = at

    def _question(self, digest: str, approval: str) -> Question:
        """Return the question about an approval, which replaces an older one of the digest."""
        question = self._questions.get(digest)
        if question is None or question.approval != approval:
            self._questions.pop(digest, None)
            question = self._questions[digest] = Question(approval)
            while len(self._questions) > _MOST:
                del self._questions[next(iter(self._questions))]
        return question
