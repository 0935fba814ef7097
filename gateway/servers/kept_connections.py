"""Keeps aiohttp's connections to a server, and uses none again on which more came than asked."""

import select

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class KeptConnections(TCPConnector):
    """A pool that looks at an idle connection before it is used again.

    aiohttp looks when a request has ended, and not at what comes afterwards:
    a second answer to that request would be taken for the one to the next
    request, which may be another agent's.

    INVARIANT: no request is sent over a connection on which something came
    that nobody asked for. In any doubt it is closed.
    """

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        """Return a connection that may be used again; None where there is none."""
        while (kept := await super()._get(key, traces)) is not None:
            assert kept.protocol is not None, "it was just taken"
            if not (kept.protocol.should_close or _says_something(kept.protocol)):
                return kept
            kept.close()
        return None


def _says_something(idle: ResponseHandler) -> bool:
    """Tell whether bytes, or the end, of a connection wait to be read."""
    sock = None if idle.transport is None else idle.transport.get_extra_info("socket")
    if sock is None:
        return False
    readable = select.poll()
    readable.register(sock.fileno(), select.POLLIN)
    return bool(readable.poll(0))
