"""Reads a part of the history a page at a time, so that its length costs no memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.audit.filtering import Filter, matching
from ledger.events.envelopes import Recorded
from ledger.ledger import Ledger
from ledger.readings.moments import head, position_before

PAGE = 1_000
"""Events that are read at once."""


@dataclass(frozen=True)
class Span:
    """The positions after `after` up to `last`."""

    after: int
    last: int


def span_between(connection: Connection, since: datetime | None, until: datetime | None) -> Span:
    """Return the positions from `since` up to and including `until`; None is no bound (UTC)."""
    return Span(
        0 if since is None else position_before(connection, since, including=False),
        head(connection) if until is None else position_before(connection, until, including=True),
    )


async def streamed(ledger: Ledger, wanted: Filter, span: Span) -> AsyncIterator[Recorded]:
    """Yield the wanted events of a span, however many, in order."""
    after = span.after
    while after < span.last:
        page = Span(after, min(after + PAGE, span.last))
        for recorded in await _page(ledger, wanted, page):
            yield recorded
        after = page.last


async def newest(ledger: Ledger, wanted: Filter, span: Span, limit: int) -> list[Recorded]:
    """Return the last `limit` wanted events of a span, in order."""
    found: list[Recorded] = []
    last = span.last
    while last > span.after and len(found) < limit:
        page = Span(max(last - PAGE, span.after), last)
        found = [*await _page(ledger, wanted, page), *found]
        last = page.after
    return found[-limit:]


async def _page(ledger: Ledger, wanted: Filter, span: Span) -> list[Recorded]:
    return await ledger.look(
        lambda connection: list(matching(connection, wanted, span.after, span.last))
    )
