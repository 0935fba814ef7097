"""The refusal of a ledger that cannot decide now."""

from policies.values.refusals import Refused


class LedgerUnavailable(Refused):
    """Nothing was recorded, or it cannot be known; the caller takes it as a no."""


class Altered(LedgerUnavailable):
    """The ledger is there, and what it holds was changed so that nothing can be told of it."""


class NotRecorded(LedgerUnavailable):
    """For certain nothing was recorded, so whoever has waited long already may try again."""
