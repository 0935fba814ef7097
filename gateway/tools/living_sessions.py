"""Finds out whether a server still knows a caller's session, before people are asked in vain."""

import asyncio
import secrets

from gateway.callers.headers import SESSION
from gateway.tools.enquiring import Enquiry, Voice
from gateway.upstreams import Era, Upstream, UpstreamFailed, UpstreamRequest
from gateway.wire.errors import Code, Rejected

_PATIENCE = 2.0
"""Seconds in which a server says of itself that a session is over."""

_ASKED = ("ping", "tools/list")
"""Requests that every server with tools answers; a few know no `ping`, and say so with 404."""

_NO_SUCH_SESSION = 404
_FORGOTTEN = (
    "the server knows this session no more; nothing was executed: initialize a new one, and call"
    " again with identical arguments"
)


class LivingSessions:
    """The sessions of one server, which end without a word when it starts again.

    It says so only to whoever sends something in one, with HTTP 404
    (transports, "Session Management"). A call that waits for people sends
    nothing for long, and its approval would be used up by that answer.
    """

    def __init__(self, server: str, upstream: Upstream) -> None:
        """Name the server, and take the way to it."""
        self._server = server
        self._upstream = upstream

    async def check(self, request: UpstreamRequest | None) -> None:
        """Raise Rejected where the server says that the session of `request` is over.

        Where it says nothing of that, the session is taken to live.
        """
        session = None if request is None else request.headers.get(SESSION)
        if request is None or session is None or request.era is not Era.LEGACY:
            return
        version = request.headers.get("MCP-Protocol-Version")
        voice = Voice(request.agent, Era.LEGACY, version, session, {})
        enquiry = Enquiry(self._server, self._upstream, voice, _new_id)
        for method in _ASKED:
            try:
                async with asyncio.timeout(_PATIENCE):
                    await enquiry.asked(method, {})
            except (UpstreamFailed, TimeoutError):
                return
            if enquiry.status != _NO_SUCH_SESSION:
                return
        raise Rejected(_NO_SUCH_SESSION, Code.NO_SUCH_SESSION, _FORGOTTEN)


def _new_id() -> str:
    """Return an id that the client gives to no request of its own in the same session."""
    return f"placet-{secrets.token_hex(8)}"
