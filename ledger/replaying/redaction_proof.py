"""Proves of redacted events that an event says so, and that nothing else was put there."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, select

from ledger.events.redaction_events import EventRedacted, kept_hash
from ledger.replaying.walking import UNREADABLE, Flaws, computed_leaf
from ledger.storage.mapper import RecordMapper
from ledger.storage.recorder import COLUMNS
from ledger.storage.tables import EVENT

_WHOLE = (*COLUMNS, EVENT.c.command_ordinal, EVENT.c.salt, EVENT.c.leaf_hash)


def check_redactions(connection: Connection, page: Sequence[RowMapping], flaws: Flaws) -> None:
    """Note each redacted row that no event speaks for, and each such event that was undone.

    What is left of a redacted event is not in its leaf; the event that says so
    has it in its own.
    """
    redacted = [row for row in page if row["code"] is not None]
    if redacted:
        said = _said(connection, [row["position"] for row in redacted])
        for row in redacted:
            if row["position"] not in said:
                flaws.add(row["position"], "its content was taken away and no event says so")
            elif said[row["position"]] != kept_hash(bytes(row["state"])):
                flaws.add(row["position"], "it does not say what its redaction left of it")
    claims = [row for row in page if row["type"] == EventRedacted.TOPIC]
    if claims:
        _check_done(connection, claims, flaws)


def _said(connection: Connection, positions: Sequence[int]) -> dict[int, str]:
    """Return what redactions left, by the position they are about; only those that are proven."""
    streams = [f"redaction-{position}" for position in positions]
    query = select(*_WHOLE).where(EVENT.c.stream.in_(streams), EVENT.c.version == 1)
    events = [_read(row) for row in connection.execute(query).mappings()]
    return {event.redacted: event.kept for event in events if event is not None}


def _read(row: RowMapping) -> EventRedacted | None:
    try:
        if row["code"] is not None or computed_leaf(row) != bytes(row["leaf_hash"]):
            return None
        event = RecordMapper().event(row["type"], bytes(row["state"]))
    except UNREADABLE:
        return None
    return event if isinstance(event, EventRedacted) else None


def _check_done(connection: Connection, claims: Sequence[RowMapping], flaws: Flaws) -> None:
    about = {event.redacted: row for row in claims if (event := _read(row)) is not None}
    query = select(EVENT.c.position).where(EVENT.c.position.in_(about), EVENT.c.code.is_(None))
    for (position,) in connection.execute(query):
        what = f"it says that {position} was redacted, whose content is there again"
        flaws.add(about[position]["position"], what)
