"""Lists approvals, grants and events a page at a time, for whoever may read all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, and_, or_, select

from ledger.audit.filtering import Filter, matching
from ledger.audit.searching import TELLABLE, story
from ledger.clock import micros
from ledger.events.envelopes import Recorded
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.grants import Grant
from ledger.readings.moments import head
from ledger.storage.projections import find_model, read_models
from ledger.storage.tables import PROJECTIONS

_SPAN = 1_000
"""Events that are looked at for one page, however few of them are wanted."""


def approvals_page(
    connection: Connection,
    statuses: Sequence[ApprovalStatus] = (),
    *,
    agent: str | None = None,
    server: str | None = None,
    before: str | None = None,
    limit: int = 1000,
) -> list[Approval]:
    """Return approvals, the newest first: of these states, of all where none is named.

    `before` is the id of the last one of the page before.
    """
    columns = PROJECTIONS["approval"].c
    query = select(columns.state).order_by(columns.requested_at.desc(), columns.id.desc())
    if statuses:
        query = query.where(columns.status.in_([status.value for status in statuses]))
    if agent is not None:
        query = query.where(columns.agent == agent)
    if server is not None:
        query = query.where(columns.server == server)
    last = find_model(connection, "approval", before) if before is not None else None
    if isinstance(last, Approval):
        then = micros(last.requested_at)
        earlier = and_(columns.requested_at == then, columns.id < last.id)
        query = query.where(or_(columns.requested_at < then, earlier))
    found = read_models(connection, "approval", query.limit(limit))
    return [approval for approval in found if isinstance(approval, Approval)]


def grants_page(
    connection: Connection,
    *,
    live: bool,
    agent: str | None = None,
    after: str | None = None,
    limit: int = 1000,
) -> list[Grant]:
    """Return grants by id, all or the live ones; `after` is the last one of the page before."""
    columns = PROJECTIONS["grant"].c
    query = select(columns.state).order_by(columns.id)
    if live:
        query = query.where(columns.open == 1)
    if agent is not None:
        query = query.where(columns.agent == agent)
    if after is not None:
        query = query.where(columns.id > after)
    found = read_models(connection, "grant", query.limit(limit))
    return [grant for grant in found if isinstance(grant, Grant)]


@dataclass(frozen=True)
class EventsPage:
    """Events in order, the position up to which was looked for them, and that of the newest."""

    events: list[Recorded]
    looked_to: int
    head: int


def events_page(connection: Connection, wanted: Filter, after: int, limit: int) -> EventsPage:
    """Return the first `limit` wanted events after a position; it looks at 1,000 at most."""
    newest = head(connection)
    last = max(min(after + _SPAN, newest), after)
    found = list(islice(matching(connection, wanted, after, last), limit))
    looked_to = found[-1].position if len(found) == limit else last
    return EventsPage(found, looked_to, newest)


def story_page(
    connection: Connection, name: str, wanted: Filter, after: int, limit: int
) -> EventsPage | None:
    """Return the first `limit` wanted events of a thing's story after a position.

    None where no call, approval or grant has this id.
    """
    kind = next((k for k in TELLABLE if find_model(connection, k, name) is not None), None)
    told = story(connection, kind, name) if kind is not None else None
    if told is None:
        return None
    newest = head(connection)
    found = [known for known in told.events if known.position > after]
    if wanted.names:
        found = [known for known in found if known.event.TOPIC in wanted.names]
    looked_to = found[limit - 1].position if len(found) > limit else max(newest, after)
    return EventsPage(found[:limit], looked_to, newest)
