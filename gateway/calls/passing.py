"""Hands on the messages that are not gated, and learns from what comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

from aiohttp import web

from gateway.callers.headers import LAST_EVENT, SESSION
from gateway.callers.sessions import Sessions
from gateway.callers.whole_answers import Reply
from gateway.calls.introductions import Introductions
from gateway.calls.open_calls import Ticket
from gateway.calls.relaying import relay
from gateway.calls.resuming import Resumable
from gateway.listening.hearing import LISTEN, farewell, heard, notice, remark
from gateway.listening.open_streams import Listening, OpenStreams
from gateway.servers.old_transport import check_refusal, without_endpoint
from gateway.tools.tool_lists import ToolLists
from gateway.tools.toolbox import Toolbox
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from gateway.wire.editing import edited
from gateway.wire.errors import Code, Rejected, RequestId
from policies.people.people import Agent
from policies.values.calls import Number, Tool

_OK = 200
_SUCCESSES = range(200, 300)
_REFUSALS = 400
_ENDED = frozenset({*_SUCCESSES, 404})
"""Statuses that say of a session that there is none any more (transports, "Session Management")."""

_BAD_GATEWAY = 502


@dataclass(frozen=True)
class Served:
    """A server behind the gateway, and what is known of its tools."""

    name: str
    upstream: Upstream
    toolbox: Toolbox


class Caller(NamedTuple):
    """Who sent a request, to which server, in which session (as the caller names it)."""

    agent: Agent
    server: Served
    session: str | None

    def ticket(self, request_id: str) -> Ticket:
        """Return how this caller can name one of its calls."""
        session = self.session or ""
        agent, person = self.agent.name, self.agent.on_behalf_of
        return Ticket(agent, self.server.name, session, request_id, person)


Hides: TypeAlias = Callable[[Agent, str], Callable[[Tool], bool]]
"""Returns what tells of a server's tools which ones an agent need not see."""


class Passage:
    """Forwards what needs no decision; the answer's bytes pass as they are.

    Little changes on the way: the session id becomes the caller's own, lists
    of tools and introductions lose what their reader is not to see, and
    introductions gain what Placet does for the server.
    """

    def __init__(
        self,
        sessions: Sessions,
        resumable: Resumable,
        streams: OpenStreams,
        hides: Hides,
        introductions: Introductions,
    ) -> None:
        """Take what wraps session ids, what waits for answers elsewhere, and what ends streams.

        `hides` tells which tools an agent need not see, `introductions` what
        models may be told.
        """
        self._hides = hides
        self._introductions = introductions
        self._streams = streams
        self._sessions = sessions
        self._resumable = resumable

    async def through(
        self, http: web.BaseRequest, caller: Caller, request: UpstreamRequest, method: str = ""
    ) -> Reply:
        """Return the server's answer to a message of `method`. Raises UpstreamFailed, Rejected."""
        unusable = caller.server.toolbox.unusable
        if unusable is not None:
            raise Rejected(_BAD_GATEWAY, Code.SERVER_FAILED, unusable, id=_id_of(request))
        session = (caller.server.name, request.headers.get(SESSION, ""))
        if request.method == "GET" and LAST_EVENT in request.headers:
            await self._resumable.take_up(session, request.headers[LAST_EVENT])
        answer = self.as_callers(await caller.server.upstream.forward(request), caller)
        if method == "initialize":
            await check_refusal(caller.server.name, caller.server.upstream, request, answer)
        if answer.status in _SUCCESSES:
            answer = await self._edited(caller, request, answer, method)
        if request.method == "GET":
            answer = without_endpoint(answer, caller.server.name)
        if method == LISTEN or request.method == "GET":
            answer = self._open(caller, request, await heard(request, answer))
        if request.method == "DELETE" and answer.status in _ENDED:
            self._resumable.end_session(session)
            caller.server.toolbox.forget(request)
        if request.method == "GET":
            answer = edited(answer, partial(self._again, caller, request))
            return await _relayed(http, answer, self._resumable.listener(session))
        return await _relayed(http, answer)

    def _open(
        self, caller: Caller, request: UpstreamRequest, answer: UpstreamAnswer
    ) -> UpstreamAnswer:
        """Return a stream of changes that ends with all others, and tells of our own."""
        if answer.stream is None:
            return answer
        listening = Listening(
            caller.agent,
            caller.server.name,
            caller.session or "",
            notice(request, answer),
            farewell(request),
            remark(answer),
        )
        return answer._replace(stream=self._streams.ending(answer.stream, listening))

    async def _edited(
        self, caller: Caller, request: UpstreamRequest, answer: UpstreamAnswer, method: str
    ) -> UpstreamAnswer:
        """Return a list of tools, or an introduction, without what its caller is not to read.

        Raises Rejected where that cannot be done: nothing of it is passed on.
        """
        done = None
        try:
            match method:
                case "tools/list":
                    done = await self._lists(caller, request).answer(answer)
                case "initialize" | "server/discover":
                    server, asked = caller.server, _id_of(request)
                    done = await self._introductions.answer(
                        server.name, server.toolbox, answer, method, asked
                    )
                case _:
                    done = answer
        except UpstreamFailed as failed:
            status = _OK if request.era is Era.LEGACY else _BAD_GATEWAY
            asked = _id_of(request)
            raise Rejected(status, Code.SERVER_FAILED, str(failed), id=asked) from failed
        finally:
            if answer.stream is not None and done is None:
                await answer.stream.aclose()
        return done

    def _again(self, caller: Caller, request: UpstreamRequest, body: bytes) -> bytes:
        """Return a message that a client may take up on another stream, edited all the same."""
        listed = self._lists(caller, request).again(body)
        return self._introductions.again(caller.server.name, listed)

    def _lists(self, caller: Caller, request: UpstreamRequest) -> ToolLists:
        """Return what edits lists for a caller, by the policy of the moment."""

        def hides(tool: Tool) -> bool:
            return self._hides(caller.agent, caller.server.name)(tool)

        return ToolLists(
            caller.server.name,
            hides,
            partial(caller.server.toolbox.notice, request),
            _id_of(request),
            private=request.era is Era.MODERN,
        )

    def as_callers(self, answer: UpstreamAnswer, caller: Caller) -> UpstreamAnswer:
        """Return the answer with the session id, if it has one, as this caller has to name it.

        A refusal goes without: it begins no session, although some servers name
        one in it, and a client that asked two things at once would take that one.
        An empty id is none.
        """
        session = answer.headers.get(SESSION)
        if session is None:
            return answer
        headers = answer.headers.copy()
        if answer.status >= _REFUSALS or not session:
            del headers[SESSION]
            return answer._replace(headers=headers)
        headers[SESSION] = self._sessions.wrap(
            session, agent=caller.agent.principal, server=caller.server.name
        )
        return answer._replace(headers=headers)


def _id_of(request: UpstreamRequest) -> RequestId:
    known = request.message.get("id") if request.message else None
    return known if isinstance(known, str | Number) else None


async def _relayed(
    http: web.BaseRequest,
    answer: UpstreamAnswer,
    listen: Callable[[bytes], None] = lambda _: None,
) -> Reply:
    """Relay an answer and give its stream up, whatever happens."""
    try:
        return await relay(http, answer, listen)
    finally:
        if answer.stream is not None:
            await answer.stream.aclose()
