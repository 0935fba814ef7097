"""The refusal of a ledger that cannot decide now."""

from policies.refusals import Refused


class LedgerUnavailable(Refused):
    """Nothing was recorded, or it cannot be known; the caller takes it as a no."""


class NotRecorded(LedgerUnavailable):
    """For certain nothing was recorded, so whoever has waited long already may try again."""
