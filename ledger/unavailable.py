"""The refusal of a ledger that cannot decide now."""

from policies.refusals import Refused


class LedgerUnavailable(Refused):
    """Nothing was recorded, or it cannot be known; the caller takes it as a no."""
