"""What happens to freezes. Names and fields are for ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event
from ledger.events.evidence import Evidence
from policies.deciding.freezes import Frozen


class FreezeBegun(Event):
    """A person stopped all calls of an agent, to a server, or all there are.

    `name` is empty where `over` is everything. It lasts until somebody else
    lifts it, or until `until`. `evidence` is None where the shell did it.
    """

    TOPIC: ClassVar[str] = "FreezeBegun"

    freeze: str
    over: Frozen
    name: str
    by: str
    reason: str | None
    until: AwareDatetime | None
    evidence: Evidence | None


class FreezeEnded(Event):
    """A freeze was lifted by a second person, or ended by itself: then `by` is None."""

    TOPIC: ClassVar[str] = "FreezeEnded"

    freeze: str
    by: str | None
    reason: str | None
    evidence: Evidence | None


class FreezeRefused(Event):
    """A person wanted to freeze something, or to lift the `freeze`, and was refused."""

    TOPIC: ClassVar[str] = "FreezeRefused"

    freeze: str | None
    over: Frozen
    name: str
    person: str
    because: str
    message: str
    evidence: Evidence | None
