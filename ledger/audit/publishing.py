"""Takes copies of the newest checkpoint out of the ledger: what nobody can change with it."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from ledger.audit.checkpoints import newest, notes_in
from ledger.ledger import Ledger
from ledger.unavailable import LedgerUnavailable
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_TAIL = 64 * 1024
"""Bytes at the end of a file in which its last checkpoint is looked for."""

Place: TypeAlias = Callable[[str], Awaitable[bool]]
"""Keeps one checkpoint, a signed note; False where another process has to.

Raises Refused or OSError where it cannot now.
"""


class Publisher:
    """Brings each newest checkpoint to its places, once to each, at most every so often."""

    def __init__(self, ledger: Ledger, places: Sequence[Place], every: float) -> None:
        """Read the checkpoints of `ledger`; `every` is in seconds."""
        self._ledger = ledger
        self._places = places
        self._every = every
        self._brought: dict[Place, str] = {}
        self._troubles: dict[Place, str] = {}
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to bring checkpoints."""
        self._running = asyncio.create_task(self.run())

    async def close(self) -> None:
        """Bring no more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def troubles(self) -> list[str]:
        """Return why checkpoints wait, in words; empty while all are where they belong."""
        stopped = self._running is not None and self._running.done()
        more = ["checkpoints are not kept elsewhere: that stopped"] if stopped else []
        return sorted({*self._troubles.values(), *more})

    async def run(self) -> None:
        """Bring checkpoints until cancelled."""
        while True:
            with contextlib.suppress(LedgerUnavailable):
                note = await self._ledger.look(newest)
                if note is not None:
                    await self._bring(note)
            await asyncio.sleep(self._every)

    async def _bring(self, note: str) -> None:
        for place in self._places:
            if self._brought.get(place) == note:
                continue
            try:
                brought = await place(note)
            except (Refused, OSError) as trouble:
                _LOG.warning("a checkpoint is not kept outside of the ledger: %s", trouble)
                self._troubles[place] = f"checkpoints are not kept elsewhere: {trouble}"
                continue
            if brought:
                self._brought[place] = note
            self._troubles.pop(place, None)


class CheckpointFile:
    """A file to which checkpoints are added, one after the other, an empty line between."""

    def __init__(self, path: Path) -> None:
        """Use the file at `path`, or make it."""
        self._path = path

    async def __call__(self, note: str) -> bool:
        """Add a checkpoint that is not the last one already. Raises OSError."""
        await asyncio.to_thread(self._add, note)
        return True

    def _add(self, note: str) -> None:
        with self._path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - _TAIL, 0))
            kept = notes_in(file.read().decode(errors="replace"))
            if kept[-1:] == [note]:
                return
            file.write((b"\n" if end else b"") + note.encode())
            file.flush()
            os.fsync(file.fileno())


class InTurn:
    """A place that is the same for all replicas: one of them at a time brings checkpoints there."""

    def __init__(
        self, ledger: Ledger, place: Callable[[str], Awaitable[None]], every: float
    ) -> None:
        """Let only the holder of a lease bring to `place`; it lasts for two rounds."""
        self._ledger = ledger
        self._place = place
        self._seconds = 2 * every + 5

    async def __call__(self, note: str) -> bool:
        """Bring a checkpoint where it is this process's turn; tell whether it is."""
        if not await self._ledger.lease("checkpoints", self._seconds):
            return False
        await self._place(note)
        return True
