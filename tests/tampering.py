"""Changes a ledger behind its back, and seals it on the spot."""

import psycopg
from shelled import SIGNER
from sqlalchemy import create_engine, make_url, text

from ledger.storage.appending import Appender
from ledger.storage.databases import connect
from ledger.storage.statements import runner
from ledger.writing.sealing import Sealer


def tamper(url: str, statement: str, **values: object) -> None:
    """Change rows as somebody with the database's password can."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        address = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER TABLE ledger_event DISABLE TRIGGER USER")
    engine = create_engine(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_event_unchanged"))
            connection.execute(text("DROP TRIGGER IF EXISTS ledger_event_kept"))
        connection.execute(text(statement), values)
    engine.dispose()


def seal(url: str) -> None:
    """Seal all events of a ledger that nobody serves."""
    database = connect(url)
    appender = Appender(postgres=database.postgres)
    sealer = Sealer(SIGNER, postgres=database.postgres)
    with database.settling.connect() as connection:
        run = runner(connection)
        with run.transaction():
            head = appender.take_head(run)
            sealer.seal(run, head.position, head.at)
    database.close()
    assert sealer.problem is None
