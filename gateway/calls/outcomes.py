"""Records how calls ended, beside the answer's way, and loses none of it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine

from gateway.calls.reading_outcomes import Outcome
from ledger.deciding.rulings import Allowed, Dispatched, ruling
from ledger.events.envelopes import Command, Recorded
from ledger.ledger import Ledger
from ledger.lives.calls import CompleteCall, LookBack
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_MOST_DOUBTS = 1000
_NOT_SENT = "the caller went away before the call was sent; nothing was executed"
_NOT_SURE = "the ledger did not confirm the decision; nothing was executed"


class Outcomes:
    """Hands ended calls to the ledger, again and again while it is away."""

    def __init__(self, ledger: Ledger, reach: Callable[[str], None]) -> None:
        """Take the ledger; `reach` is called where a test may kill the process."""
        self._ledger = ledger
        self._reach = reach
        self._noted = 0
        self._all_heard = asyncio.Event()
        self._recording: set[asyncio.Task[None]] = set()
        self._doubts = 0

    def note(
        self,
        call: str,
        outcome: Outcome,
        duration_ms: int = 0,
        size: int = 0,
    ) -> None:
        """Record how a call ended, in the background; `size` is in bytes.

        Outcomes go with the decisions that callers wait for, and cost no
        transaction of their own as long as there are any.
        """
        command = _completion(call, outcome, duration_ms, size)
        try:
            self._ledger.note(command, lambda told: self._heard(command, told))
        except LedgerUnavailable:
            self._begin(self._record(command))
        else:
            self._noted += 1

    def _heard(self, command: CompleteCall, told: tuple[Recorded, ...] | BaseException) -> None:
        """Take in what became of an outcome; where the ledger was away it is sent again."""
        self._noted -= 1
        if not self._noted:
            self._all_heard.set()
        match told:
            case tuple():
                self._reach("completed")
            case LedgerUnavailable():
                self._begin(self._record(command))
            case Refused():
                _LOG.info(
                    "the outcome of %s was not recorded: %s",
                    command.call,
                    told,
                    extra={"call": command.call},
                )
            case _:
                _LOG.error(
                    "the outcome of %s was not recorded",
                    command.call,
                    exc_info=told,
                    extra={"call": command.call},
                )

    def abandon(self, call: str, command: Command) -> None:
        """See to a decision that nobody waits for any more: if the call may run, it did not."""
        self._begin(self._abandon(call, command))

    def give_up(self, call: str, command: Command) -> None:
        """See to a decision on a call that others want decided too, and may run.

        The call did not run where it was this very command that let it run.
        """
        if self._doubts < _MOST_DOUBTS:
            self._doubts += 1
            self._begin(self._given_up(call, command))

    def doubt(self, call: str) -> None:
        """See to a decision that may or may not be recorded: the call did not run."""
        if self._doubts < _MOST_DOUBTS:
            self._doubts += 1
            self._begin(self._resolve(call))

    async def drain(self, seconds: float) -> int:
        """Wait until all is recorded, at most `seconds`; return how many outcomes are not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._noted or self._recording:
                    await self._some_recorded()
        left = self._noted + len(self._recording)
        for task in self._recording:
            task.cancel()
        return left

    async def _some_recorded(self) -> None:
        if self._noted:
            self._all_heard.clear()
            await self._all_heard.wait()
        else:
            await asyncio.wait(self._recording)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._recording.add(task)
        task.add_done_callback(self._recording.discard)

    async def _record(self, command: CompleteCall) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._ledger.execute(command)
            except LedgerUnavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            except Refused as refusal:
                _LOG.info(
                    "the outcome of %s was not recorded: %s",
                    command.call,
                    refusal,
                    extra={"call": command.call},
                )
                return
            else:
                self._reach("completed")
                return

    async def _abandon(self, call: str, command: Command) -> None:
        """Ask what became of a command; sent again it would be decided, if it was not before."""
        try:
            await self._unsent(call, LookBack(id=command.id, actor=command.actor))
        except LedgerUnavailable:
            self.doubt(call)

    async def _given_up(self, call: str, command: Command) -> None:
        """Do the same, and ask until the ledger says: it must not be guessed who has the call."""
        pause = _FIRST_PAUSE
        try:
            while True:
                try:
                    return await self._unsent(call, command)
                except LedgerUnavailable:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        finally:
            self._doubts -= 1

    async def _unsent(self, call: str, command: Command) -> None:
        """Record that a call did not run, if a command let it. Raises LedgerUnavailable."""
        try:
            events = await self._ledger.execute(command)
        except LedgerUnavailable:
            raise
        except Refused:
            return
        found = ruling(events) if events else None
        if isinstance(found, Allowed | Dispatched):
            await self._record(_completion(call, Outcome("failed", _NOT_SENT, sent=False)))

    async def _resolve(self, call: str) -> None:
        try:
            await self._record(_completion(call, Outcome("failed", _NOT_SURE, sent=False)))
        finally:
            self._doubts -= 1


def _completion(call: str, outcome: Outcome, duration_ms: int = 0, size: int = 0) -> CompleteCall:
    return CompleteCall.made(
        id=f"{call}:complete",
        actor="placet:gateway",
        causation_id=call,
        call=call,
        outcome=outcome.name,
        duration_ms=duration_ms,
        size=size,
        content=outcome.content,
        error=outcome.error,
        sent=outcome.sent,
    )
