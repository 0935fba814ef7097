"""Reaches a server over streamable HTTP, byte for byte."""

from collections.abc import Mapping
from io import BytesIO

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from multidict import CIMultiDict
from yarl import URL

from gateway.headers import downward
from gateway.plain_pool import PlainPool
from gateway.upstreams import UpstreamAnswer, UpstreamFailed, UpstreamRequest

_CONNECT_SECONDS = 5
_KEPT_SECONDS = 4  # most servers close an idle connection after 5
_WHOLE = 1024 * 1024
"""Bytes up to which an answer of known length is read in one piece."""

_OURS = ("Accept-Encoding", "User-Agent", "Accept", "Content-Type")
_MOVED = range(300, 400)
_CHALLENGES = frozenset({401, 407})
_NOT_CONNECTED = (ClientConnectorError, ConnectionTimeoutError)


class HttpUpstream:
    """A streamable HTTP server (specification, transports), through pools of connections.

    A pool keeps as many connections as were used at once, and answers may take
    any time: only connecting is limited, to 5 seconds. Cookies are not kept,
    redirects not followed, bodies not unpacked. The configured `headers` go
    with every request. Messages over plain HTTP, which are most, take a way
    that costs little; aiohttp's client carries the rest.
    """

    def __init__(self, name: str, url: str, headers: Mapping[str, str]) -> None:
        """Name the server; nothing is opened before `start`."""
        self._name = name
        self._url = URL(url, encoded=True)
        self._credentials = CIMultiDict(headers)
        self._session: ClientSession | None = None
        self._plain: PlainPool | None = None
        self._trouble: str | None = None

    async def start(self) -> None:
        """Open the pool of connections; the server need not be there yet."""
        self._session = ClientSession(
            connector=TCPConnector(limit=0, limit_per_host=0, keepalive_timeout=_KEPT_SECONDS),
            timeout=ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            auto_decompress=False,
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=_OURS,
            trust_env=False,
        )
        if self._url.scheme == "http":
            self._plain = PlainPool(self._name, self._url, self._credentials, _KEPT_SECONDS)

    async def close(self) -> None:
        """Close every connection."""
        if self._plain is not None:
            self._plain.close()
            self._plain = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def trouble(self) -> str | None:
        """Say why the last request did not reach the server; None where it did."""
        return self._trouble

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send the request's bytes and return the answer's. Raises UpstreamFailed."""
        if self._plain is not None and request.method == "POST":
            return await self._plainly(self._plain, request)
        response = await self._sent(request)
        try:
            self._check(response.status)
            return await self._answer(response)
        except BaseException:
            response.close()
            raise

    async def _plainly(self, pool: PlainPool, request: UpstreamRequest) -> UpstreamAnswer:
        try:
            answer = await pool.post(request.headers, request.body)
        except UpstreamFailed as failure:
            self._trouble = str(failure)
            raise
        self._trouble = None
        try:
            self._check(answer.status)
        except UpstreamFailed:
            if answer.stream is not None:
                await answer.stream.aclose()
            raise
        return answer

    async def _sent(self, request: UpstreamRequest) -> ClientResponse:
        if self._session is None:
            message = f"the server `{self._name}` is being shut down"
            raise UpstreamFailed(message, sent=False)
        headers = request.headers.copy()
        headers.update(self._credentials)
        headers.setdefault("Accept-Encoding", "identity")
        try:
            response = await self._session.request(
                request.method,
                self._url,
                data=_written(request.body),
                headers=headers,
                allow_redirects=False,
            )
        except (TimeoutError, ClientError, OSError) as error:
            raise self._failed(error) from error
        self._trouble = None
        return response

    async def _answer(self, response: ClientResponse) -> UpstreamAnswer:
        headers = downward(response.headers.items())
        length = response.content_length
        streams = response.content_type == "text/event-stream"
        if streams or length is None or length > _WHOLE:
            return UpstreamAnswer(response.status, headers, stream=_Bytes(self._name, response))
        try:
            body = await response.read()
        except (TimeoutError, ClientError, OSError) as error:
            raise self._broken(error) from error
        return UpstreamAnswer(response.status, headers, body=body)

    def _check(self, status: int) -> None:
        if status in _MOVED:
            message = f"the server `{self._name}` points elsewhere, which is not followed"
            raise UpstreamFailed(message, sent=True)
        if status in _CHALLENGES:
            self._trouble = f"`{self._name}` refuses the configured credentials"
            message = f"the server `{self._name}` refused the credentials that Placet has for it"
            raise UpstreamFailed(message, sent=True)

    def _failed(self, error: Exception) -> UpstreamFailed:
        """Return what to tell of a request that got no answer's head."""
        from_connecting = isinstance(error, _NOT_CONNECTED)
        kind = type(error).__name__
        if from_connecting:
            self._trouble = f"`{self._name}` cannot be reached ({kind})"
            message = f"the server `{self._name}` cannot be reached; nothing was sent to it"
            return UpstreamFailed(message, sent=False)
        return self._broken(error)

    def _broken(self, error: Exception) -> UpstreamFailed:
        kind = type(error).__name__
        self._trouble = f"`{self._name}` broke off an answer ({kind})"
        message = f"the server `{self._name}` broke off before its answer was whole"
        return UpstreamFailed(message, sent=True)


def _written(body: bytes) -> bytes | BytesIO | None:
    """Return a body as aiohttp wants it: large ones are written piece by piece."""
    return BytesIO(body) if len(body) > _WHOLE else body or None


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
            message = f"the server `{self._name}` broke off before its answer was whole"
            raise UpstreamFailed(message, sent=True) from error
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Give the connection back if the answer was read to its end, else drop it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()
