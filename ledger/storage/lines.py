"""Makes the connections to PostgreSQL, and knows them, so that none is waited for in vain."""

import importlib
from threading import Lock, get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import URL, Engine, create_engine, event

if TYPE_CHECKING:
    from ledger.storage.patient_connection import PatientConnection

_POSTGRES = (
    "SET application_name = 'placet'",
    "SET timezone = 'UTC'",
    "SET datestyle = 'ISO'",
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '10s'",
    """
SELECT set_config('synchronous_commit', 'on', false)
 WHERE current_setting('synchronous_commit') = 'off'
""",
)
"""A process that hangs while it holds the head row loses it; what was acknowledged is on disk."""

_DRIVEN = "ledger.storage.patient_connection"
"""The module that loads the driver: 10 MiB that SQLite does without."""

PATIENCE = 10.0
"""Seconds for which a thread in a hurry waits: PostgreSQL waits for a lock for half of that."""

_ARGUMENTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "tcp_user_timeout": 10_000,
    "client_encoding": "utf8",  # whatever the database's own is, or the role's
}


class Lines:
    """The connections that were made and are still there; any thread may ask."""

    def __init__(self) -> None:
        """Begin with none."""
        self._made: WeakSet[PatientConnection] = WeakSet()
        self._hurried: dict[int, float] = {}
        self._lock = Lock()

    def engines(self, url: URL, readers: int) -> tuple[Engine, Engine]:
        """Return what writes to the database at `url`, and what reads from it."""
        arguments = {key: value for key, value in _ARGUMENTS.items() if key not in url.query}
        writing = create_engine(
            url,
            connect_args=arguments,
            pool_size=2,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
        )
        reading = create_engine(
            url,
            connect_args=arguments,
            pool_size=readers,
            pool_pre_ping=True,
            isolation_level="AUTOCOMMIT",
        )

        def made(_dialect: Any, _record: Any, given: list[Any], options: dict[str, Any]) -> Any:
            return self.connect(*given, **options)

        for engine in (writing, reading):
            event.listen(engine, "do_connect", made)
            event.listen(engine, "connect", _prepare)
        return writing, reading

    def connect(self, *arguments: Any, **options: Any) -> "PatientConnection":
        """Connect as the driver does. Raises what it raises."""
        module = importlib.import_module(_DRIVEN)
        made: PatientConnection = module.PatientConnection.connect(*arguments, **options)
        made.hurried = self._hurried
        with self._lock:
            self._made.add(made)
        return made

    def hurry(self) -> None:
        """Let this thread wait for an answer no longer than callers can, on any of them."""
        self._hurried[get_ident()] = PATIENCE

    def hang_up(self) -> None:
        """Have all who wait for an answer find their connection lost."""
        with self._lock:
            made = list(self._made)
        for each in made:
            each.hang_up()


def _prepare(connection: Any, _: object) -> None:
    before = connection.autocommit
    connection.autocommit = True
    for statement in _POSTGRES:
        connection.execute(statement)
    connection.autocommit = before
