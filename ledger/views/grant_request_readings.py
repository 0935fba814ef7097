"""Reads the requests for grants, for whoever answers them."""

from sqlalchemy import Connection, select

from ledger.ledger import Ledger
from ledger.lives.grant_requests import GrantRequest
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import PROJECTIONS


async def open_requests(ledger: Ledger) -> list[GrantRequest]:
    """Return the requests that wait for an answer, the oldest first. Raises LedgerUnavailable."""
    at = await ledger.now()
    table = PROJECTIONS["request"]
    query = select(table.c.state).where(table.c.open == 1)

    def read(connection: Connection) -> list[GrantRequest]:
        found = read_models(connection, "request", query)
        return [each for each in found if isinstance(each, GrantRequest) and at < each.expires_at]

    found = await ledger.look(read)
    return sorted(found, key=lambda request: (request.requested_at, request.id))


async def request_by_id(ledger: Ledger, name: str) -> GrantRequest | None:
    """Return a request by its id. Raises LedgerUnavailable."""
    found = await ledger.look(lambda connection: find_model(connection, "request", name))
    assert found is None or isinstance(found, GrantRequest), "a kind has one model"
    return found
