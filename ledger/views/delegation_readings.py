"""Reads the delegations that are kept, for whoever asks."""

from sqlalchemy import Connection, select

from ledger.ledger import Ledger
from ledger.lives.delegations import Delegation
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import PROJECTIONS


async def delegations_in_force(ledger: Ledger) -> list[Delegation]:
    """Return the delegations that hold now, the oldest first. Raises LedgerUnavailable."""
    at = await ledger.now()
    table = PROJECTIONS["delegation"]
    query = select(table.c.state).where(table.c.open == 1)

    def read(connection: Connection) -> list[Delegation]:
        found = read_models(connection, "delegation", query)
        return [each for each in found if isinstance(each, Delegation) and each.holds(at)]

    found = await ledger.look(read)
    return sorted(found, key=lambda each: (each.given_at, each.id))


async def delegation_of(ledger: Ledger, name: str) -> Delegation | None:
    """Return a delegation by its id, in force or ended. Raises LedgerUnavailable."""
    found = await ledger.look(lambda connection: find_model(connection, "delegation", name))
    assert found is None or isinstance(found, Delegation), "a kind has one model"
    return found
