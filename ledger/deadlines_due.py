"""The commands that a deadline sends when it comes."""

from dataclasses import dataclass

from ledger.envelopes import Command


@dataclass(frozen=True, kw_only=True)
class ExpireApproval(Command):
    """End an approval whose time has come: expired while pending, lapsed while approved."""

    approval: str


@dataclass(frozen=True, kw_only=True)
class ExpireGrant(Command):
    """End a grant whose time has come."""

    grant: str
