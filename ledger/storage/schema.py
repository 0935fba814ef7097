"""Makes the ledger's tables and moves them forward; never backward."""

from sqlalchemy import Connection, insert, update
from sqlalchemy.schema import CreateTable

from ledger.storage.redaction_guards import let_redact
from ledger.storage.schema_version import SCHEMA, check_not_newer, check_readable, version_of
from ledger.storage.standing_tables import (
    with_delegations,
    with_freezes,
    with_glasses,
    with_notices,
    with_requests,
)
from ledger.storage.story_index import without_own_streams
from ledger.unavailable import LedgerUnavailable

_LOCK = 5_785_213_091_127_411_059
"""The advisory lock that starting processes take in turn; any number, for ever this one."""

_ENCODINGS = frozenset({"UTF8", "SQL_ASCII"})
"""Those of PostgreSQL that hold every text; the second one takes bytes as they come."""

_TABLES = """
CREATE TABLE ledger_event (
  position {serial} PRIMARY KEY,
  stream TEXT NOT NULL,
  version BIGINT NOT NULL,
  type TEXT NOT NULL,
  state {bytes} NOT NULL,
  salt {bytes} NOT NULL,
  at BIGINT NOT NULL,
  actor TEXT NOT NULL,
  command_id TEXT,
  command_ordinal BIGINT,
  correlation_id TEXT NOT NULL,
  causation_id TEXT NOT NULL,
  leaf_hash {bytes} NOT NULL
);
CREATE UNIQUE INDEX ledger_event_stream ON ledger_event (stream, version);
CREATE UNIQUE INDEX ledger_event_command ON ledger_event (command_id, command_ordinal)
  WHERE command_id IS NOT NULL;
CREATE INDEX ledger_event_correlation ON ledger_event (correlation_id, position);
CREATE TABLE ledger_head (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  position BIGINT NOT NULL,
  at BIGINT NOT NULL
) {narrow};
INSERT INTO ledger_head (id, position, at) VALUES (1, 0, 0);
CREATE TABLE ledger_tracking (application TEXT PRIMARY KEY, position BIGINT NOT NULL);
CREATE TABLE ledger_instance (
  id TEXT PRIMARY KEY, started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL
);
CREATE TABLE ledger_lease (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE projected_approval (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  status TEXT, agent TEXT, server TEXT, tool TEXT, digest TEXT, requested_at BIGINT, deadline BIGINT
);
CREATE INDEX projected_approval_status ON projected_approval (status, requested_at);
CREATE INDEX projected_approval_requested ON projected_approval (requested_at);
CREATE INDEX projected_approval_deadline ON projected_approval (deadline)
  WHERE deadline IS NOT NULL;
CREATE INDEX projected_approval_open ON projected_approval (id) WHERE open = 1;
CREATE TABLE projected_grant (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  status TEXT, agent TEXT, deadline BIGINT
);
CREATE INDEX projected_grant_deadline ON projected_grant (deadline) WHERE deadline IS NOT NULL;
CREATE INDEX projected_grant_open ON projected_grant (id) WHERE open = 1;
CREATE TABLE projected_call (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  status TEXT, agent TEXT, server TEXT, tool TEXT, instance TEXT, approval TEXT, decided_at BIGINT
);
CREATE INDEX projected_call_open ON projected_call (instance) WHERE open = 1;
CREATE TABLE projected_agent (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  status TEXT
);
CREATE TABLE projected_tool (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  server TEXT, hash TEXT
);
CREATE INDEX projected_tool_server ON projected_tool (server);
CREATE TABLE projected_policy (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  digest TEXT
)
"""

_TASKS = """
CREATE TABLE transient_task (
  id TEXT PRIMARY KEY, principal TEXT NOT NULL, server TEXT NOT NULL,
  approval TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
  request {bytes}, result {bytes}, cancelled BIGINT NOT NULL
);
CREATE INDEX transient_task_principal ON transient_task (principal);
CREATE INDEX transient_task_expiry ON transient_task (expires_at);
CREATE TABLE transient_handle (
  server TEXT NOT NULL, name TEXT NOT NULL, principal TEXT NOT NULL, expires_at BIGINT NOT NULL,
  PRIMARY KEY (server, name)
);
CREATE INDEX transient_handle_principal ON transient_handle (server, principal);
CREATE INDEX transient_handle_expiry ON transient_handle (expires_at)
"""

_SQLITE_GUARDS = (
    """
CREATE TRIGGER ledger_event_unchanged BEFORE UPDATE ON ledger_event
BEGIN SELECT RAISE(ABORT, 'the history is never changed'); END
""",
    """
CREATE TRIGGER ledger_event_kept BEFORE DELETE ON ledger_event
BEGIN SELECT RAISE(ABORT, 'the history is never changed'); END
""",
)

