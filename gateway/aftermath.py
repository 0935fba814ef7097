"""Remembers who went away with "pending", so that they hear how it ended when they ask again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.approvals import Approval, ApprovalStatus
from ledger.envelopes import Recorded
from ledger.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalDispatched,
    ApprovalExpired,
    ApprovalJoined,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
    GrantIssued,
)

REMEMBERED = timedelta(hours=1)
"""How long after its end an approval's answer waits for the caller."""

_MOST = 10_000
_ENDS = (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalLapsed,
    ApprovalVoided,
)
_ENDED = frozenset(
    {
        ApprovalStatus.CANCELLED,
        ApprovalStatus.DENIED,
        ApprovalStatus.EXPIRED,
        ApprovalStatus.LAPSED,
        ApprovalStatus.VOIDED,
    }
)
_LATE = timedelta(seconds=1)
"""How much later than the end of its hold a caller may have been answered."""


@dataclass
class _Question:
    """An approval: whose it is, who has not heard of its end yet, and when it ended."""

    approval: str
    agent: str
    digest: str
    asked_at: datetime
    away: int = 0
    elsewhere: bool = True
    ended_at: datetime | None = None
    used: bool = False


class Aftermath:
    """The answers that callers still have to hear, each once, by the digest of their call.

    A caller that was told "pending" and calls again after the end hears that
    end; the call after that asks anew. Callers of this process are counted; of
    those of other processes, and of this one before it started, it is known
    only that nobody was held when the end came, so they hear it once too.
    """

    def __init__(self, hold: timedelta) -> None:
        """Start empty; `hold` is how long a call is held at most."""
        self._hold = hold
        self._by_approval: dict[str, _Question] = {}
        self._ended: dict[str, str] = {}

    def learn(self, approvals: Iterable[Approval], granted: Iterable[str]) -> None:
        """Take in approvals from before the start, and the agents that have live grants."""
        for known in sorted(approvals, key=lambda approval: approval.requested_at):
            request = known.request
            self._open(_Question(known.id, request.agent, request.digest, known.requested_at))
            ended_at = known.ended_at or known.decided_at
            if known.status in _ENDED and ended_at is not None:
                self._end(known.id, ended_at, used=False)
        for agent in granted:
            self._forgive(agent)

    def follow(self, events: Sequence[Recorded]) -> None:
        """Take in what the ledger says; a listener of `Ledger.observe`."""
        for recorded in events:
            match recorded.event:
                case ApprovalRequested() as event:
                    self._open(_Question(event.approval, event.agent, event.digest, recorded.at))
                case ApprovalJoined() as event:
                    if question := self._by_approval.get(event.approval):
                        question.asked_at = recorded.at
                case ApprovalDispatched() as event:
                    self._end(event.approval, recorded.at, used=True)
                case GrantIssued() as event:
                    self._forgive(event.agent)
                case event if isinstance(event, _ENDS):
                    self._end(event.approval, recorded.at, used=False)
                case _:
                    pass

    def went_away(self, approval: str) -> None:
        """Note that a caller was told "pending"."""
        if question := self._by_approval.get(approval):
            question.away += 1
            question.elsewhere = False

    def came_back(self, approval: str) -> None:
        """Note that a caller asked again and found the approval itself."""
        question = self._by_approval.get(approval)
        if question is not None and question.away:
            question.away -= 1

    def unheard(self, digests: Sequence[str], at: datetime) -> str | None:
        """Return the approval whose end the caller of such a call still has to hear, if any."""
        for digest in digests:
            question = self._by_approval.get(self._ended.get(digest, ""))
            if question is None or question.ended_at is None:
                continue
            if at - question.ended_at > REMEMBERED or not question.away:
                self._drop(question)
                continue
            question.away -= 1
            return question.approval
        return None

    def _open(self, question: _Question) -> None:
        self._by_approval[question.approval] = question
        self._ended.pop(question.digest, None)
        while len(self._by_approval) > _MOST:
            self._drop(next(iter(self._by_approval.values())))

    def _end(self, approval: str, at: datetime, *, used: bool) -> None:
        question = self._by_approval.get(approval)
        if question is None:
            return
        question.ended_at, question.used = at, used
        if question.elsewhere and not used and at - question.asked_at > self._hold + _LATE:
            question.away = 1
        if question.away:
            self._ended[question.digest] = approval
        else:
            self._drop(question)

    def _forgive(self, agent: str) -> None:
        """Let the agent's next calls be decided anew: there is a grant now."""
        for approval in [a for a in self._ended.values() if self._by_approval[a].agent == agent]:
            self._drop(self._by_approval[approval])

    def _drop(self, question: _Question) -> None:
        self._by_approval.pop(question.approval, None)
        if self._ended.get(question.digest) == question.approval:
            del self._ended[question.digest]
