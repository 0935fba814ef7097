"""What the writer may ask about what became of calls before."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from ledger.events.envelopes import Recorded
from ledger.events.events import CallDecided


class Past(Protocol):
    """What happened before, as far as it is kept."""

    def since(self, moment: datetime) -> Iterable[Recorded]:
        """Return what was recorded of calls that ran from `moment` on, in order."""
        ...

    def decision(self, call: str) -> CallDecided | None:
        """Return how a call was decided, None where that is not kept."""
        ...

    def of_unknown_outcome(self, digests: Iterable[str]) -> str | None:
        """Return the newest call bound to one of these digests that may have run, or None."""
        ...

    def redacted(self, approval: str, after: int) -> bool:
        """Tell whether an event that names an approval was redacted after position `after`."""
        ...


class NoPast:
    """A past of which nothing is kept."""

    def since(self, moment: datetime) -> Iterable[Recorded]:
        """Return nothing."""
        del moment
        return ()

    def decision(self, call: str) -> CallDecided | None:
        """Return nothing."""
        del call
        return None

    def of_unknown_outcome(self, digests: Iterable[str]) -> str | None:
        """Return nothing."""
        del digests
        return None

    def redacted(self, approval: str, after: int) -> bool:
        """Return False."""
        del approval, after
        return False
