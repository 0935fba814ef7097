"""What happens to delegations. Names and fields are for ever."""

from typing import ClassVar

from pydantic import AwareDatetime

from ledger.events.envelopes import Event
from ledger.events.evidence import Evidence


class DelegationGiven(Event):
    """An approver lets another person vote in their stead, for `teams`, from now until `until`.

    `evidence` is of the `giver`, `delegate_evidence` of the `delegate`.
    """

    TOPIC: ClassVar[str] = "DelegationGiven"

    delegation: str
    giver: str
    delegate: str
    teams: tuple[str, ...]
    until: AwareDatetime
    reason: str | None
    evidence: Evidence
    delegate_evidence: Evidence


class DelegationEnded(Event):
    """A delegation is over: `because` is `revoked`, by whom, or `expired`, then `by` is None."""

    TOPIC: ClassVar[str] = "DelegationEnded"

    delegation: str
    by: str | None
    because: str
