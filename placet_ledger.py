"""Opens the ledger that is served."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from ledger.clock import MOST_DIVERGENCE
from ledger.ledger import Ledger
from ledger.shell import Misconfigured
from placet_service import Order
from placet_settings import ledger_url


async def served_ledger(order: Order, clock: Callable[[], datetime]) -> Ledger:
    """Open the ledger of an order; `clock` returns UTC, and must be right.

    The policy's conditions are weighed by it, and all that ends by the
    database's. Raises Misconfigured where the two are far apart, and
    LedgerUnavailable.
    """
    configuration = order.loaded.configuration
    ledger = await asyncio.to_thread(
        Ledger.open,
        ledger_url(configuration, order.config),
        now=clock,
        directory=configuration.directory(),
        reach=order.reach,
    )
    try:
        _compare(clock(), await ledger.now())
    except BaseException:
        await asyncio.to_thread(ledger.close)
        raise
    return ledger


def _compare(here: datetime, there: datetime) -> None:
    if abs(here - there) >= MOST_DIVERGENCE:
        seconds = round(abs(here - there).total_seconds())
        way = "ahead of" if here > there else "behind"
        raise Misconfigured(
            f"the clock here is {seconds} s {way} the database's: set the wrong one right,"
            " and start Placet again"
        )
