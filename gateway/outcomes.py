"""Records how calls ended, beside the answer's way, and loses none of it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from ledger.calls import CompleteCall
from ledger.envelopes import Command, Recorded
from ledger.ledger import Ledger
from ledger.rulings import Allowed, Dispatched, ruling
from ledger.unavailable import LedgerUnavailable
from policies.refusals import Refused

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_MOST_DOUBTS = 1000
_NOT_SENT = "the caller went away before the call was sent; nothing was executed"
_NOT_SURE = "the ledger did not confirm the decision; nothing was executed"


@dataclass(frozen=True)
class Ended:
    """How a call ended; see `ledger.events.CallCompleted` for the outcomes and units."""

    call: str
    outcome: str
    duration_ms: int = 0
    size: int = 0
    content: str | None = None
    error: str | None = None


class Outcomes:
    """Hands ended calls to the ledger, again and again while it is away."""

    def __init__(self, ledger: Ledger, reach: Callable[[str], None]) -> None:
        """Take the ledger; `reach` is called where a test may kill the process."""
        self._ledger = ledger
        self._reach = reach
        self._noted: set[asyncio.Future[tuple[Recorded, ...]]] = set()
        self._recording: set[asyncio.Task[None]] = set()
        self._doubts = 0

    def note(self, ended: Ended) -> None:
        """Record how a call ended, in the background.

        Outcomes go with the decisions that callers wait for, and cost no
        transaction of their own as long as there are any.
        """
        command = _completion(ended)
        try:
            noted = self._ledger.note(command)
        except LedgerUnavailable:
            self._begin(self._record(command))
            return
        self._noted.add(noted)
        noted.add_done_callback(lambda told: self._heard(command, told))

    def _heard(self, command: CompleteCall, told: "asyncio.Future[tuple[Recorded, ...]]") -> None:
        """Take in what became of an outcome; where the ledger was away it is sent again."""
        self._noted.discard(told)
        if told.cancelled():
            return
        match told.exception():
            case None:
                self._reach("completed")
            case LedgerUnavailable():
                self._begin(self._record(command))
            case Refused() as refusal:
                _LOG.info("the outcome of %s was not recorded: %s", command.call, refusal)
            case bug:
                _LOG.error("the outcome of %s was not recorded", command.call, exc_info=bug)

    def abandon(self, call: str, command: Command) -> None:
        """See to a decision that nobody waits for any more: if the call may run, it did not."""
        self._begin(self._abandon(call, command))

    def doubt(self, call: str) -> None:
        """See to a decision that may or may not be recorded: the call did not run."""
        if self._doubts < _MOST_DOUBTS:
            self._doubts += 1
            self._begin(self._resolve(call))

    async def drain(self, seconds: float) -> int:
        """Wait until all is recorded, at most `seconds`; return how many outcomes are not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._left():
                    await asyncio.wait(self._left())
        left = self._left()
        for each in left:
            each.cancel()
        return len(left)

    def _left(self) -> "list[asyncio.Future[tuple[Recorded, ...]] | asyncio.Task[None]]":
        return [*self._noted, *self._recording]

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
                _LOG.info("the outcome of %s was not recorded: %s", command.call, refusal)
                return
            else:
                self._reach("completed")
                return

    async def _abandon(self, call: str, command: Command) -> None:
        """Ask what became of a command that was sent; sending it again changes nothing."""
        try:
            found = ruling(await self._ledger.execute(command))
        except LedgerUnavailable:
            self.doubt(call)
            return
        except Refused:
            return
        if isinstance(found, Allowed | Dispatched):
            await self._record(_completion(Ended(call, "failed", error=_NOT_SENT)))

    async def _resolve(self, call: str) -> None:
        try:
            await self._record(_completion(Ended(call, "failed", error=_NOT_SURE)))
        finally:
            self._doubts -= 1


def _completion(ended: Ended) -> CompleteCall:
    return CompleteCall(
        id=f"complete:{ended.call}",
        actor="placet:gateway",
        causation_id=ended.call,
        call=ended.call,
        outcome=ended.outcome,
        duration_ms=ended.duration_ms,
        size=ended.size,
        content=ended.content,
        error=ended.error,
    )
