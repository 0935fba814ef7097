"""Says that nobody can decide on tools that are not known."""

from ledger.unavailable import NotRecorded
from policies.values.refusals import Refused


class NotLearned(Refused):
    """The server's tools are not known, so none of them can be decided on."""


class Unusable(NotLearned):
    """The server cannot be used as it is, however often it is asked."""


class NotNoted(NotLearned, NotRecorded):
    """The server has said its tools, but the ledger has not recorded them."""
