"""Reads the glasses that were broken, for whoever looks at them afterwards."""

from sqlalchemy import Connection, select

from ledger.ledger import Ledger
from ledger.lives.glasses import Glass
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import PROJECTIONS


async def open_glasses(ledger: Ledger) -> list[Glass]:
    """Return what nobody has signed off yet, the oldest first. Raises LedgerUnavailable."""
    return await ledger.look(after_reviews)


async def glass_by_id(ledger: Ledger, name: str) -> Glass | None:
    """Return a broken glass by its id. Raises LedgerUnavailable."""
    found = await ledger.look(lambda connection: find_model(connection, "glass", name))
    assert found is None or isinstance(found, Glass), "a kind has one model"
    return found


def after_reviews(connection: Connection) -> list[Glass]:
    """Return what nobody has signed off yet, the oldest first."""
    table = PROJECTIONS["glass"]
    query = select(table.c.state).where(table.c.open == 1)
    found = [each for each in read_models(connection, "glass", query) if isinstance(each, Glass)]
    return sorted(found, key=lambda glass: (glass.broken_at, glass.id))
