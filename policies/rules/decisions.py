"""What the rules say of a call, and what that comes to with the grants in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from policies.values.calls import Risk


class Effect(StrEnum):
    """What may happen to a call."""

    ALLOW = "allow"
    REQUIRE_APPROVAL = "require_approval"
    DENY = "deny"

    __hash__ = str.__hash__  # Enum's own takes a call of Python


STRICTNESS = {Effect.ALLOW: 0, Effect.REQUIRE_APPROVAL: 1, Effect.DENY: 2}
"""How strict an effect is: the strictest of all that speak wins."""


@dataclass(frozen=True)
class Spoke:
    """A rule that covered a call: its name, JSON Pointer, effect and why it covered."""

    rule: str
    pointer: str
    effect: Effect
    because: str


@dataclass(frozen=True)
class Term:
    """How many of a team's approvers must say yes."""

    team: str
    approvals: int


@dataclass(frozen=True)
class Charge:
    """What one call adds to a limit that speaks of it, and what the limit says when it is full.

    `bucket` names what is counted together, `whose` tells a person for whom
    (empty where for all). `amount` is None where it cannot be told, for the
    reason in `obstacle`: the limit has no room for such a call. `term` and what
    follows say who is asked where the effect is require_approval.
    """

    limit: str
    pointer: str
    meter: str
    bucket: str
    whose: str
    sums: bool
    amount: Decimal | None
    obstacle: str
    at_most: Decimal
    within: timedelta
    effect: Effect
    term: Term
    reason_required: bool
    expires_in: timedelta
    use_within: timedelta
    message: str | None

    def adding(self, amount: Decimal | None, obstacle: str) -> "Charge":
        """Return what another call adds, as `replace` does in ten times the time."""
        changed = object.__new__(Charge)
        changed.__dict__.update(self.__dict__, amount=amount, obstacle=obstacle)
        return changed


class Usage(Protocol):
    """What calls have taken of limits, as of one moment."""

    def used(self, bucket: str, at: datetime) -> Decimal:
        """Return what is counted in `bucket` at `at` (UTC); its window goes with its name."""
        ...


@dataclass(frozen=True)
class GrantTerms:
    """What a grant asks of a call: a condition in CEL, and an amount in CEL that is added up."""

    when: str | None
    sum: str | None


@dataclass(frozen=True)
class GrantAnswer:
    """Whether a call meets the terms of a grant: what is against it, or what it would take."""

    against: str | None
    amount: Decimal | None = None


@dataclass(frozen=True)
class Assessment:
    """What the rules say of one call, before grants are looked at.

    `terms` has each team once, with the largest count that any covering rule
    asks of it, sorted by team; it is empty unless the effect is
    require_approval. `grantable` is False where a covering rule needs a
    reason, or where the policy's `grants.never` covers the call. `charges` are
    what the call adds to the limits that speak of it; whether these have room
    is seen when it is settled. `answers` say which terms of grants it meets, as
    far as somebody looked.
    """

    agent: str
    server: str
    tool: str
    effect: Effect
    spoke: tuple[Spoke, ...]
    terms: tuple[Term, ...]
    reason_required: bool
    expires_in: timedelta
    use_within: timedelta
    show_result: bool
    grantable: bool
    risk: Risk
    evidence: str
    message: str | None
    policy_digest: str
    charges: tuple[Charge, ...] = ()
    answers: tuple[tuple[GrantTerms, GrantAnswer], ...] = ()

    def charging(self, charges: tuple[Charge, ...]) -> "Assessment":
        """Return the assessment with `charges`, as `replace` does in ten times the time."""
        changed = object.__new__(Assessment)
        changed.__dict__.update(self.__dict__, charges=charges)
        return changed


@dataclass(frozen=True)
class LiveGrant:
    """A grant that may lift a call; the ledger hands in those that are not revoked.

    `target` is a glob `server/tool`. `standing` says, per team, how many of
    the people who gave it are approvers of that team now. `uses_left` is None
    where uses are not counted. `elsewhere` says that it is for the very
    arguments of one call, and that this is not known to be such a call. With
    `terms` it is for calls that meet them; `left` is what is left of its sum,
    None where nothing is summed.
    """

    id: str
    agent: str
    target: str
    until: datetime
    uses_left: int | None
    standing: Mapping[str, int]
    elsewhere: bool = False
    terms: GrantTerms | None = None
    left: Decimal | None = None


class Decision(NamedTuple):
    """An assessment settled with grants: the effect that holds, and the grant that lifted it."""

    effect: Effect
    assessment: Assessment
    grant: str | None
