"""What happens when somebody breaks the glass: approves alone, in an emergency.

Names and fields are for ever.
"""

from typing import ClassVar

from ledger.events.envelopes import Event
from ledger.events.events import ApprovalTerm
from ledger.events.evidence import Evidence


class BreakGlassUsed(Event):
    """One person approved a call without the votes that were asked for.

    `missing` is how many votes of each team were left out, `skipped` the
    approvers whom the configuration names and who had not voted. It stays to
    be looked at until somebody else signs it off. `channel`, `ts` and
    `revision` name the card that stood there.
    """

    TOPIC: ClassVar[str] = "BreakGlassUsed"

    glass: str
    approval: str
    agent: str
    server: str
    tool: str
    by: str
    reason: str
    missing: tuple[ApprovalTerm, ...]
    skipped: tuple[str, ...]
    channel: str
    ts: str
    revision: int
    evidence: Evidence


class BreakGlassReviewed(Event):
    """A second person looked at a broken glass afterwards and signed it off."""

    TOPIC: ClassVar[str] = "BreakGlassReviewed"

    glass: str
    approval: str
    by: str
    note: str | None
    evidence: Evidence | None


class BreakGlassRefused(Event):
    """A person wanted to break the glass, or to sign it off (`signing`), and was refused."""

    TOPIC: ClassVar[str] = "BreakGlassRefused"

    approval: str
    person: str
    signing: bool
    because: str
    message: str
    evidence: Evidence | None
