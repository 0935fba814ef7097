"""Makes the tables of freezes, of messages about them, and of what else people put in force."""

from sqlalchemy import Connection

_FREEZES = """
CREATE TABLE projected_freeze (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  deadline BIGINT
);
CREATE INDEX projected_freeze_open ON projected_freeze (id) WHERE open = 1
"""


def with_freezes(connection: Connection) -> None:
    """Make the table of freezes."""
    _make(connection, _FREEZES)


_NOTICES = """
CREATE TABLE projected_notice (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  about TEXT
);
CREATE INDEX projected_notice_about ON projected_notice (about);
CREATE INDEX projected_notice_open ON projected_notice (id) WHERE open = 1
"""


def with_notices(connection: Connection) -> None:
    """Make the table of notices."""
    _make(connection, _NOTICES)


_GLASSES = """
CREATE TABLE projected_glass (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  approval TEXT
);
CREATE INDEX projected_glass_open ON projected_glass (id) WHERE open = 1
"""


def with_glasses(connection: Connection) -> None:
    """Make the table of glasses."""
    _make(connection, _GLASSES)


_REQUESTS = """
CREATE TABLE projected_request (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  deadline BIGINT
);
CREATE INDEX projected_request_open ON projected_request (id) WHERE open = 1
"""


def with_requests(connection: Connection) -> None:
    """Make the table of requests for grants."""
    _make(connection, _REQUESTS)


_DELEGATIONS = """
CREATE TABLE projected_delegation (
  id TEXT PRIMARY KEY, open BIGINT NOT NULL, position BIGINT NOT NULL, state TEXT NOT NULL,
  deadline BIGINT
);
CREATE INDEX projected_delegation_open ON projected_delegation (id) WHERE open = 1
"""


def with_delegations(connection: Connection) -> None:
    """Make the table of delegations."""
    _make(connection, _DELEGATIONS)


def _make(connection: Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        connection.exec_driver_sql(statement)
