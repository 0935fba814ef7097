"""Keeps what is sent to Slack within its published rates, and in the order of asking."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from slack_sdk.errors import SlackClientError

from bot.slack.published_rates import BURSTS, PER_MINUTE, POST, POSTS_APART

POSTS_A_MINUTE = 240
"""Messages to all channels together; Slack says "several hundred" and no number."""

_MINUTE = 60.0
_ROOM = 0.9
"""The part of a published rate that is used: a request may reach Slack a little late."""

_LATE = 3.0
"""Seconds after its turn for which a place in a line is kept."""


class TooSoon(SlackClientError):
    """A request was not sent, as Slack's rate has no room for it; `wait` is seconds."""

    def __init__(self, wait: float) -> None:
        """Keep the wait beside the message."""
        super().__init__("Slack takes no more requests of this kind for a moment")
        self.wait = wait


@dataclass(slots=True)
class _Place:
    """A place in a line: by urgency, then by arrival; `until` is when it is given away."""

    rank: tuple[bool, int]
    until: float


@dataclass
class _Window:
    """At most `calls.maxlen` calls in `within` seconds, and a line of those who wait.

    `flying` counts the calls that Slack has not answered yet: nobody knows
    when they arrive there.
    """

    within: float
    calls: deque[float]
    closed_until: float = 0.0
    flying: int = 0
    line: dict[str, _Place] = field(default_factory=dict)

    def open_at(self, ahead: int) -> float:
        """Return when a call may be made that has so many others before it."""
        most = self.calls.maxlen or 1
        opens = self.closed_until + self.within * (ahead // most)
        rounds, rest = divmod(len(self.calls) + ahead - most, most)
        if rounds < 0 or not self.calls:
            return opens
        freed = self.calls[min(rest, len(self.calls) - 1)]
        return max(freed + self.within * (rounds + 1), opens)


@dataclass
class _Drip:
    """A call each `apart` seconds in the long run, and `burst` of them at once."""

    apart: float
    burst: int
    paid_until: float = float("-inf")

    def wait(self, now: float) -> float:
        """Return 0.0 and count a call, or the seconds until the next may be made."""
        paid = max(self.paid_until, now)
        early = paid - now - self.apart * (self.burst - 1)
        if early > 0:
            return early
        self.paid_until = paid + self.apart
        return 0.0

    def close(self, until: float) -> None:
        """Let nothing through before `until`."""
        self.paid_until = max(self.paid_until, until + self.apart * (self.burst - 1))


class Rates:
    """Says when a method may be called; one for all that a process sends to a workspace.

    `clock` returns seconds that never go back. With `hurry` all is so many
    times faster than Slack allows, which only a test wants.
    """

    def __init__(self, clock: Callable[[], float], hurry: float = 1.0) -> None:
        """Begin as if nothing was sent for a minute."""
        self._clock = clock
        self._hurry = hurry
        self._windows: dict[tuple[str, str], _Window] = {}
        self._drips = {
            method: _Drip(_MINUTE / PER_MINUTE[method] / hurry, burst)
            for method, burst in BURSTS.items()
        }
        self._arrivals = 0

    def wait(self, method: str, channel: str = "", who: str = "", *, later: bool = False) -> float:
        """Return 0.0 and count a call, or the seconds until `who` should ask again.

        Whoever has to wait keeps a place in the line, if it has a name; what
        can come `later` lets all others pass.
        """
        now = self._clock()
        if method in self._drips:
            return self._drips[method].wait(now)
        windows = self._of(method, channel)
        at = max((self._turn(window, who, now, later=later) for window in windows), default=now)
        if at > now:
            return at - now
        for window in windows:
            window.line.pop(who, None)
            window.calls.append(now)
            window.flying += 1
        return 0.0

    def leave(self, who: str) -> None:
        """Give away the places of `who`, which has nothing to send any more."""
        for window in self._windows.values():
            window.line.pop(who, None)

    def answered(self, method: str, channel: str = "") -> None:
        """Note that Slack has answered a call: what comes next is counted from here."""
        for window in self._of(method, channel):
            window.flying -= 1
            if window.calls:
                window.calls[-1] = self._clock()

    def close(self, method: str, channel: str, seconds: float) -> None:
        """Let nothing through for some seconds: Slack has asked for that."""
        if method in self._drips:
            self._drips[method].close(self._clock() + seconds)
        for window in self._of(method, channel)[:1]:
            window.closed_until = max(window.closed_until, self._clock() + seconds)

    def _of(self, method: str, channel: str) -> list[_Window]:
        """Return the windows that a call has to pass, that which Slack may close first."""
        if method == POST:
            most = int(POSTS_A_MINUTE * _ROOM)
            return [
                self._window((method, channel), 1, POSTS_APART),
                self._window((method, ""), most, _MINUTE),
            ]
        allowed = PER_MINUTE.get(method)
        if allowed is None or method in BURSTS:
            return []
        return [self._window((method, ""), int(allowed * _ROOM), _MINUTE)]

    def _window(self, key: tuple[str, str], most: int, within: float) -> _Window:
        if key not in self._windows:
            self._windows[key] = _Window(within / self._hurry, deque(maxlen=most))
        return self._windows[key]

    def _turn(self, window: _Window, who: str, now: float, *, later: bool) -> float:
        """Return when it is the turn of `who`, and keep its place until then."""
        for name in [name for name, place in window.line.items() if place.until < now]:
            del window.line[name]
        self._arrivals += 1
        mine = window.line.get(who) or _Place((later, self._arrivals), 0.0)
        ahead = sum(place.rank < mine.rank for place in window.line.values())
        at = window.open_at(ahead)
        if window.flying and window.calls.maxlen == 1:
            at = max(at, now + window.within)
        if who:
            mine.until = max(at, now) + _LATE
            window.line[who] = mine
        return at
