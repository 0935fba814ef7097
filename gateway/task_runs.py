"""Runs the calls of tasks, once approved, while their callers come and go."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from gateway.call_ids import CallIds
from gateway.calling import asked_for
from gateway.collecting import Failure, Response, collected
from gateway.dispatching import Dispatcher
from gateway.errors import Rejected
from gateway.gate import Gate
from gateway.passing import Caller
from gateway.sealed_tasks import SealedTasks
from gateway.sealing import Unsealable
from gateway.upstreams import UpstreamAnswer
from ledger.ledger import Ledger
from ledger.rulings import Dispatched
from ledger.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable
from policies.refusals import Refused

_LOG = logging.getLogger(__name__)

KEPT_AFTER = timedelta(minutes=10)
"""How long a response is there to be asked for, at least."""

_PAUSE = 1.0


class TaskRuns:
    """Claims the approval of a task for a call, sends it, and keeps the response.

    Whoever asks for the task begins this, but does not have to wait for it. A
    process has one run of a task at most; over all processes the claim lets one
    call through.
    """

    def __init__(
        self,
        ledger: Ledger,
        gate: Gate,
        dispatcher: Dispatcher,
        seals: SealedTasks,
        ids: CallIds,
        now: Callable[[], datetime],
    ) -> None:
        """Take the collaborators; `now` returns UTC."""
        self._ledger = ledger
        self._gate = gate
        self._dispatcher = dispatcher
        self._seals = seals
        self._ids = ids
        self._now = now
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._unsaved: dict[str, Response] = {}
        self._saving: set[asyncio.Task[None]] = set()
        self._closing = False

    def response(self, task: KeptTask) -> Response | None:
        """Return the response of a task; None before there is one. Raises Unsealable."""
        return self._unsaved.get(task.id) or self._seals.responded(task)

    def begin(self, caller: Caller, task: KeptTask) -> None:
        """Run a task's call in the background, unless it runs; a process that ends begins none."""
        if task.id not in self._runs and not self._closing:
            self._begin(task.id, self._ran(caller, task))

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
        left = [*self._runs.values(), *self._saving]
        for each in left:
            each.cancel()
        if left:
            await asyncio.wait(left)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        def ended(run: asyncio.Task[None]) -> None:
            del self._runs[name]
            if run.cancelled():
                self._unsaved.pop(name, None)
            elif (error := run.exception()) is not None:
                expected = isinstance(error, Refused | Rejected | Unsealable)
                _LOG.info("a task did not run: %s", error, exc_info=None if expected else error)

        run = asyncio.get_running_loop().create_task(work)
        self._runs[name] = run
        run.add_done_callback(ended)

    async def _ran(self, caller: Caller, task: KeptTask) -> None:
        """Claim and run. INVARIANT: nothing is sent before the claim, which one call wins."""
        request, message = self._seals.opened(task, caller.agent.name)
        asked = asked_for(self._ids.new(), caller, message, len(request.body))
        ruling, examined = await self._gate.claim(asked, task.approval, task.id)
        if not isinstance(ruling, Dispatched):
            return

        async def deliver(answer: UpstreamAnswer, listen: Callable[[bytes], None]) -> None:
            await self._keep(task, await collected(answer, listen))

        try:
            show = examined.assessment.show_result
            await self._dispatcher.run(caller, request, asked.id, deliver, show=show)
        except Rejected as rejected:
            error = {"code": int(rejected.code), "message": rejected.message}
            await self._keep(task, Failure(json.dumps(error)))

    async def _keep(self, task: KeptTask, response: Response) -> None:
        """Keep a response: in memory at once, and in the ledger before its outcome is noted."""
        self._unsaved[task.id] = response
        try:
            await self._save(task, response)
        except LedgerUnavailable:
            saving = asyncio.get_running_loop().create_task(self._save_later(task, response))
            self._saving.add(saving)
            saving.add_done_callback(self._saving.discard)

    async def _save_later(self, task: KeptTask, response: Response) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            try:
                await self._save(task, response)
            except LedgerUnavailable:
                continue
            return

    async def _save(self, task: KeptTask, response: Response) -> None:
        until = max(task.expires_at, self._now() + KEPT_AFTER)
        await self._ledger.tasks.settle(task.id, self._seals.response(task, response), until)
        self._unsaved.pop(task.id, None)
