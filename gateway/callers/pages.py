"""Lets pages of other origins read what they are answered, those that may call and no others."""

import re
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from gateway.callers.admission import Premises

_METHODS = "GET, POST, DELETE"
_HEADERS = (
    *("Accept", "Authorization", "Content-Type", "Last-Event-ID"),
    *("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"),
    *("baggage", "traceparent", "tracestate"),
)
"""What clients send beside what any page may (Fetch, "CORS-safelisted request-header")."""

_MIRRORED = re.compile(r"mcp-param-[!#$%&'*+.^_`|~0-9a-z-]+")
"""Headers that repeat arguments, in lower case; servers name them (2026-07-28, transports)."""

_SHOWN = "MCP-Protocol-Version, Mcp-Session-Id, WWW-Authenticate, Retry-After, Allow"
_SECONDS = "7200"
"""How long a browser need not ask again; Chromium keeps no answer for longer."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pages:
    """The CORS protocol (Fetch, section 3.3) for the origins of the premises.

    An origin that may call is named, by itself, in every answer to it; of the
    others browsers hear nothing, so that their pages read no answer and send
    nothing but what needs no leave. That is refused like any other request of
    theirs. Keys are not the browser's to send: there are no credentials here.
    """

    def __init__(self, premises: Premises) -> None:
        """Know which origins may call."""
        self._premises = premises

    def add_to(self, application: web.Application) -> None:
        """Speak for all paths of an application, those of which there is none as well."""
        application.middlewares.append(self._asked)
        application.on_response_prepare.append(self._named)

    @web.middleware
    async def _asked(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Answer whether a page may call (Fetch, "CORS-preflight request"), which brings no key."""
        if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers:
            return await handler(request)
        if self._premises.page(request) is None:
            return await handler(request)
        headers = {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": ", ".join((*_HEADERS, *_mirrored(request))),
            "Access-Control-Max-Age": _SECONDS,
            "Vary": "Origin, Access-Control-Request-Headers",
        }
        if request.headers.get("Access-Control-Request-Private-Network") == "true":
            headers["Access-Control-Allow-Private-Network"] = "true"
        return web.Response(status=204, headers=headers)

    async def _named(self, request: web.Request, response: web.StreamResponse) -> None:
        """Name the page's origin in the head of an answer to it."""
        if "Origin" not in request.headers:
            return
        page = self._premises.page(request)
        if page is not None:
            response.headers["Access-Control-Allow-Origin"] = page
            response.headers["Access-Control-Expose-Headers"] = _SHOWN
            response.headers.setdefault("Vary", "Origin")  # where there is one, it says so


def _mirrored(request: web.Request) -> Iterator[str]:
    """Return the headers asked for that repeat arguments, each once."""
    asked = ",".join(request.headers.getall("Access-Control-Request-Headers", []))
    names = dict.fromkeys(name.strip(" \t").lower() for name in asked.split(","))
    return (name for name in names if _MIRRORED.fullmatch(name))
