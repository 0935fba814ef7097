"""Runs the calls of tasks, once they may, while their callers come and go."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.calls import answers
from gateway.calls.answers import Answer
from gateway.calls.call_ids import CallIds
from gateway.calls.calling import asked_for
from gateway.calls.collecting import Failure, Result, collected
from gateway.calls.dispatching import Dispatcher
from gateway.calls.examining import Examined
from gateway.calls.gate import Gate
from gateway.calls.insisting import insist
from gateway.calls.passing import Caller
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.sealing import Unsealable
from gateway.tasks.sealed_tasks import SealedTasks
from gateway.tasks.task_results import TaskResults
from gateway.tasks.task_rounds import Asking, answering, came
from gateway.upstreams import Era, UpstreamAnswer, UpstreamRequest
from gateway.wire.errors import Rejected
from ledger.deciding.continuing import Unfit
from ledger.deciding.rulings import Denied, Dispatched, Ruling
from ledger.ledger import Ledger
from ledger.readings.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
"""Seconds after which what runs is cancelled that another process was told to cancel."""


class _Cancelled(Refused):
    """Nobody wants the task any more, so its call is not sent."""


@dataclass(frozen=True)
class _Leg:
    """One call of a task on its way to the server; `sent` counts the rounds so far."""

    caller: Caller
    task: KeptTask
    request: UpstreamRequest
    call: str
    show: bool
    sent: int


class TaskRuns:
    """Has the calls of tasks decided, sends them, and keeps what comes of them.

    Whoever asks for a task begins this, but does not have to wait for it. A
    process has one run of a task at most; over all processes the ledger lets
    one call through: that which claims the approval, and for each thing that
    the server asks for that which brings it. What another process was told to
    cancel is cancelled here within a second or so.
    """

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        dispatcher: Dispatcher,
        seals: SealedTasks,
        results: TaskResults,
        ids: CallIds,
        now: Callable[[], datetime],
    ) -> None:
        """Take the collaborators; `now` returns UTC."""
        self._ledger = ledger
        self._gate = gate
        self._dispatcher = dispatcher
        self._seals = seals
        self._results = results
        self._ids = ids
        self._now = now
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        self._closing = False

    def begin(self, caller: Caller, task: KeptTask) -> None:
        """Run the call of an approved task in the background, unless it runs."""
        self._begin(task.id, self._first(caller, task))

    def go_on(self, caller: Caller, task: KeptTask, asking: Asking) -> None:
        """Bring the server what it asked for, in the background, unless that is done now."""
        self._begin(task.id, self._further(caller, task, asking))

    def has(self, name: str) -> bool:
        """Tell whether a call of the task is under way in this process."""
        return name in self._runs

    async def wait(self, name: str, seconds: float) -> None:
        """Wait for the run of a task in this process, if there is one, for `seconds` at most.

        Raises what ended it: Refused or Rejected where the call was not sent.
        """
        run = self._runs.get(name)
        if run is not None:
            done, _ = await asyncio.wait({run}, timeout=seconds)
            for each in done:
                if not each.cancelled():
                    each.result()

    def cancel(self, name: str) -> None:
        """End the run of a task in this process; its server is told to stop."""
        run = self._runs.get(name)
        if run is not None:
            run.cancel()

    async def drain(self, seconds: float) -> None:
        """Begin nothing more, and wait for what runs, at most `seconds`."""
        self._closing = True
        if self._runs:
            await asyncio.wait(self._runs.values(), timeout=max(seconds, 0))

    async def close(self) -> None:
        """Let go of what still runs."""
        self._closing = True
        left = [*self._runs.values()]
        if self._watching is not None:
            left.append(self._watching)
        for each in left:
            each.cancel()
        if left:
            await asyncio.wait(left)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin a run; a process that is about to end begins none."""
        if name in self._runs or self._closing:
            work.close()
            return

        def ended(run: asyncio.Task[None]) -> None:
            del self._runs[name]
            if run.cancelled():
                self._results.forget(name)
            elif (error := run.exception()) is not None:
                expected = isinstance(error, Refused | Rejected | Unsealable)
                _LOG.info("a task did not run: %s", error, exc_info=None if expected else error)

        run = asyncio.get_running_loop().create_task(work)
        self._runs[name] = run
        run.add_done_callback(ended)
        watched = self._watching is not None and not self._watching.done()
        if self._ledger.tasks.shared and not watched:
            self._watching = asyncio.create_task(self._watch(), name="tasks cancelled elsewhere")

    async def _watch(self) -> None:
        """Cancel what other processes were told to cancel, for as long as anything runs here."""
        while self._runs:
            await asyncio.sleep(_LOOK_SECONDS)
            wanted = [name for name, run in self._runs.items() if not run.cancelling()]
            with contextlib.suppress(LedgerUnavailable):
                for name in await self._ledger.tasks.cancelled(wanted):
                    self.cancel(name)

    async def _first(self, caller: Caller, task: KeptTask) -> None:
        """Claim and run. INVARIANT: nothing is sent before the claim, which one call wins."""
        request, message = self._seals.opened(task, caller.agent.name)
        asked = asked_for(self._ids.new(), caller, message, request)

        async def claim() -> tuple[Ruling, Examined]:
            examined = await self._gate.examine_anew(asked)
            await self._check_wanted(task)
            return await self._gate.claim(asked, examined, task.approval, task.id)

        ruling, examined = await insist(claim)
        if isinstance(ruling, Dispatched):
            show = examined.assessment.show_result
            await self._sent(_Leg(caller, task, request, asked.id, show, 0))

    async def _further(self, caller: Caller, task: KeptTask, asking: Asking) -> None:
        """Decide on a further round and run it. INVARIANT: as before, one call for each."""
        request, message = answering(asking)
        asked = asked_for(self._ids.new(), caller, message, request)
        examined = await self._gate.examine_anew(asked)
        continuation = asking.continuation(task.approval)
        await self._check_wanted(task)
        try:
            ruling, examined = await self._gate.go_on(asked, examined, continuation)
        except Unfit as unfit:
            approval = await self._ledger.approval(task.approval)
            assert approval is not None, "a task is made of an approval"
            await self._refused(task, answers.voided(approval, str(unfit)))
            return
        match ruling:
            case Dispatched():
                show = examined.assessment.show_result
                await self._sent(_Leg(caller, task, request, asked.id, show, asking.round))
            case Denied():
                await self._refused(task, answers.denied(ruling.decided))
            case _:
                pass

    async def _check_wanted(self, task: KeptTask) -> None:
        """Look once more whether the task was cancelled, at whatever replica. Raises _Cancelled."""
        if await self._ledger.tasks.cancelled([task.id]):
            raise _Cancelled("the task was cancelled; nothing was executed")

    async def _refused(self, task: KeptTask, answer: Answer) -> None:
        """End a task whose call may not go on."""
        await self._results.keep(task, Result(answer.result(Era.MODERN)))

    async def _sent(self, leg: _Leg) -> None:
        """Send a call and keep what came of it, before its outcome is noted."""

        async def deliver(answer: UpstreamAnswer, reader: OutcomeReader) -> None:
            response = await collected(answer, reader.feed)
            found = came(response, leg.request, leg.sent, self._now())
            await self._results.keep(leg.task, found)

        try:
            await self._dispatcher.run(leg.caller, leg.request, leg.call, deliver, show=leg.show)
        except Rejected as rejected:
            error = {"code": int(rejected.code), "message": rejected.message}
            await self._results.keep(leg.task, Failure(json.dumps(error)))
