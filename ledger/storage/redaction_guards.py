"""Lets the database take one change of an event: its content goes, and an event says so."""

from sqlalchemy import Connection

_UNCHANGED = (
    "position",
    "stream",
    "version",
    "type",
    "at",
    "actor",
    "command_id",
    "command_ordinal",
    "correlation_id",
    "causation_id",
    "leaf_hash",
)

_TAKEN_ONCE = """
OLD.code IS NULL AND length(OLD.salt) > 0 AND length(NEW.code) = 32 AND length(NEW.salt) = 0
AND EXISTS (
  SELECT 1 FROM ledger_event said
  WHERE said.stream = 'redaction-' || OLD.position AND said.type = 'EventRedacted'
)
"""

_SAME = " AND ".join(f"NEW.{column} IS OLD.{column}" for column in _UNCHANGED)

_NEW = ", ".join(f"NEW.{column}" for column in _UNCHANGED)

_OLD = ", ".join(f"OLD.{column}" for column in _UNCHANGED)

_SQLITE = (
    "ALTER TABLE ledger_event ADD COLUMN code BLOB",
    "DROP TRIGGER ledger_event_unchanged",
    f"""
CREATE TRIGGER ledger_event_unchanged BEFORE UPDATE ON ledger_event
WHEN NOT coalesce({_TAKEN_ONCE} AND {_SAME}, 0)
BEGIN SELECT RAISE(ABORT, 'the history is never changed'); END
""",
)

_POSTGRES = (
    "ALTER TABLE ledger_event ADD COLUMN code BYTEA",
    "DROP TRIGGER ledger_event_unchanged ON ledger_event",
    f"""
CREATE FUNCTION ledger_event_redact() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {_TAKEN_ONCE} AND ({_NEW}) IS NOT DISTINCT FROM ({_OLD}) THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'the history is never changed';
END $$
""",
    """
CREATE TRIGGER ledger_event_unchanged BEFORE UPDATE ON ledger_event
FOR EACH ROW EXECUTE FUNCTION ledger_event_redact()
""",
    """
CREATE TRIGGER ledger_event_undeleted BEFORE DELETE ON ledger_event
FOR EACH ROW EXECUTE FUNCTION ledger_event_refuse()
""",
)


def let_redact(connection: Connection) -> None:
    """Add the column for what a redaction keeps, and allow the one change that fills it."""
    for statement in _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE:
        connection.exec_driver_sql(statement)
