"""Finds the events of a story on SQLite, where those of a call by itself are in no index for it."""

from sqlalchemy import Connection, Select, literal, select, union_all

from ledger.storage.tables import EVENT

_CALL = "call-"

_ELSEWHERE = EVENT.c.stream != literal(_CALL, literal_execute=True) + EVENT.c.correlation_id
"""Holds of all but those in the stream of the call that they belong to: most of a history."""

_INDEX = (
    "DROP INDEX ledger_event_correlation",
    f"""
CREATE INDEX ledger_event_related ON ledger_event (correlation_id, position)
 WHERE stream <> '{_CALL}' || correlation_id
""",
)


def without_own_streams(connection: Connection) -> None:
    """Keep in the index of stories what their streams do not say.

    Each index costs every commit of SQLite a page or two. PostgreSQL writes no
    pages at a commit, and replicas of an older Placet read the whole index.
    """
    if connection.dialect.name == "sqlite":
        for statement in _INDEX:
            connection.exec_driver_sql(statement)


def positions(correlation: str) -> Select[int]:
    """Return the query for the positions of a story's events on SQLite."""
    position, belongs = EVENT.c.position, EVENT.c.correlation_id == correlation
    own = select(position).where(EVENT.c.stream == f"{_CALL}{correlation}", belongs)
    other = select(position).where(belongs, _ELSEWHERE)
    found = union_all(own, other).subquery()
    return select(found.c.position)
