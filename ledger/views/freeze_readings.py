"""Reads the freezes that are kept, for whoever asks."""

from sqlalchemy import Connection, select

from ledger.ledger import Ledger
from ledger.lives.freezes import Freeze
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import PROJECTIONS


async def freezes_in_force(ledger: Ledger) -> list[Freeze]:
    """Return the freezes that hold now, the oldest first. Raises LedgerUnavailable."""
    at = await ledger.now()
    return [
        freeze
        for freeze in await ledger.look(lambda connection: freezes(connection, live=True))
        if freeze.until is None or at < freeze.until
    ]


async def freeze_of(ledger: Ledger, name: str) -> Freeze | None:
    """Return a freeze by its id, in force or ended. Raises LedgerUnavailable."""
    found = await ledger.look(lambda connection: find_model(connection, "freeze", name))
    assert found is None or isinstance(found, Freeze), "a kind has one model"
    return found


def freezes(connection: Connection, *, live: bool) -> list[Freeze]:
    """Return the freezes that nobody has lifted, or all freezes ever, the oldest first."""
    table = PROJECTIONS["freeze"]
    query = select(table.c.state).order_by(table.c.id)
    if live:
        query = query.where(table.c.open == 1)
    found = [each for each in read_models(connection, "freeze", query) if isinstance(each, Freeze)]
    return sorted(found, key=lambda freeze: (freeze.begun_at, freeze.id))
