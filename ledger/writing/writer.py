"""The one thread of a process that writes to the ledger: it drains commands and settles them."""

import logging
import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Thread

from eventsourcing.domain import EventSourcingError
from sqlalchemy.exc import SQLAlchemyError

from ledger.storage.faults import DATABASE_ERRORS, because, is_down, is_gone, is_lost, verbatim
from ledger.unavailable import LedgerUnavailable, NotRecorded
from ledger.writing.announcing import Announcer
from ledger.writing.batch import Settler
from ledger.writing.inbox import Inbox, Waiting
from ledger.writing.meters import LedgerMeters
from ledger.writing.objections import UNREADABLE
from ledger.writing.sealing import Sealer
from ledger.writing.telling import Teller

_LOG = logging.getLogger(__name__)

MOST = 500
"""Commands that are settled in one transaction."""

PATIENCE = 5.0
"""Seconds that a command may wait before it is refused instead of decided late."""

_TICK = 1.0
"""Seconds between looks at the head row while nobody asks for anything."""

_LONGEST_PAUSE = 5.0
"""Seconds between attempts to reach a database that is gone."""


class Writer:
    """Owns the settler: every command of this process goes through its thread."""

    def __init__(
        self,
        settler: Settler,
        inbox: Inbox,
        announcer: Announcer,
        beat: Callable[[], None],
        meters: LedgerMeters,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread; `beat` is called each second, `monotonic` returns seconds."""
        self._settler = settler
        self._inbox = inbox
        self._announcer = announcer
        self._beat = beat
        self._meters = meters
        self._monotonic = monotonic
        self._problem: tuple[str, str] | None = None
        self._stopped: str | None = None
        self._pause = 0.0
        self._retry_at = 0.0
        self._next_tick = 0.0
        self._in_hand: list[Waiting] = []
        self._busy_since: float | None = None
        self._resting = False
        self._teller = Teller()
        self._thread = Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """What keeps the ledger from being written, in words for operators; None while it works."""
        if (waited := self._waited) > PATIENCE:
            return f"the ledger is not written: its database has kept it waiting for {waited:.0f} s"
        if self._problem is None:
            return self._stopped
        return f"the ledger cannot be written: {': '.join(self._problem)}"

    @property
    def _waited(self) -> float:
        """Seconds that the thread has been at what it took last."""
        return 0.0 if (since := self._busy_since) is None else time.monotonic() - since

    def seal_with(self, sealer: Sealer) -> None:
        """Seal the history with this from now on."""
        self._settler.seal_with(sealer)

    def used(self, bucket: str) -> Decimal:
        """Return what was lately taken of a limit, or more."""
        return self._settler.used(bucket)

    def is_mine(self, backend: int) -> bool:
        """Tell whether PostgreSQL's process `backend` serves this writer's connection."""
        return self._settler.is_mine(backend)

    @property
    def unsealed(self) -> str | None:
        """Why the history is sealed no more, None as long as it is."""
        return self._settler.unsealed

    def rest(self) -> None:
        """Let the connection be a new one as soon as nothing waits, which it is woken to see."""
        self._resting = True
        self._inbox.wake()

    def close(self) -> None:
        """Settle what waits, then end the thread."""
        self._inbox.close()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException:  # noqa: BLE001 (nobody may wait for a thread that is gone)
            _LOG.exception("the ledger's writer stopped; nothing is recorded until a restart")
            self._problem = ("its writer stopped", "a bug; see the log")
            self._inbox.close()
            left = [*self._in_hand, *self._inbox.take(sys.maxsize, 0)]
            self._refuse(left, "the ledger's writer stopped")
        finally:
            self._teller.tell_kept()
            self._settler.disconnect()

    def _serve(self) -> None:
        while True:
            self._busy_since = None
            self._in_hand = waiting = self._inbox.take(MOST, _TICK)
            self._busy_since = time.monotonic()
            self._tick(idle=not waiting)
            if waiting:
                self._work(waiting)
            elif self._inbox.finished:
                return

    def _tick(self, *, idle: bool) -> None:
        """Beat where a second has passed, and look at the head row where nothing waits.

        Where the ledger could not be written, a beat has to be before it can be again.
        """
        now = self._monotonic()
        due = now >= self._next_tick or self._problem is not None
        if not (due or idle) or (self._problem is not None and now < self._retry_at):
            return
        self._teller.tell_kept()
        try:
            if due:
                self._next_tick = now + _TICK
                self._beat()
            position, objection = self._settler.look()
            self._announcer.note(position)
            self._announcer.catch_up(position)
            self._object(objection)
            self._settler.seal(position)
            self._recovered()
            if self._resting and idle:
                self._resting = False
                self._settler.rest()
        except DATABASE_ERRORS as error:
            if not is_lost(error) or self._waited > PATIENCE:
                self._failed(error)
        except EventSourcingError:
            if self._stopped != UNREADABLE:
                _LOG.exception(UNREADABLE)
            self._stopped = UNREADABLE

    def _work(self, waiting: Sequence[Waiting]) -> None:
        heard = [each for each in waiting if not each.future.cancelled()]
        wanted = self._in_time(heard, NotRecorded)
        if self._problem is not None and self._monotonic() < self._retry_at:
            self._refuse(wanted, f"the ledger cannot be written: {self._problem[0]}", NotRecorded)
        elif wanted:
            self._settle(wanted)
        else:
            self._teller.tell_kept()

    def _in_time(
        self, waiting: Sequence[Waiting], as_kind: type[LedgerUnavailable] = LedgerUnavailable
    ) -> Sequence[Waiting]:
        """Refuse what has waited too long, and return the rest."""
        oldest = self._monotonic() - PATIENCE
        late = [each for each in waiting if each.since < oldest]
        if not late:
            return waiting
        self._refuse(late, "the ledger is busy", as_kind)
        return [each for each in waiting if each.since >= oldest]

    def _settle(self, waiting: Sequence[Waiting]) -> None:
        error = self._attempt(waiting, look_first=False)
        if error is None:
            return
        if isinstance(error, LedgerUnavailable):
            self._object(str(error))
            self._teller.tell([(each, LedgerUnavailable(str(error))) for each in waiting])
        elif is_down(error) and not is_lost(error):
            self._failed(error)
            self._refuse(waiting, f"the ledger cannot be written: {because(error)}")
        else:
            self._settle_again(waiting, error)

    def _settle_again(self, waiting: Sequence[Waiting], error: Exception) -> None:
        """Redo a batch that failed; a command that was recorded after all is found by its id.

        First all of it with what earlier sendings caused, then each command
        in a transaction of its own, so that a poisonous one fails alone.
        """
        _LOG.info("a batch of %s commands is settled again: %s", len(waiting), verbatim(error))
        if is_lost(error):
            self._settler.disconnect()
        waiting = self._in_time(waiting)
        if not waiting and is_down(error):
            self._failed(error)  # it was waited for as long as anybody may wait
        again = self._attempt(waiting, look_first=True) if waiting else None
        if again is None:
            return
        for index, each in enumerate(waiting):
            if is_down(again):
                self._failed(again)
                self._refuse(waiting[index:], f"the ledger cannot be written: {because(again)}")
                return
            again = self._settle_alone(each) or again
        if is_down(again):
            self._failed(again)

    def _settle_alone(self, waiting: Waiting) -> Exception | None:
        """Settle one command; return what is wrong with the database, if that is the reason."""
        error = self._attempt([waiting], look_first=True) if self._in_time([waiting]) else None
        if error is None:
            return None
        if is_down(error):
            self._refuse([waiting], f"the ledger cannot be written: {because(error)}")
            return error
        _LOG.warning("a command could not be recorded: %s", verbatim(error))
        self._teller.tell([(waiting, error)])
        return None

    def _attempt(self, waiting: Sequence[Waiting], *, look_first: bool) -> Exception | None:
        """Settle in one transaction and tell everybody; return what kept it from being recorded."""
        commands = [each.command for each in waiting]
        began = time.perf_counter()
        try:
            settled = self._settler.settle(commands, self._teller.tell_kept, look_first=look_first)
        except Exception as error:  # noqa: BLE001 (the writer's edge: whoever waits is told)
            self._settler.forget()
            return error
        finally:
            self._teller.tell_kept()  # where nothing was to be committed
        self._recovered()
        self._meters.settled(len(commands), time.perf_counter() - began)
        if settled.recorded:
            self._announcer.note(settled.recorded[-1].position)
        told = list(zip(waiting, settled.outcomes, strict=True))
        if self._settler.unshared and self._inbox.ready and not look_first:
            self._teller.keep(told)
        else:
            self._teller.tell(told)
        try:
            self._announcer.announce(settled.recorded)
        except SQLAlchemyError as error:
            _LOG.warning("events are handed on later, they are read again: %s", verbatim(error))
            if self._waited > PATIENCE:
                self._failed(error)
        except EventSourcingError:
            _LOG.exception("events could not be handed on; they are read again")
        return None

    def _object(self, objection: str | None) -> None:
        """Know why nothing may be decided, None where all may; say so where that is news."""
        if objection is not None and self._stopped is None:
            _LOG.error("nothing is decided: %s", objection)
        elif objection is None and self._stopped is not None:
            _LOG.warning("calls are decided again")
        self._stopped = objection

    def _recovered(self) -> None:
        if self._problem is not None:
            _LOG.warning("the ledger can be written again")
        self._problem = None
        self._pause = 0.0

    def _failed(self, error: BaseException) -> None:
        if self._problem is None:
            _LOG.error("the ledger cannot be written: %s", verbatim(error))
            if is_gone(error):
                self._settler.hang_up()
        if is_gone(error):
            self._settler.disconnect()
        else:
            self._settler.start_over()
        self._problem = (because(error), verbatim(error))
        self._pause = min(max(0.1, 2 * self._pause), _LONGEST_PAUSE)
        self._retry_at = self._monotonic() + self._pause

    def _refuse(
        self,
        waiting: Sequence[Waiting],
        reason: str,
        as_kind: type[LedgerUnavailable] = LedgerUnavailable,
    ) -> None:
        self._meters.refused(len(waiting))
        message = f"{reason}: nothing was let through, try again in a moment"
        self._teller.tell([(each, as_kind(message)) for each in waiting])
