"""Takes one `tools/call` through the gate: decided, waited for, claimed."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import assert_never

from gateway.calls import answers
from gateway.calls.aftermath import Aftermath, Question
from gateway.calls.answers import Answer
from gateway.calls.asking import Asking
from gateway.calls.continuations import Leg
from gateway.calls.examining import Asked, Examined
from gateway.calls.gate import Gate
from gateway.calls.insisting import insist
from gateway.calls.patience import Patience
from gateway.calls.reporting import Reporter
from gateway.calls.verdicts import Passed, Pending, Settled, Verdict, verdict_of
from gateway.calls.waiting import WaitingRoom
from ledger.deciding.claims import AlreadyDecided, AlreadyUsed, FrozenNow
from ledger.deciding.rulings import Allowed, Denied, Dispatched, Lapsed, Ruling, Voided, Waiting
from ledger.ledger import Ledger
from ledger.lives.approvals import OPEN, Approval, ApprovalStatus
from ledger.lives.grants import live
from policies.deciding.settling import settle
from policies.people.people import Directory
from policies.rules.decisions import Effect, LiveGrant
from policies.rules.grant_terms import unread
from policies.values.refusals import Refused

_QUESTIONS, _CLAIMS = 64, 32
"""Calls to one server that are asked about, or claim, at once: of a thousand that come, or get
their yes, together, most wait with little, until those before them are recorded."""


class ToolCalls:
    """Decides calls, and holds those that wait for people for as long as it is told.

    INVARIANT: a call is sent only after `Passed`, and `Passed` is returned
    once for each durable `CallDecided` that allows or `ApprovalDispatched`.
    """

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        room: WaitingRoom,
        aftermath: Aftermath,
        reporter: Reporter,
        now: Callable[[], datetime],
        patience: Patience,
        directory: Directory,
    ) -> None:
        """Take the collaborators; `patience` says how long calls are held in silence."""
        self._ledger = ledger
        self._gate = gate
        self._room = room
        self._aftermath = aftermath
        self._reporter = reporter
        self._now = now
        self._patience = patience
        self._directory = directory
        self._asking, self._claiming = _turns(_QUESTIONS), _turns(_CLAIMS)

    async def verdict(self, asking: Asking, hold: float | None = None) -> Verdict:
        """Return whether the call may run, or what its caller is told instead.

        It is held for `hold` seconds where people have to answer; by default as
        the configuration says. Cancelling it is going away: nothing runs, and
        what was asked of people stays open. Raises Refused where nothing was
        decided.
        """
        return await verdict_of(await self.settled(asking, hold))

    async def settled(self, asking: Asking, hold: float | None = None) -> Settled:
        """Return, once a call is decided, its verdict or what holds it, as `verdict` does."""
        began = time.perf_counter()
        asked = asking.asked
        examined = await self._gate.examine(asked)
        if examined.asks:
            examined = await self._examined_anew(asked, examined)
        if not examined.asks:
            ruling, examined = await self._gate.decide(asked, examined)
        elif (question := self._aftermath.question(examined.facts.digests)) is None:
            ruling, examined = await self._decided(asked, examined)
        else:
            async with question.turn:
                heard = await self._heard(asked, examined, question)
                if heard is not None:
                    return heard
                ruling, examined = await self._decided(asked, examined)
                self._came_back(ruling, examined)
        seconds = time.perf_counter() - began
        self._reporter.decided(asked, ruling, seconds)
        return self._followed(asking, ruling, examined, hold)

    def wait(
        self, asking: Asking, approval: str, digest: str, seconds: float
    ) -> Awaitable[Verdict]:
        """Hold a `Pending` call on for `seconds`; return what became of it, as `verdict` does."""
        return self._held(asking, approval, digest, seconds)

    async def resume(self, asked: Asked, approval: Approval, seconds: float) -> Verdict:
        """Hold a call again for `seconds` that was let go, for its caller has come back by its id.

        Returns what became of it, as `verdict` does.
        """
        self.came_back(approval)
        return await self._held(asked, approval.id, approval.request.digest, seconds)

    def came_back(self, approval: Approval) -> None:
        """Note that a caller that was let go has come back for this approval."""
        self._aftermath.came_back(approval.request.digest, approval.id)

    def let_go(self, pending: Pending) -> Answer:
        """Return what to tell the caller of a call that is held no more; it may come back."""
        self._aftermath.went_away(pending.digest, pending.approval.id)
        return answers.pending(pending.approval)

    async def _examined_anew(self, asked: Asked, examined: Examined) -> Examined:
        """Return a call with what the rules say of the tool that runs, if people are asked."""
        async with self._asking[asked.server]:
            asks = await self._asks_people(asked, examined)
        return await self._gate.examine_anew(asked) if asks else examined

    async def _decided(self, asked: Asked, examined: Examined) -> tuple[Ruling, Examined]:
        async with self._asking[asked.server]:
            return await self._gate.decide(asked, examined)

    async def _heard(self, asked: Asked, examined: Examined, question: Question) -> Answer | None:
        """Return the end of an earlier, identical call of which the caller has not heard yet."""
        approval = await self._ledger.approval(question.approval)
        if approval is None or approval.status in OPEN:
            return None
        if not await self._asks_people(asked, examined):
            return None
        owed = self._aftermath.owed(question, approval, self._now())
        return answers.ending(approval) if owed else None

    async def _asks_people(self, asked: Asked, examined: Examined) -> bool:
        """Tell whether the call needs an approval that no grant gives it."""
        if not examined.asks:
            return False
        if self._settled(examined, ()) is not Effect.REQUIRE_APPROVAL:
            return False
        grants = [
            live(grant, asked.agent, self._directory, examined.facts.digests)
            for grant in await self._ledger.grants(live=True)
            if grant.agent == asked.agent.name
        ]
        examined = self._gate.with_terms(asked, examined, unread(grants, examined.assessment))
        return self._settled(examined, grants) is Effect.REQUIRE_APPROVAL

    def _settled(self, examined: Examined, grants: Sequence[LiveGrant]) -> Effect:
        """Return what the call would come to now, as far as this process has heard.

        Freezes are left to the ledger, which stops the call by them: whether
        people are asked does not depend on them.
        """
        now = self._now()
        return settle(examined.assessment, grants, now, self._ledger, freezes=()).effect

    def _came_back(self, ruling: Ruling, examined: Examined) -> None:
        """Note whom the caller found waiting, if it is the approval it was told of."""
        if isinstance(ruling, Waiting | Dispatched):
            self._aftermath.came_back(examined.facts.digests[0], ruling.approval)

    def _followed(
        self, asking: Asking, ruling: Ruling, examined: Examined, hold: float | None = None
    ) -> Settled:
        call = examined.facts.call
        match ruling:
            case Allowed():
                return Passed(call, examined.assessment.show_result)
            case Dispatched():
                leg = Leg(ruling.approval, examined.facts.digests[0])
                return Passed(call, examined.assessment.show_result, leg)
            case Denied():
                return answers.denied(ruling.decided)
            case Waiting():
                agent = examined.facts.agent.name
                seconds = self._patience.grace(agent) if hold is None else hold
                digest = examined.facts.digests[0]
                return self._held(asking, ruling.approval, digest, seconds)
            case Voided() | Lapsed():
                return self._ended(ruling)
            case _:
                assert_never(ruling)

    async def _ended(self, ruling: Voided | Lapsed) -> Answer:
        known = await self._approval(ruling.approval)
        if isinstance(ruling, Voided):
            return answers.voided(known, ruling.because)
        return answers.lapsed(known)

    async def _held(self, asking: Asking, approval: str, digest: str, seconds: float) -> Verdict:
        asking.rest()
        heard = False
        until = asyncio.get_running_loop().time() + seconds
        try:
            known = await self._room.news(approval, seconds, asking.ticket.agent)
            heard = True
        finally:
            if not heard:
                self._aftermath.went_away(digest, approval)
        if known is None:
            raise Refused(f"approval `{approval}` is not known; nothing was executed")
        if known.status is ApprovalStatus.PENDING:
            return Pending(known, digest)
        if known.status is ApprovalStatus.APPROVED:
            del known  # many may be woken together, and wait for their turn
            return await self._claimed(asking, approval)
        asked = await asking.whole()
        if known.superseded_by is not None and not asked.named and asked.report_within is None:
            return await self._anew(asked, known, until)
        return answers.ending(known) or answers.used(known)

    async def _anew(self, asked: Asked, ended: Approval, until: float) -> Verdict:
        """Decide a call under the policy that ended its approval, and hold it on where that asks.

        One of all who were held for it; the others hear why it ended.
        """
        began = time.perf_counter()
        try:
            ruling, examined, again = await self._gate.decide_anew(asked, ended)
        except AlreadyDecided:
            told = answers.ending(ended)
            assert told is not None, "it has ended"
            return told
        self._reporter.decided(again, ruling, time.perf_counter() - began)
        left = max(until - asyncio.get_running_loop().time(), 0)
        return await verdict_of(self._followed(again, ruling, examined, left))

    async def _claimed(self, asking: Asking, approval: str) -> Verdict:
        """Use the approval, unless an identical call was faster or the terms have changed."""
        try:
            ruling, examined = await insist(partial(self._claim, asking, approval))
        except AlreadyUsed:
            return answers.used(await self._approval(approval))
        except FrozenNow as frozen:
            return answers.frozen(await self._approval(approval), str(frozen))
        except Refused:
            known = await self._approval(approval)
            ended = answers.ending(known)
            if ended is None:
                raise
            return ended
        return await verdict_of(self._followed(asking, ruling, examined))

    async def _claim(self, asking: Asking, approval: str) -> tuple[Ruling, Examined]:
        async with self._claiming[asking.ticket.server]:
            asked = await asking.whole()
            examined = await self._gate.examine_anew(asked)
            return await self._gate.claim(asked, examined, approval)

    async def _approval(self, name: str) -> Approval:
        known = await self._ledger.approval(name)
        if known is None:
            raise Refused(f"approval `{name}` is not known; nothing was executed")
        return known


def _turns(most: int) -> defaultdict[str, asyncio.Semaphore]:
    """Return what lets so many in at once, by server."""
    return defaultdict(partial(asyncio.Semaphore, most))