_POSTGRES_GUARDS = (
    """
CREATE FUNCTION ledger_event_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is never changed'; END $$
""",
    """
CREATE TRIGGER ledger_event_unchanged BEFORE UPDATE OR DELETE ON ledger_event
FOR EACH ROW EXECUTE FUNCTION ledger_event_refuse()
""",
    """
CREATE TRIGGER ledger_event_kept BEFORE TRUNCATE ON ledger_event
FOR EACH STATEMENT EXECUTE FUNCTION ledger_event_refuse()
""",
)


def _first(connection: Connection) -> None:
    postgres = connection.dialect.name == "postgresql"
    words = {
        "serial": "BIGINT" if postgres else "INTEGER",
        "bytes": "BYTEA" if postgres else "BLOB",
        "narrow": "WITH (fillfactor = 10)" if postgres else "",
    }
    statements = _TABLES.format_map(words).split(";\n")
    for statement in (*statements, *(_POSTGRES_GUARDS if postgres else _SQLITE_GUARDS)):
        connection.exec_driver_sql(statement)


def _with_tasks(connection: Connection) -> None:
    postgres = connection.dialect.name == "postgresql"
    for statement in _TASKS.format(bytes="BYTEA" if postgres else "BLOB").split(";\n"):
        connection.exec_driver_sql(statement)


_REVIEWS = """
CREATE TABLE projected_review (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  server TEXT
);
CREATE INDEX projected_review_server ON projected_review (server);
CREATE INDEX projected_review_open ON projected_review (id) WHERE open = 1
"""


def _with_reviews(connection: Connection) -> None:
    for statement in _REVIEWS.split(";\n"):
        connection.exec_driver_sql(statement)


def _with_reports(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE projected_call ADD COLUMN deadline BIGINT")
    connection.exec_driver_sql(
        "CREATE INDEX projected_call_deadline ON projected_call (deadline)"
        " WHERE deadline IS NOT NULL"
    )


_SERVERS = """
CREATE TABLE projected_server (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL
)
"""


def _with_servers(connection: Connection) -> None:
    connection.exec_driver_sql(_SERVERS)


_CHECKPOINTS = """
CREATE TABLE ledger_checkpoint (
  size {serial} PRIMARY KEY, at BIGINT NOT NULL, frontier {bytes} NOT NULL, note TEXT NOT NULL
);
CREATE TABLE ledger_subtree (
  level BIGINT NOT NULL, number BIGINT NOT NULL, hash {bytes} NOT NULL,
  PRIMARY KEY (level, number)
)
"""


def _with_checkpoints(connection: Connection) -> None:
    postgres = connection.dialect.name == "postgresql"
    words = {
        "serial": "BIGINT" if postgres else "INTEGER",
        "bytes": "BYTEA" if postgres else "BLOB",
    }
    for statement in _CHECKPOINTS.format_map(words).split(";\n"):
        connection.exec_driver_sql(statement)


_METERS = """
CREATE TABLE projected_meter (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL
)
"""


def _with_meters(connection: Connection) -> None:
    connection.exec_driver_sql(_METERS)


def _with_charges(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE projected_call ADD COLUMN charged_until BIGINT")
    connection.exec_driver_sql(
        "CREATE INDEX projected_call_charged ON projected_call (charged_until)"
        " WHERE charged_until IS NOT NULL"
    )


MIGRATIONS = (
    _first,
    _with_tasks,
    _with_reviews,
    _with_reports,
    _with_servers,
    _with_checkpoints,
    let_redact,
    with_freezes,
    with_notices,
    _with_charges,
    with_glasses,
    with_requests,
    _with_meters,
    with_delegations,
    without_own_streams,
)
"""What brings the schema from version n to n + 1, in order; only ever added to."""


def migrate(connection: Connection) -> None:
    """Bring the schema to the newest version, within the transaction of `connection`.

    Processes that start together take turns: under an advisory lock on
    PostgreSQL, under the write lock on SQLite. Raises LedgerUnavailable where
    a newer Placet has moved the schema on.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    version = version_of(connection)
    if version is None:
        _check_encoding(connection)
        connection.execute(CreateTable(SCHEMA))
        connection.execute(insert(SCHEMA).values(id=1, version=0))
        version = 0
    check_not_newer(version, len(MIGRATIONS))
    if version == len(MIGRATIONS):
        return
    for migration in MIGRATIONS[version:]:
        migration(connection)
    connection.execute(update(SCHEMA).values(version=len(MIGRATIONS)))


def _check_encoding(connection: Connection) -> None:
    """Raise LedgerUnavailable where the database cannot hold every text."""
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding not in _ENCODINGS:
        raise LedgerUnavailable(
            f"the database has the encoding {encoding}, which lacks letters that agents write:"
            " make one with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`"
        )


def check_to_read(connection: Connection, where: str) -> None:
    """Raise LedgerUnavailable where the ledger `where` cannot be read without a migration."""
    check_readable(version_of(connection), len(MIGRATIONS), where)
