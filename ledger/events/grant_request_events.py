"""What happens to requests for grants. Names and fields are for ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event
from ledger.events.evidence import Evidence


class GrantRequested(Event):
    """Somebody asks the owning teams to let their agent use tools; see GrantIssued for the terms.

    `lasting_seconds` count from the moment the grant is given.
    """

    TOPIC: ClassVar[str] = "GrantRequested"

    request: str
    agent: str
    target: str
    lasting_seconds: int
    uses: int | None
    when: str | None
    reason: str | None
    by: str
    teams: tuple[str, ...]
    expires_at: AwareDatetime
    evidence: Evidence | None


class GrantRequestAnswered(Event):
    """A request was answered: with the `grant` that was given, or None for a no."""

    TOPIC: ClassVar[str] = "GrantRequestAnswered"

    request: str
    grant: str | None
    by: str
    reason: str | None
    evidence: Evidence | None


class GrantRequestExpired(Event):
    """Nobody answered a request in time."""

    TOPIC: ClassVar[str] = "GrantRequestExpired"

    request: str
