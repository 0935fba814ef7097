"""Carries what the plain pool does not: TLS, the servers' own streams, the ends of sessions."""

import asyncio
from io import BytesIO

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TraceConfig,
)
from multidict import CIMultiDict
from yarl import URL

from gateway.callers.headers import downward
from gateway.servers.answer_heads import WHOLE
from gateway.servers.kept_connections import KeptConnections
from gateway.servers.turns import Bounds
from gateway.servers.unreached import unreached
from gateway.upstreams import Fault, Traffic, UpstreamAnswer, UpstreamFailed
from gateway.wire.silent_peers import outgoing

_OURS = ("Accept-Encoding", "User-Agent", "Accept", "Content-Type")


class GeneralClient:
    """aiohttp's client: cookies are not kept, redirects not followed, bodies not unpacked."""

    def __init__(self, name: str, url: URL, bounds: Bounds, kept: float, traffic: Traffic) -> None:
        """Open the pool of connections; an idle one is kept for `kept` seconds."""
        self._name = name
        self._url = url
        self._bounds = bounds
        self._session = ClientSession(
            connector=KeptConnections(
                limit=0, limit_per_host=0, keepalive_timeout=kept, socket_factory=outgoing
            ),
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_OURS,
            trust_env=False,
            trace_configs=[_counting(traffic)],
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    async def send(
        self, method: str, headers: CIMultiDict[str], body: bytes, *, listens: bool
    ) -> UpstreamAnswer:
        """Send a request and return the answer. Raises UpstreamFailed.

        Whoever only `listens` expects silence.
        """
        bounds = self._bounds
        silence = None if listens else bounds.silence
        longest = None if listens else bounds.connect + bounds.silence
        try:
            async with asyncio.timeout(longest):  # writing has no time limit of its own
                response = await self._session.request(
                    method,
                    self._url,
                    data=_written(body),
                    headers=headers,
                    timeout=ClientTimeout(total=None, connect=bounds.connect, sock_read=silence),
                    allow_redirects=False,
                )
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            raise _failed(self._name, error) from error
        try:
            return await self._answer(response)
        except BaseException:
            response.close()
            raise

    async def _answer(self, response: ClientResponse) -> UpstreamAnswer:
        headers = downward(response.headers.items(), response.status)
        length = response.content_length
        if response.content_type == "text/event-stream" or length is None or length > WHOLE:
            return UpstreamAnswer(response.status, headers, stream=_Bytes(self._name, response))
        try:
            body = await response.read()
        except (TimeoutError, ClientError, OSError) as error:
            raise _failed(self._name, error) from error
        return UpstreamAnswer(response.status, headers, body=body)


class _Bytes:
    """The bytes of one answer as they come; a cancelled wait for more loses none."""

    def __init__(self, name: str, response: ClientResponse) -> None:
        self._name = name
        self._response = response

    def __aiter__(self) -> "_Bytes":
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._response.content.readany()
        except (TimeoutError, ClientError, OSError) as error:
            raise _failed(self._name, error) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else drop it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


def _written(body: bytes) -> bytes | BytesIO | None:
    """Return a body as aiohttp wants it: large ones are written piece by piece."""
    return BytesIO(body) if len(body) > WHOLE else body or None


def _counting(traffic: Traffic) -> TraceConfig:
    """Return what counts connections as they are opened."""

    async def opened(*_: object) -> None:
        traffic.opened += 1

    trace = TraceConfig()
    trace.on_connection_create_end.append(opened)
    return trace


def _failed(name: str, error: Exception) -> UpstreamFailed:
    """Return what to tell of a request without an answer."""
    match error:
        case ClientConnectorError() | ConnectionTimeoutError():
            return UpstreamFailed(unreached(name, error), sent=False)
        case TimeoutError():
            message = f"the server `{name}` has said nothing for too long"
            return UpstreamFailed(message, sent=True, fault=Fault.SILENT)
        case _:
            message = f"the server `{name}` broke off before its answer was whole"
            return UpstreamFailed(message, sent=True)
