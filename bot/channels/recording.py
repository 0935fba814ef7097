"""Records what has happened in Slack, however long the ledger is away."""

import asyncio
import logging

from ledger.events.envelopes import Command
from ledger.ledger import Ledger
from ledger.unavailable import LedgerUnavailable

ACTOR = "placet:courier"
"""Who delivers, in the ledger's words."""

_AGAIN = 0.5
_LOG = logging.getLogger(__name__)


async def record(ledger: Ledger, command: Command) -> None:
    """Record a delivery, trying until the ledger takes it.

    INVARIANT: what Slack has taken is never sent again because the ledger was away.
    """
    while True:
        try:
            await ledger.execute(command)
        except LedgerUnavailable as away:
            _LOG.warning("a delivery is not recorded yet: %s", away)
            await asyncio.sleep(_AGAIN)
        else:
            return
