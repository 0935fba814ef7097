"""Says why nothing may be decided now, where the ledger itself is not to be trusted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ledger.clock import MOST_DIVERGENCE, ClockGuard, moment
from ledger.storage.appending import Head
from ledger.storage.databases import Database

UNREADABLE = "the ledger holds what this Placet cannot read: run the newer one that wrote it"

_MISPLACED = "the ledger's file was moved or replaced: put it back, or restart Placet"

_LOGLESS = (
    "SQLite's files beside the ledger's (`-wal`, `-shm`) were moved or deleted, so what is recorded"
    " could be lost: stop Placet, which saves it, start it again, and run `placet audit verify`"
)

_LOST = "the database has lost what was acknowledged; find out what, then start Placet again"

_SHORTER = "the history ends at position {now}, and had reached {before}: {lost}"

_ANOTHER = "another event is at position {before} than was there: {lost}"


class Objections:
    """What stands against deciding anything; used by the thread that decides.

    Conditions of a policy that look at the time are weighed by the process's
    own clock, which is watched as well where the database's counts.
    """

    def __init__(
        self, database: Database, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        """Begin with none; `now` returns UTC by the process's clock, `monotonic` seconds."""
        self._database = database
        self._now = now
        self._guard = ClockGuard(monotonic)
        self._own_guard = ClockGuard(monotonic)
        self.newest = 0
        self._newest_at: int | None = None
        self.unreadable = False

    def now(self, head: Head) -> datetime:
        """Return the time that counts, in UTC: the database's where it told it with the head."""
        return self._now() if head.now is None else moment(head.now)

    def reached(self, position: int, at: int) -> None:
        """Know that the history reaches to the event at `position`, of the time `at`, for good."""
        self.newest = position
        self._newest_at = at

    def learned(self, head: Head) -> None:
        """Know the last event that was looked at with `head`, as others may have recorded it."""
        if head.last_at is not None:
            self.reached(head.position, head.last_at)

    def to(self, head: Head, now: datetime) -> str | None:
        """Say why nothing may be decided after `head`, which was read at `now`; None where all may.

        `head` was read with what is known of `newest`. That is for good where the
        history went back, also where another process has brought it on since: who
        has heard of what is gone cannot tell what is true.
        """
        if self.unreadable:
            return UNREADABLE
        if self._database.misplaced:
            return _MISPLACED
        if self._database.logless:
            return _LOGLESS
        if head.position < self.newest:
            return _SHORTER.format(now=head.position, before=self.newest, lost=_LOST)
        if head.known_at != self._newest_at:
            return _ANOTHER.format(before=self.newest, lost=_LOST)
        self.learned(head)
        behind = moment(head.at) - now
        if behind >= MOST_DIVERGENCE:
            seconds = round(behind / timedelta(seconds=1))
            return f"the clock is {seconds} s behind the ledger's last event; set it right"
        own = self._own_guard.check(self._now()) if head.now is not None else None
        return self._guard.check(now) or own
