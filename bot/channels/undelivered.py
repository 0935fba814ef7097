"""Knows which pending approvals have no card because Slack would not take one."""

from collections.abc import Callable, Sequence

from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardUndeliverable,
)
from ledger.events.envelopes import Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalVoided,
)
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus

_NAMED = 20


class Undelivered:
    """Follows the ledger, in every process, whoever the courier is."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._errors: dict[tuple[str, str], str] = {}
        self._leave: Callable[[], None] | None = None

    async def start(self) -> None:
        """Begin to follow, and read what there is. Raises LedgerUnavailable."""
        self._leave = self._ledger.observe(self._heard, plain_calls=False)
        for approval in await self._ledger.approvals(ApprovalStatus.PENDING, limit=10_000):
            for team, error in approval.undeliverable.items():
                self._errors[approval.id, team] = error

    def close(self) -> None:
        """Stop following."""
        if self._leave is not None:
            self._leave()

    def problems(self) -> list[str]:
        """Return a line per approval and team that Slack would not take a card for, 20 of them.

        The others are counted.
        """
        lines = [
            f"approval {approval} is undeliverable to team {team}: {error}"
            for (approval, team), error in sorted(self._errors.items())
        ]
        more = len(lines) - _NAMED
        return [*lines[:_NAMED], f"{more} more approvals are undeliverable"] if more > 0 else lines

    def _heard(self, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            match one.event:
                case CardUndeliverable() as event:
                    self._errors[event.approval, event.team] = event.error
                case CardPosted() | CardFound() as event:
                    self._errors.pop((event.approval, event.team), None)
                case (
                    ApprovalGiven()
                    | ApprovalDenied()
                    | ApprovalExpired()
                    | ApprovalCancelled()
                    | ApprovalVoided()
                ) as event:
                    for key in [key for key in self._errors if key[0] == event.approval]:
                        del self._errors[key]
                case _:
                    pass
