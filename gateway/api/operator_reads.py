"""Reads approvals, grants and the history for operators; it changes nothing."""

from gateway.api.operator_bodies import (
    ApprovalsQuery,
    AuditQuery,
    GrantsQuery,
    ToldApproval,
    ToldApprovals,
    ToldEvents,
    ToldGrants,
    told_approval,
    told_events,
    told_grant,
)
from gateway.api.problems import Kind, Problem, not_found
from ledger.audit.filtering import Filter
from ledger.audit.listing import approvals_page, events_page, grants_page, story_page
from ledger.ledger import Ledger


class OperatorReads:
    """What operators may read over HTTP. Every method raises LedgerUnavailable, and Problem."""

    def __init__(self, ledger: Ledger) -> None:
        """Read from `ledger`."""
        self._ledger = ledger

    async def approvals(self, query: ApprovalsQuery) -> ToldApprovals:
        """Return a page of approvals, the newest first."""
        if query.page is not None and await self._ledger.approval(query.page) is None:
            raise _no_page()
        found = await self._ledger.look(
            lambda connection: approvals_page(
                connection,
                query.status,
                agent=query.agent,
                server=query.server,
                before=query.page,
                limit=query.limit,
            )
        )
        following = found[-1].id if len(found) == query.limit else None
        return ToldApprovals(approvals=[told_approval(each) for each in found], next=following)

    async def approval(self, name: str) -> ToldApproval:
        """Return an approval."""
        found = await self._ledger.approval(name)
        if found is None:
            raise not_found("approval of this id")
        return told_approval(found)

    async def grants(self, query: GrantsQuery) -> ToldGrants:
        """Return a page of grants, by id."""
        if query.page is not None and await self._ledger.grant(query.page) is None:
            raise _no_page()
        found = await self._ledger.look(
            lambda connection: grants_page(
                connection,
                live=query.live,
                agent=query.agent,
                after=query.page,
                limit=query.limit,
            )
        )
        following = found[-1].id if len(found) == query.limit else None
        return ToldGrants(grants=[told_grant(each) for each in found], next=following)

    async def audit(self, query: AuditQuery) -> ToldEvents:
        """Return a page of the history, in order."""
        wanted = Filter(query.agent, query.server, frozenset(query.event))
        about = query.about
        if about is None:
            page = await self._ledger.look(
                lambda connection: events_page(connection, wanted, query.after, query.limit)
            )
            return told_events(page.events, page.looked_to, page.head)
        told = await self._ledger.look(
            lambda connection: story_page(connection, about, wanted, query.after, query.limit)
        )
        if told is None:
            raise not_found("call, approval or grant of this id")
        return told_events(told.events, told.looked_to, told.head)


def _no_page() -> Problem:
    error = {"pointer": "/page", "detail": "is not the `next` of a page"}
    return Problem(400, Kind.INVALID_REQUEST, "the query is not valid", errors=[error])
