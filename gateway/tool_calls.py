"""Takes one `tools/call` from the gate to its answer: decided, waited for, claimed, sent, noted."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from gateway import answers
from gateway.aftermath import Aftermath
from gateway.answers import Answer
from gateway.examining import Asked, Examined
from gateway.gate import Gate
from gateway.meters import Meters
from gateway.waiting import CalledOff, WaitingRoom
from ledger.approvals import Approval, ApprovalStatus
from ledger.claims import AlreadyUsed
from ledger.ledger import Ledger
from ledger.rulings import Allowed, Denied, Dispatched, Lapsed, Ruling, Voided, Waiting
from policies.decisions import Effect
from policies.refusals import Refused


@dataclass(frozen=True)
class Passed:
    """The call may run now, once; `show` says that its result may be kept."""

    show: bool


Verdict: TypeAlias = Passed | Answer


class ToolCalls:
    """The ladder that a call climbs (rungs 0, 1 and 4): decide, hold for seconds, answer.

    INVARIANT: a call is sent only after `Passed`, and `Passed` is returned
    once for each durable `CallDecided` that allows or `ApprovalDispatched`.
    """

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        room: WaitingRoom,
        aftermath: Aftermath,
        meters: Meters,
        now: Callable[[], datetime],
        hold: timedelta,
    ) -> None:
        """Take the collaborators; `hold` is how long a call waits for people at most."""
        self._ledger = ledger
        self._gate = gate
        self._room = room
        self._aftermath = aftermath
        self._meters = meters
        self._now = now
        self._hold = hold.total_seconds()

    async def verdict(self, asked: Asked) -> Verdict:
        """Return whether the call may run, or what its caller is told instead.

        Cancelling it is going away: nothing runs, and what was asked of people
        stays open. Raises Refused where nothing was decided.
        """
        with self._meters.deciding():
            examined = await self._gate.examine(asked)
            heard = await self._unheard(examined)
            if heard is not None:
                return heard
            ruling, examined = await self._gate.decide(asked, examined)
        self._meters.decided(asked.server, ruling)
        return await self._followed(asked, ruling, examined)

    async def _unheard(self, examined: Examined) -> Answer | None:
        """Return the end of an earlier, identical call of which the caller has not heard yet."""
        if examined.assessment.effect is not Effect.REQUIRE_APPROVAL:
            return None
        ended = self._aftermath.unheard(examined.facts.digests, self._now())
        approval = await self._ledger.approval(ended) if ended is not None else None
        return _ending(approval) if approval is not None else None

    async def _followed(self, asked: Asked, ruling: Ruling, examined: Examined) -> Verdict:
        match ruling:
            case Allowed():
                return Passed(examined.assessment.show_result)
            case Dispatched():
                self._aftermath.came_back(ruling.approval)
                return Passed(examined.assessment.show_result)
            case Denied():
                return answers.denied(ruling.decided)
            case Waiting():
                self._aftermath.came_back(ruling.approval)
                return await self._held(asked, ruling.approval)
            case Voided():
                return answers.voided(await self._approval(ruling.approval), ruling.because)
            case Lapsed():
                return answers.lapsed(await self._approval(ruling.approval))
            case _:
                assert_never(ruling)

    async def _held(self, asked: Asked, approval: str) -> Verdict:
        """Wait for people for a few seconds, and then say that it is pending."""
        away = True
        try:
            known = await self._room.news(approval, self._hold, asked.ticket)
            away = known is None or known.status is ApprovalStatus.PENDING
        except CalledOff:
            return answers.called_off(await self._approval(approval))
        finally:
            if away:
                self._aftermath.went_away(approval)
        if known is None:
            raise Refused(f"approval `{approval}` is not known; nothing was executed")
        if known.status is ApprovalStatus.PENDING:
            return answers.pending(known)
        if known.status is ApprovalStatus.APPROVED:
            return await self._claimed(asked, approval)
        return _ending(known) or answers.used(known)

    async def _claimed(self, asked: Asked, approval: str) -> Verdict:
        """Use the approval, unless an identical call was faster or the terms have changed."""
        try:
            ruling, examined = await self._gate.claim(asked, approval)
        except AlreadyUsed:
            return answers.used(await self._approval(approval))
        except Refused:
            known = await self._approval(approval)
            ended = _ending(known)
            if ended is None:
                raise
            return ended
        return await self._followed(asked, ruling, examined)

    async def _approval(self, name: str) -> Approval:
        known = await self._ledger.approval(name)
        if known is None:
            raise Refused(f"approval `{name}` is not known; nothing was executed")
        return known


_ENDINGS: Mapping[ApprovalStatus, Callable[[Approval], Answer]] = {
    ApprovalStatus.DENIED: answers.refused,
    ApprovalStatus.EXPIRED: answers.expired,
    ApprovalStatus.CANCELLED: answers.cancelled,
    ApprovalStatus.LAPSED: answers.lapsed,
    ApprovalStatus.VOIDED: lambda approval: answers.voided(approval, approval.reason or "it was"),
    ApprovalStatus.DISPATCHED: answers.used,
    ApprovalStatus.COMPLETED: answers.used,
    ApprovalStatus.FAILED: answers.used,
    ApprovalStatus.OUTCOME_UNKNOWN: answers.used,
}


def _ending(approval: Approval) -> Answer | None:
    """Return what to tell of an approval that ended; None where it is open."""
    tell = _ENDINGS.get(approval.status)
    return tell(approval) if tell else None
