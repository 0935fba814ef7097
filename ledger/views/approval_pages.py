"""Reads many approvals, of which a hundred are in memory at a time."""

from collections.abc import AsyncIterator
from functools import partial

from sqlalchemy import Connection, select, tuple_

from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.storage.projections import model_of
from ledger.storage.tables import PROJECTIONS

_AT_ONCE = 100
_APPROVAL = PROJECTIONS["approval"]
_NEWEST_FIRST = (_APPROVAL.c.requested_at, _APPROVAL.c.id)


async def approval_pages(
    ledger: Ledger, *statuses: ApprovalStatus, limit: int | None = None
) -> AsyncIterator[list[Approval]]:
    """Yield approvals in these states, in all where none is named, newest first, page by page.

    There are `limit` at most. One that changes meanwhile may be left out, and
    is told of to whoever observes the ledger. Raises LedgerUnavailable.
    """
    last: tuple[int, str] | None = None
    left = limit
    while left is None or left > 0:
        size = _AT_ONCE if left is None else min(left, _AT_ONCE)
        page, last = await ledger.look(partial(_page, statuses, last, size))
        if page:
            yield page
        if len(page) < size:
            return
        left = None if left is None else left - size


def _page(
    statuses: tuple[ApprovalStatus, ...],
    last: tuple[int, str] | None,
    size: int,
    connection: Connection,
) -> tuple[list[Approval], tuple[int, str] | None]:
    """Return what comes after `last`, and its own last place."""
    query = select(_APPROVAL.c.state, *_NEWEST_FIRST).limit(size)
    query = query.order_by(*(column.desc() for column in _NEWEST_FIRST))
    if statuses:
        query = query.where(_APPROVAL.c.status.in_([status.value for status in statuses]))
    if last is not None:
        query = query.where(tuple_(*_NEWEST_FIRST) < last)
    page = []
    for state, *place in connection.execute(query):
        approval = model_of("approval", state)
        assert isinstance(approval, Approval), "a kind has one model"
        page.append(approval)
        last = (place[0], place[1])
    return page, last
