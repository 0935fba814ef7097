"""Which headers pass, in each direction; all others stay here."""

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from gateway.callers.fast_lane import WholeRequest

_UP = frozenset(
    {
        "accept",
        "content-type",
        "mcp-protocol-version",
        "last-event-id",
        "traceparent",
        "tracestate",
        "baggage",
    }
)
_DOWN = frozenset(
    {
        "content-type",
        "content-encoding",
        "content-language",
        "cache-control",
        "allow",
        "retry-after",
        "traceparent",
        "tracestate",
    }
)
_PREFIX = "mcp-"
_NO_PAGES = frozenset({"application/json", "text/event-stream"})
_POWERLESS = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
"""Keeps a browser from running what it is sent (Content Security Policy Level 3, 6.3.2)."""

_OF_SESSIONS = frozenset({"mcp-session-id", "last-event-id"})
SESSION = "Mcp-Session-Id"

MOVED = range(300, 400)
"""Statuses with which a server points elsewhere; no answer with one of them is handed on."""
LAST_EVENT = "Last-Event-ID"


def upward(http: web.BaseRequest, session: str | None) -> CIMultiDict[str]:
    """Return the caller's headers that the server may see, which nobody changes.

    Never the caller's credentials, cookies or address. `session` is the
    server's own session id. Without one no header of sessions passes: the era
    of 2026-07-28 is to ignore them (transports, "Backward Compatibility"), and
    events could be anybody's.
    """
    if not isinstance(http, WholeRequest):
        return _upward(http.headers, session)
    passing = http.head.upward.get(session)
    if passing is None:  # of a known head they are known
        passing = http.head.upward[session] = _upward(http.headers, session)
    return passing


def _upward(headers: CIMultiDictProxy[str], session: str | None) -> CIMultiDict[str]:
    passing: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        lower = name.lower()
        if lower == "mcp-session-id" or (session is None and lower in _OF_SESSIONS):
            continue
        if lower in _UP or lower.startswith(_PREFIX):
            passing.add(name, value)
    if session is not None:
        passing[SESSION] = session
    return passing


def downward(fields: Iterable[tuple[str, str]], status: int) -> CIMultiDict[str]:
    """Return the server's headers that the caller may see; never cookies or challenges.

    Nor those that are not in UTF-8, apart from a session id, which is not
    passed on as it is. A redirect, which is no caller's to see, keeps where it
    leads. What a browser could take for a page stays without power there: it
    would be one of Placet's own address, and may call by that.
    """
    passing: CIMultiDict[str] = CIMultiDict()
    for name, value in fields:
        lower = name.lower()
        leads = lower == "location" and status in MOVED
        if (leads or lower in _DOWN or lower.startswith(_PREFIX)) and (
            value.isascii() or lower == "mcp-session-id" or _is_text(value)
        ):
            passing.add(name, value)
    kinds = passing.getall("Content-Type", ("",))
    if not all(kind.partition(";")[0].strip().lower() in _NO_PAGES for kind in kinds):
        passing.update(_POWERLESS)
    return passing


def _is_text(value: str) -> bool:
    """Tell whether a header was in UTF-8: else it has lone surrogates (PEP 383)."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
