"""Tells the ledger's time, and stops deciding when clocks part."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND = timedelta(microseconds=1)

MOST_DIVERGENCE = timedelta(seconds=60)
"""How far wall and monotonic clock may part before nothing is decided any more."""

_AWAKE_OR_NOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""The clock that goes on while the machine sleeps: Linux has one besides, on macOS it is this."""


def micros(at: datetime) -> int:
    """Return `at` as microseconds since 1970 UTC."""
    return (at - EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Return the time in UTC that is `at` microseconds after 1970."""
    return EPOCH + at * _MICROSECOND


def elapsed() -> float:
    """Return seconds that only ever grow, those in which the machine slept among them.

    `time.monotonic` stands still meanwhile on Linux and macOS, so that the time
    of day would seem to have jumped whenever a laptop is opened again.
    """
    return time.clock_gettime(_AWAKE_OR_NOT)


class ClockGuard:
    """Compares the clock that decides with the monotonic one, from its first look on.

    A jump of 60 seconds or more, either way, trips it. It stays tripped until
    the process is started again: an operator looks at the clock first.
    """

    def __init__(self, monotonic: Callable[[], float] = elapsed) -> None:
        """Begin at the first `check`; `monotonic` returns seconds."""
        self._monotonic = monotonic
        self._lock = Lock()
        self._began: tuple[datetime, float] | None = None
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why nothing may be decided, in words; None while the clocks agree."""
        return self._reason

    def check(self, wall: datetime) -> str | None:
        """Compare `wall` (UTC, read just now) and return the reason to stop, if there is one."""
        now = self._monotonic()
        with self._lock:
            if self._began is None:
                self._began = (wall, now)
            if self._reason is None:
                began_wall, began = self._began
                drift = (wall - began_wall) - timedelta(seconds=now - began)
                if abs(drift) >= MOST_DIVERGENCE:
                    self._reason = _why(drift)
            return self._reason


def _why(drift: timedelta) -> str:
    seconds = round(abs(drift).total_seconds())
    way = "forward" if drift > timedelta(0) else "back"
    return (
        f"the clock jumped {seconds} s {way}: nothing is decided and nothing expires"
        " until it is right and Placet is started again"
    )
