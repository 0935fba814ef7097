"""Keeps what came of tasks: in memory at once, in the ledger as soon as that takes it."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from gateway.tasks.sealed_tasks import SealedTasks
from gateway.tasks.task_rounds import Asking, Came, Handed
from ledger.ledger import Ledger
from ledger.readings.tasks import KeptTask
from ledger.unavailable import LedgerUnavailable

_KEPT_AFTER = timedelta(minutes=10)
_WHILE_ASKING = timedelta(minutes=30)
_WHILE_HANDED = timedelta(days=7)
_PAUSE = 1.0


class TaskResults:
    """What came of the tasks of all processes, sealed.

    Whoever asks here hears of it even while the ledger is away; others do once
    it is back.
    """

    def __init__(self, ledger: Ledger, seals: SealedTasks, now: Callable[[], datetime]) -> None:
        """Take the collaborators; `now` returns UTC."""
        self._ledger = ledger
        self._seals = seals
        self._now = now
        self._unsaved: dict[str, Came] = {}
        self._saving: set[asyncio.Task[None]] = set()

    def of(self, task: KeptTask, agent: str) -> Came | None:
        """Return what came of a task, None while that is nothing. Raises Unsealable."""
        return self._unsaved.get(task.id) or self._seals.came(task, agent)

    async def keep(self, task: KeptTask, came: Came) -> None:
        """Keep what came of a task; a ledger that is away is asked again in the background."""
        self._unsaved[task.id] = came
        try:
            await self._save(task, came)
        except LedgerUnavailable:
            saving = asyncio.get_running_loop().create_task(self._save_later(task, came))
            self._saving.add(saving)
            saving.add_done_callback(self._saving.discard)

    async def add(self, task: KeptTask, asking: Asking) -> bool:
        """Keep what a caller brought to a task; False where something came of it meanwhile.

        Raises LedgerUnavailable: then the caller may bring it again.
        """
        until = max(task.expires_at, self._now() + _WHILE_ASKING)
        sealed = self._seals.result(task, asking)
        added = await self._ledger.tasks.exchange(task.id, task.result, sealed, until)
        if added:
            self.forget(task.id)
        return added

    def forget(self, name: str) -> None:
        """Let go of what came of a task that nobody wants any more."""
        self._unsaved.pop(name, None)

    async def close(self) -> None:
        """Save nothing more."""
        left = [*self._saving]
        for each in left:
            each.cancel()
        if left:
            await asyncio.wait(left)

    async def _save_later(self, task: KeptTask, came: Came) -> None:
        while self._unsaved.get(task.id) is came:
            await asyncio.sleep(_PAUSE)
            try:
                await self._save(task, came)
            except LedgerUnavailable:
                continue

    async def _save(self, task: KeptTask, came: Came) -> None:
        until = max(task.expires_at, self._now() + _life(came))
        await self._ledger.tasks.settle(task.id, self._seals.result(task, came), until)
        if self._unsaved.get(task.id) is came:
            del self._unsaved[task.id]


def _life(came: Came) -> timedelta:
    """Return how long it is there to be asked for, at least."""
    match came:
        case Handed():
            return _WHILE_HANDED
        case Asking():
            return _WHILE_ASKING
        case _:
            return _KEPT_AFTER
