"""Knows which version of the schema a ledger has, and says which ones this Placet can use."""

from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, inspect, select

from ledger.unavailable import LedgerUnavailable

SCHEMA = Table(
    "ledger_schema",
    MetaData(),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)


def version_of(connection: Connection) -> int | None:
    """Return the version of the schema, None where there is no ledger yet."""
    if not inspect(connection).has_table(SCHEMA.name):
        return None
    return int(connection.execute(select(SCHEMA.c.version)).scalar_one())


def check_not_newer(version: int, known: int) -> None:
    """Raise LedgerUnavailable where a newer Placet has moved the schema on."""
    if version > known:
        raise LedgerUnavailable(
            f"the ledger has schema {version}, this Placet knows {known}: run the newer Placet"
        )


def check_readable(version: int | None, known: int, where: str) -> None:
    """Raise LedgerUnavailable where the ledger `where` cannot be read as it is."""
    if version is None:
        raise LedgerUnavailable(
            f"`{where}` holds no ledger: look at `ledger.url`; `placet serve` begins one"
        )
    check_not_newer(version, known)
    if version < known:
        raise LedgerUnavailable(
            f"`{where}` has schema {version}, this Placet reads {known}: read it with the Placet"
            " that wrote it, or start `placet serve` of this one, which moves it on"
        )
