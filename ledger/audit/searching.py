"""Finds what an auditor names, and the events that belong to it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from ledger.audit.stories import Story
from ledger.events.envelopes import Recorded
from ledger.events.events import CallDecided
from ledger.events.standing_events import (
    GrantUsed,
    PolicyActivated,
    ToolSeen,
)
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallRecord
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import STREAM
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import find_model
from ledger.storage.tables import PROJECTIONS

TELLABLE = ("call", "approval", "grant")
"""The kinds of things that have a story."""

MOST_NAMED = 20
"""How many ids are named where the beginning of one is not enough."""


def found(
    connection: Connection, text: str, kinds: Sequence[str] = TELLABLE
) -> list[tuple[str, str]]:
    """Return kind and id of what has the id `text`, else of what begins with it; at most 20."""
    if not text or not text.isascii():
        return []
    exact = [(kind, text) for kind in kinds if find_model(connection, kind, text) is not None]
    if exact:
        return exact
    beginning = []
    for kind in kinds:
        column = PROJECTIONS[kind].c.id
        begins = func.substr(column, 1, len(text)) == text
        query = select(column).where(begins).order_by(column).limit(MOST_NAMED)
        beginning += [(kind, str(name)) for (name,) in connection.execute(query)]
    return beginning[:MOST_NAMED]


def story(connection: Connection, kind: str, name: str) -> Story | None:
    """Return the story of a call, an approval or a grant; None where there is no such thing."""
    subject = find_model(connection, kind, name)
    history = History(RecordMapper())
    match subject:
        case CallRecord():
            events = _of_call(connection, history, subject)
        case Approval():
            events = history.after(connection, 0, correlation=subject.id)
        case Grant():
            events = _of_grant(connection, history, subject)
        case _:
            return None
    ordered = sorted({known.position: known for known in events}.values(), key=_position)
    return Story(
        subject=subject,
        events=ordered,
        policies=_policies(connection, history, ordered),
        tools=_tools(connection, history, ordered),
    )


def _of_call(connection: Connection, history: History, call: CallRecord) -> list[Recorded]:
    events = history.after(connection, 0, correlation=call.approval or call.id)
    events += history.after(connection, 0, stream=f"call-{call.id}")
    if call.grant:
        events += [
            known
            for known in history.after(connection, 0, stream=f"grant-{call.grant}")
            if not isinstance(known.event, GrantUsed) or known.event.call == call.id
        ]
    return events


def _of_grant(connection: Connection, history: History, grant: Grant) -> list[Recorded]:
    events = history.after(connection, 0, stream=f"grant-{grant.id}")
    calls = [known.event.call for known in events if isinstance(known.event, GrantUsed)]
    for call in calls:
        events += history.after(connection, 0, stream=f"call-{call}")
    return events


def _policies(
    connection: Connection, history: History, events: Iterable[Recorded]
) -> list[Recorded]:
    digests = {getattr(known.event, "policy_digest", None) for known in events}
    return [
        known
        for known in history.after(connection, 0, stream=STREAM)
        if isinstance(known.event, PolicyActivated) and known.event.digest in digests
    ]


def _tools(connection: Connection, history: History, events: Iterable[Recorded]) -> list[Recorded]:
    streams = {
        f"tool-{known.event.server}/{known.event.tool}"
        for known in events
        if isinstance(known.event, CallDecided)
    }
    sightings = [
        known for stream in streams for known in history.after(connection, 0, stream=stream)
    ]
    return [known for known in sightings if isinstance(known.event, ToolSeen)]


def _position(recorded: Recorded) -> int:
    return recorded.position
