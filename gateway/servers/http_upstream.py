"""Reaches a server over streamable HTTP, byte for byte."""

import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from gateway.servers.general_client import GeneralClient
from gateway.servers.plain_pool import PlainPool
from gateway.servers.refusals import refusal
from gateway.servers.turns import Bounds, Turns
from gateway.upstreams import (
    ByteStream,
    Fault,
    Traffic,
    UpstreamAnswer,
    UpstreamFailed,
    UpstreamRequest,
)
from gateway.wire.request_heads import RequestHeads, check_fields

_KEPT_SECONDS = 4  # most servers close an idle connection after 5

_REMEMBERED_SECONDS = 300
_FINE = range(200, 300)
_AWAY = range(502, 505)


class HttpUpstream:
    """A streamable HTTP server (specification, transports), through pools of connections.

    A pool keeps as many connections as were used at once. Cookies are not
    kept, redirects not followed, bodies not unpacked. Messages over plain
    HTTP, which are most, take a way that costs little; aiohttp's client
    carries the rest.

    INVARIANT: a request is sent once, and with the credentials that the
    configuration has for its agent; those belong to no connection.
    """

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        *,
        bounds: Bounds | None = None,
        agents: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Name the server; nothing is opened before `start`.

        `headers` go with every request, with those of `agents` instead or
        besides for the agents of these names.
        """
        self._name = name
        self._url = URL(url, encoded=True)
        self._bounds = bounds or Bounds()
        self._shared = _Access(self._url, CIMultiDict(headers))
        self._own = {
            agent: _Access(self._url, _with(headers, own)) for agent, own in (agents or {}).items()
        }
        self._turns = Turns(self._bounds.most, self._bounds.turn)
        self._general: GeneralClient | None = None
        self._plain: PlainPool | None = None
        self.traffic = Traffic()

    async def start(self) -> None:
        """Open the pools of connections; the server need not be there yet."""
        parts = (self._name, self._url, self._bounds, _KEPT_SECONDS, self.traffic)
        self._general = GeneralClient(*parts)
        if self._url.scheme == "http":
            self._plain = PlainPool(*parts)

    async def close(self) -> None:
        """Close every connection."""
        general, plain = self._general, self._plain
        self._general = self._plain = None
        if plain is not None:
            plain.close()
        if general is not None:
            await general.close()

    def trouble(self) -> str | None:
        """Say why the last request had no answer; None where it had.

        That of an agent with its own credentials counts for five minutes
        besides that of all others: nobody but the agent can tell that they are good again.
        """
        if self._shared.trouble is not None:
            return self._shared.trouble
        long_ago = time.monotonic() - _REMEMBERED_SECONDS
        recent = (own.trouble for own in self._own.values() if own.troubled_at > long_ago)
        return next((trouble for trouble in recent if trouble is not None), None)

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send the request's bytes and return the answer's. Raises UpstreamFailed.

        An answer has a turn at the server to its end; listeners need none.
        """
        access = self._own.get(request.agent, self._shared)
        self.traffic.requests += 1
        takes_turn = not _listens(request)
        if takes_turn:
            if not self._turns.take_at_once():
                await self._turn()
            self.traffic.under_way += 1
        streams = False
        try:
            answer = await self._sent(request, access, listens=not takes_turn)
            if answer.status not in _FINE:
                await _check(self._name, answer, access)
            streams = answer.stream is not None
        except UpstreamFailed as failure:
            access.fails(failure.in_full)
            raise
        finally:
            if takes_turn and not streams:
                self._ended()
        if answer.status in _AWAY:
            access.fails(f"`{self._name}` answers with HTTP status {answer.status}")
        else:
            access.trouble = None
        if takes_turn and answer.stream is not None:
            return answer._replace(stream=_Turn(answer.stream, self._ended))
        return answer

    async def _turn(self) -> None:
        """Wait for a turn at the server."""
        try:
            await self._turns.take()
        except TimeoutError:
            text = f"the server `{self._name}` has too many requests; nothing was sent to it"
            raise UpstreamFailed(text, sent=False, fault=Fault.BUSY) from None

    def _ended(self) -> None:
        self.traffic.under_way -= 1
        self._turns.give_back()

    def _sent(
        self, request: UpstreamRequest, access: "_Access", *, listens: bool
    ) -> Coroutine[Any, Any, UpstreamAnswer]:
        """Send a request the way that it goes, and return what waits for the answer."""
        if self._general is None:
            message = f"the server `{self._name}` is being shut down"
            raise UpstreamFailed(message, sent=False)
        if self._plain is not None and request.method == "POST" and not listens:
            head = access.heads.head(request.headers, len(request.body))
            return self._plain.send(head, request.body)
        headers = _with(request.headers, access.headers)
        headers.setdefault("Accept-Encoding", "identity")
        check_fields([*headers.items()])
        return self._general.send(request.method, headers, request.body, listens=listens)


class _Access:
    """How some agents' requests come to the server, and what is wrong with that."""

    def __init__(self, url: URL, headers: CIMultiDict[str]) -> None:
        self.headers = headers
        self.heads = RequestHeads(url, headers)
        self.trouble: str | None = None
        self.troubled_at = 0.0

    def fails(self, trouble: str) -> None:
        """Note what went wrong."""
        self.trouble = trouble
        self.troubled_at = time.monotonic()


@dataclass
class _Turn:
    """A stream that keeps its turn at the server until it is given up."""

    stream: ByteStream
    ended: Callable[[], None] | None

    def __aiter__(self) -> "_Turn":
        return self

    def __anext__(self) -> Awaitable[bytes]:
        return self.stream.__anext__()

    async def aclose(self) -> None:
        """Give the stream up, and the turn back, once."""
        ended, self.ended = self.ended, None
        if ended is not None:
            ended()
        await self.stream.aclose()


async def _check(name: str, answer: UpstreamAnswer, access: _Access) -> None:
    """Give an answer up that is none which a caller may have. Raises UpstreamFailed."""
    failure = refusal(name, answer, access.headers)
    if failure is None:
        return
    if answer.stream is not None:
        await answer.stream.aclose()
    raise failure


def _listens(request: UpstreamRequest) -> bool:
    """Tell whether a request waits for what the server says of itself, which may take for ever."""
    message = request.message
    return request.method == "GET" or (
        message is not None and message.get("method") == "subscriptions/listen"
    )


def _with(headers: Mapping[str, str], others: Mapping[str, str]) -> CIMultiDict[str]:
    """Return headers with others in the place of those of the same name, or besides."""
    found = CIMultiDict(headers)
    for name, value in others.items():
        found[name] = value
    return found
