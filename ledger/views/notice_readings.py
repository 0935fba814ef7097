"""Reads the messages that are kept, for whoever posts them."""

from sqlalchemy import Connection, select

from ledger.ledger import Ledger
from ledger.lives.notices import Notice
from ledger.storage.projections import read_models
from ledger.storage.tables import PROJECTIONS


async def notices_about(ledger: Ledger, about: str) -> dict[str, Notice]:
    """Return the messages about something, by id. Raises LedgerUnavailable."""
    table = PROJECTIONS["notice"]
    query = select(table.c.state).where(table.c.about == about)

    def read(connection: Connection) -> dict[str, Notice]:
        found = read_models(connection, "notice", query)
        return {notice.id: notice for notice in found if isinstance(notice, Notice)}

    return await ledger.look(read)


async def subjects_of_open_notices(ledger: Ledger) -> set[str]:
    """Return what messages are about that may have to be painted anew."""
    table = PROJECTIONS["notice"]
    query = select(table.c.about).where(table.c.open == 1)
    return await ledger.look(lambda connection: {about for (about,) in connection.execute(query)})
