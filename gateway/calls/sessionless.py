"""Keeps agents apart where a server gives no sessions: to it, all of them are one client."""

from aiohttp import web

from gateway.calls.open_calls import OpenCalls, Ticket
from gateway.calls.passing import Caller
from gateway.upstreams import Era
from gateway.wire.envelopes import Notification, Response
from gateway.wire.errors import Code, Rejected
from policies.values.strict_json import canonical

_CANCELLED = "notifications/cancelled"
_ABOUT_NOTHING = frozenset({"notifications/initialized", "notifications/roots/list_changed"})
"""Notifications that are about no request, of whomever."""


class LoneCalls:
    """The calls without a session that are at servers now."""

    def __init__(self) -> None:
        """Start with none."""
        self._calls: dict[tuple[str, str], dict[Ticket, int]] = {}

    def begin(self, ticket: Ticket) -> None:
        """Count a call that is sent to its server."""
        calls = self._calls.setdefault(_number(ticket), {})
        calls[ticket] = calls.get(ticket, 0) + 1

    def end(self, ticket: Ticket) -> None:
        """Count a call no more, as it has ended."""
        calls = self._calls[_number(ticket)]
        if calls[ticket] > 1:
            calls[ticket] -= 1
        elif len(calls) > 1:
            del calls[ticket]
        else:
            del self._calls[_number(ticket)]

    def only(self, ticket: Ticket) -> bool:
        """Tell whether a request id names calls of this caller at the server, and of no other."""
        calls = self._calls.get(_number(ticket), ())
        return ticket in calls and len(calls) == 1


class Asides:
    """Tells which messages that want no answer go on to the server.

    Without a session, an answer or a cancellation could be meant for what
    another agent has at the server, which cannot tell them apart. Over HTTP,
    callers of 2026-07-28 have nothing to send (transports, "Cancellation").
    """

    def __init__(self, open_calls: OpenCalls, lone: LoneCalls) -> None:
        """Take the calls that are not sent yet, and those without a session that are at servers."""
        self._open_calls = open_calls
        self._lone = lone

    def taken(self, caller: Caller, message: Notification | Response, era: Era) -> bool:
        """Tell whether nothing of a message goes on; it may have called off a call."""
        if isinstance(message, Notification) and message.method == _CANCELLED:
            named = caller.ticket(canonical(message.params.get("requestId")))
            if era is Era.LEGACY and self._open_calls.call_off(named):
                return True
            return caller.session is None and not self._lone.only(named)
        if caller.session is not None:
            return False
        return isinstance(message, Response) or message.method not in _ABOUT_NOTHING


def check_stream(http: web.BaseRequest) -> None:
    """Refuse a GET or DELETE without a session that is about what another agent may have begun.

    Raises Rejected (HTTP 400).
    """
    why = None
    if http.method == "DELETE":
        why = "the request names no session that is to end; send `Mcp-Session-Id`"
    elif "Last-Event-ID" in http.headers:
        why = "`Last-Event-ID` takes up a stream of a session, and the request names none; send"
        why += " `Mcp-Session-Id`, or open a new stream without `Last-Event-ID`"
    if why is not None:
        raise Rejected(400, Code.INVALID_REQUEST, why)


def _number(ticket: Ticket) -> tuple[str, str]:
    """Return how a server knows a request: it sees its id, and not whose it is."""
    return ticket.server, ticket.request
