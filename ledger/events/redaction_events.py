"""What happens to the history itself: a content is taken out of it for good. Names are for ever."""

import hashlib
from typing import ClassVar

from ledger.events.envelopes import Event


class EventRedacted(Event):
    """The content of the event at `redacted` was taken away for good; its place is proven still.

    `event` names its kind, `fields` what of it is gone. `kept` is the SHA-256
    of the state that is left, so that nothing else can be put there. `approval`,
    `call` and `grant` are those that the event belongs to.
    """

    TOPIC: ClassVar[str] = "EventRedacted"

    redacted: int
    event: str
    fields: tuple[str, ...]
    because: str
    kept: str
    approval: str | None = None
    call: str | None = None
    grant: str | None = None


def kept_hash(state: bytes) -> str:
    """Return how EventRedacted names the state that is left."""
    return hashlib.sha256(state).hexdigest()
