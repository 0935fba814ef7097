"""Carries the history from the ledger to an output, and notes how far it came only after that."""

import asyncio
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ledger.audit.cursors import Cursor, Mark, mark_at, verify
from ledger.audit.outlets import Form, Outlet
from ledger.audit.spans import span_between
from ledger.audit.unbroken import Unbroken
from ledger.ledger import Ledger, LedgerUnavailable
from ledger.readings.moments import position_before
from ledger.words.reaching import Progress
from policies.values.inert import inert
from policies.values.refusals import Refused

_FOLLOW_EVERY = 0.5
_AGAIN_AFTER = 1.0


@dataclass(frozen=True)
class Order:
    """What is to be exported and where to.

    `since` and `until` are UTC. A cursor that has a mark wins over `since`,
    which would leave a gap after a long pause.
    """

    events: Unbroken
    since: datetime | None
    until: datetime | None
    follow: bool
    output: Path | None
    form: Form
    cursor: Cursor | None


async def export(ledger: Ledger, order: Order) -> None:
    """Export what is ordered, and go on until a signal where it is to be followed. Raises Refused.

    INVARIANT: the cursor moves only after all lines before it were written, so
    whatever ends the process, no line is missing after it was started again;
    some may come twice.
    """
    first = await ledger.look(lambda connection: _first(connection, order))
    last = await ledger.look(lambda connection: span_between(connection, None, order.until).last)
    resumed = order.cursor is not None and order.cursor.mark is not None
    with Outlet(order.output, order.form, resumed=resumed) as outlet:
        if order.cursor is not None and not resumed:
            order.cursor.move(first)
        export = _Export(ledger, order, outlet, first, _stop_signals())
        await export.up_to(last)
        if order.follow:
            await export.follow()


def _first(connection: Connection, order: Order) -> Mark:
    """Return the mark after which the export begins."""
    known = order.cursor.mark if order.cursor is not None else None
    if known is not None:
        verify(connection, known)
        return known
    since = order.since
    after = 0 if since is None else position_before(connection, since, including=False)
    return mark_at(connection, after)


@dataclass
class _Export:
    """An export under way: everything up to `mark` was written."""

    ledger: Ledger
    order: Order
    outlet: Outlet
    mark: Mark
    stop: asyncio.Event

    async def up_to(self, last: int) -> None:
        """Export what there is up to `last`. Raises Refused where a signal comes before."""
        begun = self.mark.position
        progress = _progress(self.outlet)
        with progress.shown():
            while not await self._page(last):
                if self.stop.is_set():
                    raise Refused(f"interrupted at position {self.mark.position} of {last}")
                progress(self.mark.position - begun, last - begun)

    async def follow(self) -> None:
        """Export what happens from now on, until a signal.

        Raises BrokenPipeError where nobody reads any more.
        """
        down = False
        while not self.stop.is_set():
            if self.outlet.abandoned():
                raise BrokenPipeError
            try:
                wait = _FOLLOW_EVERY if await self._page(None) else 0.0
                down = False
            except LedgerUnavailable as refusal:
                if not down:
                    _warn(f"{refusal}; trying again")
                down, wait = True, _AGAIN_AFTER
            await _moment(self.stop, wait)

    async def _page(self, last: int | None) -> bool:
        """Export one page; tell whether nothing was left."""
        mark = self.mark
        page = await self.ledger.look(
            lambda connection: self.order.events.after(connection, mark, last)
        )
        if page.lines:
            await asyncio.to_thread(self.outlet.write, page.lines)
        if page.mark != mark and self.order.cursor is not None:
            await asyncio.to_thread(self.order.cursor.move, page.mark)
        self.mark = page.mark
        return page.done


def _stop_signals() -> asyncio.Event:
    """Return what is set at the first SIGTERM or SIGINT; the second kills."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end() -> None:
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    return stop


async def _moment(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


def _warn(text: str) -> None:
    sys.stderr.write(f"placet: {inert(text, multiline=True)}\n")
    sys.stderr.flush()


class _Quiet(Progress):
    """Shows nothing: nobody is looking, or they look at the lines."""

    def __call__(self, done: int, of: int) -> None:
        """Do nothing."""


def _progress(outlet: Outlet) -> Progress:
    if sys.stderr.isatty() and not outlet.terminal:
        return Progress()
    return _Quiet()
