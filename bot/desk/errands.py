"""Work that goes on after a click was acknowledged: kept, waited for, never silently lost."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_LOG = logging.getLogger(__name__)


class Errands:
    """The running errands of one bot."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def run(self, errand: Coroutine[Any, Any, None]) -> None:
        """Start an errand; its failure is logged."""
        task = asyncio.create_task(errand)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def close(self, seconds: float) -> None:
        """Wait for what is running, `seconds` at most, then give it up."""
        if not self._running:
            return
        _, late = await asyncio.wait(set(self._running), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("an errand failed", exc_info=task.exception())
