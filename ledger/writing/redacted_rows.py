"""Takes redacted contents out of the rows: of the events, and of what is made from them."""

from collections.abc import Iterable

from sqlalchemy import Connection, RowMapping, select, update

from ledger.deciding.redacting import Taken
from ledger.events.blanking import blank
from ledger.events.envelopes import Recorded
from ledger.events.redaction_events import EventRedacted, kept_hash
from ledger.events.standing_events import ProjectionsMended
from ledger.lives.kinds import Kept, concerned, fold
from ledger.lives.policy_in_force import STREAM
from ledger.replaying.walking import UNREADABLE, computed_leaf
from ledger.storage.appending import Appender
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import projected_row
from ledger.storage.recorder import record
from ledger.storage.statements import runner
from ledger.storage.tables import EVENT
from policies.values.authentication_codes import code
from policies.values.refusals import Refused

_OF_STORIES = ("approval", "call")
"""Kinds that events of other streams change too: those of the same story."""


def redactions(recorded: Iterable[Recorded]) -> list[EventRedacted]:
    """Return those of these events that say what is redacted."""
    return [each.event for each in recorded if isinstance(each.event, EventRedacted)]


def rewrite_rows(recorded: Iterable[Recorded]) -> bool:
    """Tell whether any of these events says that rows are not what they were before it."""
    return any(isinstance(each.event, EventRedacted | ProjectionsMended) for each in recorded)


def take_away(
    connection: Connection,
    appender: Appender,
    history: History,
    said: Iterable[EventRedacted],
) -> None:
    """Take the contents out that these events, which are written already, say are redacted.

    Rows of projections are made anew from what is left. Raises Refused, before
    anything of it is lost, where an event is not the one that was hashed when
    it was written: it could never be proven again.
    """
    run = runner(connection)
    concern: dict[tuple[str, str], None] = {}
    for redaction in said:
        recorded = _take(connection, history, redaction)
        concern |= dict.fromkeys(concerned(recorded))
    for kind, name in concern:
        model = _made_anew(connection, history, kind, name)
        appender.project(run, kind, [projected_row(model)])


def taken_of(recorded: Recorded, mapper: RecordMapper) -> Taken:
    """Return what a redaction of an event is about."""
    return Taken(recorded.position, recorded.event, mapper.state(blank(recorded.event)))


def _take(connection: Connection, history: History, redaction: EventRedacted) -> Recorded:
    """Take the content out of one event's row; return the event as it was."""
    position = redaction.redacted
    row = _provable(connection, position)
    recorded = history.mapper.to_domain_event(record(row))
    left = taken_of(recorded, history.mapper).left
    if kept_hash(left) != redaction.kept:
        raise Refused(f"position {position} is not the event that was looked at; look again")
    kept = {"state": left, "salt": b"", "code": code(bytes(row["salt"]), bytes(row["state"]))}
    connection.execute(update(EVENT).where(EVENT.c.position == position).values(kept))
    return recorded


def _provable(connection: Connection, position: int) -> RowMapping:
    query = select(EVENT).where(EVENT.c.position == position)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise Refused(f"there is no event at position {position}")
    if row["code"] is not None:
        raise Refused(f"position {position} is redacted already")
    try:
        right = computed_leaf(row) == bytes(row["leaf_hash"])
    except UNREADABLE:
        right = False
    if not right:
        raise Refused(
            f"the event at position {position} was changed; run `placet audit verify`, and redact"
            " nothing before you know why"
        )
    return row


def _made_anew(connection: Connection, history: History, kind: str, name: str) -> Kept:
    """Return a model as its events, of which some are redacted, make it."""
    stream = STREAM if kind == "policy" else f"{kind}-{name}"
    events = {each.position: each for each in history.after(connection, 0, stream=stream)}
    if kind in _OF_STORIES:
        for story in {each.correlation_id for each in events.values()}:
            found = history.after(connection, 0, correlation=story)
            events |= {each.position: each for each in found}
    model: Kept | None = None
    for position in sorted(events):
        if (kind, name) in concerned(events[position]):
            model = fold(kind, model, events[position])
    assert model is not None, "an event that concerns it is there"
    return model
