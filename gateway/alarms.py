"""Rings many alarms by one timer of the event loop."""

import asyncio
import math
from abc import ABC, abstractmethod
from bisect import bisect_left, insort

_ROUNDING = 0.0005
"""Seconds that a timer may come too early: uvloop rounds them to whole milliseconds."""


class Alarm(ABC):
    """What rings once it is `due`, a time of the event loop, unless it is cancelled before.

    Thousands may be set, for hours: a timer of its own is ten times what this is.
    """

    __slots__ = ("due",)

    def __init__(self) -> None:
        """Be due never."""
        self.due = math.inf

    @abstractmethod
    def ring(self) -> None:
        """Do what it was set for."""


class Alarms:
    """The alarms that are set; none rings before its time."""

    def __init__(self) -> None:
        """Start with none."""
        self._set: list[Alarm] = []
        self._timer: asyncio.TimerHandle | None = None

    def set(self, alarm: Alarm, due: float) -> None:
        """Have an alarm ring, at the time `due` of the event loop; one that is set stays so."""
        if self._place(alarm) is not None:
            return
        alarm.due = due
        insort(self._set, alarm, key=_order)
        if self._set[0] is alarm:
            self._wait()

    def cancel(self, alarm: Alarm) -> None:
        """Have an alarm not ring, if it is set."""
        place = self._place(alarm)
        if place is not None:
            del self._set[place]
            if not self._set:
                self._wait()

    def _place(self, alarm: Alarm) -> int | None:
        place = bisect_left(self._set, _order(alarm), key=_order)
        return place if place < len(self._set) and self._set[place] is alarm else None

    def _wait(self) -> None:
        """Wait for the alarm that is due next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._set:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._set[0].due + _ROUNDING, self._ring)

    def _ring(self) -> None:
        now = asyncio.get_running_loop().time()
        try:
            while self._set and self._set[0].due <= now:
                self._set.pop(0).ring()
        finally:
            self._wait()


def _order(alarm: Alarm) -> tuple[float, int]:
    return alarm.due, id(alarm)
