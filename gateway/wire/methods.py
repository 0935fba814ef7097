"""The methods that pass: all others are refused, since one of them might run a tool."""

from gateway.upstreams import Era
from gateway.wire.envelopes import Message, Notification, Request
from gateway.wire.errors import Code, Rejected
from policies.values.inert import inert_line

_ECHO = 60

_EITHER = frozenset(
    {
        "tools/list",
        "tools/call",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "completion/complete",
        "tasks/get",
        "tasks/cancel",
    }
)
REQUESTS = {
    Era.LEGACY: _EITHER
    | {
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "tasks/result",
        "tasks/list",
    },
    Era.MODERN: _EITHER | {"server/discover", "subscriptions/listen", "tasks/update"},
}
"""Requests that a client may send (schemas 2025-03-26 to 2025-11-25, and 2026-07-28)."""

NOTIFICATIONS = {
    Era.LEGACY: frozenset(
        {
            "notifications/initialized",
            "notifications/cancelled",
            "notifications/progress",
            "notifications/roots/list_changed",
            "notifications/tasks/status",
        }
    ),
    Era.MODERN: frozenset({"notifications/cancelled"}),
}
"""Notifications that a client may send."""


def check_method(message: Message, era: Era) -> None:
    """Raise Rejected where the message is none that a client of this era may send.

    The status is 404 as the specification of 2026-07-28 has it; before that,
    404 would end the session, so the error comes with 200.
    """
    match message:
        case Request() if message.method in REQUESTS[era]:
            return
        case Notification() if message.method in NOTIFICATIONS[era]:
            return
        case Request() | Notification():
            shown = inert_line(message.method, _ECHO)
            text = f"the method `{shown}` is not passed on; Placet knows the methods of MCP only"
        case _ if era is Era.LEGACY:
            return
        case _:
            text = "a client sends no answers in this version of the protocol; send requests"
            raise Rejected(400, Code.INVALID_REQUEST, text)
    known = message.id if isinstance(message, Request) else None
    answered = isinstance(message, Request) and era is Era.LEGACY
    status = 200 if answered else (404 if isinstance(message, Request) else 400)
    raise Rejected(status, Code.METHOD_NOT_FOUND, text, id=known)
