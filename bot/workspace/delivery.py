"""How an interaction reaches the app, over whichever wire."""

from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Ack:
    """The app's acknowledgement; `payload` is what it said with it."""

    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unanswered(Exception):
    """No acknowledgement came, for a reason told to the person who acted."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Delivery(Protocol):
    """A wire to the app."""

    async def deliver(self, kind: str, payload: dict[str, Any], copies: int = 1) -> Ack:
        """Send a payload of `kind` (`interactive`, `slash_commands`, `events_api`) to the app.

        More `copies` than one reach the app as Slack's repetitions do; the first
        acknowledgement counts. Raises Unanswered.
        """
        ...
