"""Speaks MCP over HTTP with the callers: one path per server, both eras of the protocol."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict

from gateway.callers.admission import Premises, check_content, read_body, whole_body
from gateway.callers.crowd import Crowd
from gateway.callers.headers import SESSION, upward
from gateway.callers.malformed import rejection
from gateway.callers.seeing import once
from gateway.callers.sessions import Sessions
from gateway.callers.whole_answers import Reply, Sent, for_aiohttp, in_json
from gateway.calls.call_ids import CallIds
from gateway.calls.calling import Call, Stopping, asked_for, undecided
from gateway.calls.open_calls import OpenCalls
from gateway.calls.passing import Caller, Passage, Served
from gateway.calls.reporting import Reporter
from gateway.calls.sessionless import Asides, check_stream
from gateway.calls.waiting import WaitingRoom
from gateway.identity.identity import Identity, Unchecked
from gateway.ladder.held_calls import HeldCall
from gateway.ladder.ladder import Ladder
from gateway.listening.hearing import LISTEN
from gateway.listening.open_streams import OpenStreams
from gateway.tasks.task_requests import ABOUT_TASKS, TaskRequests
from gateway.under_way import UnderWay
from gateway.upstreams import Era, UpstreamFailed, UpstreamRequest
from gateway.wire.envelopes import AT_ONCE, Message, Request, read_message
from gateway.wire.errors import SOON, Code, Rejected, RequestId
from gateway.wire.methods import check_method
from gateway.wire.routing import check_duplicates, era_of
from policies.people.people import Agent

_LOG = logging.getLogger(__name__)

_STOPPING = "Placet is stopping; call again in a moment"
_GONE = 499
"""The status of an answer to a caller that is not there any more; nobody reads it."""


@dataclass(frozen=True)
class Parts:
    """What an endpoint is made of; `body_limit` is in bytes, `patience` with a body in seconds."""

    premises: Premises
    identity: Identity
    sessions: Sessions
    servers: Mapping[str, Served]
    external: Collection[str]
    ladder: Ladder
    tasks: TaskRequests
    passage: Passage
    room: WaitingRoom
    open_calls: OpenCalls
    asides: Asides
    streams: OpenStreams
    reporter: Reporter
    ids: CallIds
    reach: Callable[[str], None]
    under_way: UnderWay
    crowd: Crowd
    body_limit: int
    patience: float


class Endpoint:
    """Answers `POST`, `GET` and `DELETE` of `/mcp/{server}`.

    What arrives is checked in one order: origin, key, content, JSON, envelope,
    headers, method. Only `tools/call` is gated; the other methods that are
    known pass. Every refusal is a JSON-RPC error.
    """

    def __init__(self, parts: Parts) -> None:
        """Take the collaborators."""
        self._premises = parts.premises
        self._identity = parts.identity
        self._sessions = parts.sessions
        self._servers = parts.servers
        self._external = parts.external
        self._ladder = parts.ladder
        self._tasks = parts.tasks
        self._passage = parts.passage
        self._room = parts.room
        self._open_calls = parts.open_calls
        self._asides = parts.asides
        self._streams = parts.streams
        self._reporter = parts.reporter
        self._reach = parts.reach
        self._crowd = parts.crowd
        self._body_limit = parts.body_limit
        self._patience = parts.patience
        self._ids = parts.ids
        self._under_way = parts.under_way

    async def post(self, http: web.Request) -> web.StreamResponse:
        """Answer a message."""
        return for_aiohttp(await self.answer(http, http.match_info["server"]))

    async def answer(self, http: web.BaseRequest, name: str) -> Reply:
        """Answer a message to the server of this name."""
        known: RequestId = None
        try:
            agent, server = await self._admitted(http, name)
            with self._crowd.enter(agent.name, server.name) as place:
                once(http, "content", check_content)
                body = whole_body(http, self._body_limit)
                if body is None:
                    body = await read_body(http, self._body_limit, place, self._patience)
                if len(body) <= AT_ONCE:
                    message = read_message(body)
                else:  # beside the event loop
                    message = await asyncio.to_thread(read_message, body)
                known = message.id if isinstance(message, Request) else None
                once(http, "duplicates", check_duplicates)
                era = era_of(message, http.headers)
                check_method(message, era)
                caller, headers = self._caller(http, agent, server, era)
                request = UpstreamRequest("POST", headers, body, message.whole, era, agent.name)
                if not isinstance(message, Request) or message.method != "tools/call":
                    return self._in_time(await self._told(http, caller, request, message))
                call = self._call(http, caller, request, message)
                with self._under_way, call:
                    work = self._ladder.answer(call)
                    del body, message, caller, headers, request, call  # thousands may wait
                    reply = await work
                    del work
                    return self._in_time(
                        await reply.ended() if isinstance(reply, HeldCall) else reply
                    )
        except Exception as error:  # noqa: BLE001 (the edge: whatever failed, nothing goes on)
            return self._failed(http, name, error, known)

    async def get(self, http: web.Request) -> web.StreamResponse:
        """Open the server's own stream to the caller (protocols before 2026-07-28)."""
        server = http.match_info["server"]
        return for_aiohttp(await self._guarded(http, server, self._passed(http, server)))

    async def delete(self, http: web.Request) -> web.StreamResponse:
        """End a session (protocols before 2026-07-28)."""
        server = http.match_info["server"]
        return for_aiohttp(await self._guarded(http, server, self._passed(http, server)))

    async def stop(self, seconds: float) -> None:
        """Take no new calls, hold none, and wait for those under way, at most `seconds`.

        The streams on which callers hear of changes end.
        """
        self._room.empty()
        self._streams.close()
        await self._under_way.stop(seconds)

    async def other(self, http: web.Request) -> web.StreamResponse:
        """Refuse any other HTTP method."""
        text = f"`{http.method}` is not answered here; use POST, GET or DELETE"
        allow = {"Allow": "POST, GET, DELETE"}
        rejected = Rejected(405, Code.WRONG_METHOD, text, headers=allow)
        return for_aiohttp(await self._guarded(http, "", self._turned_down(http, rejected)))

    async def nowhere(self, http: web.Request) -> web.StreamResponse:
        """Refuse a path of which there is none; a slash at the end makes another one."""
        text = "nothing is answered at this address; a server's is `/mcp/NAME`, without more"
        rejected = Rejected(404, Code.NO_SUCH_SERVER, text)
        return for_aiohttp(await self._guarded(http, "", self._turned_down(http, rejected)))

    def malformed(
        self, http: web.BaseRequest, why: HttpProcessingError | None
    ) -> web.StreamResponse:
        """Refuse what is no HTTP, of which nothing but the caller's address is known."""
        response = for_aiohttp(self._refused(http, rejection(why)))
        response.force_close()
        return response

    async def _guarded(self, http: web.BaseRequest, server: str, work: Awaitable[Reply]) -> Reply:
        """Return what `work` answers, or the error that it ends in."""
        try:
            return self._in_time(await work)
        except Exception as error:  # noqa: BLE001 (the edge: whatever failed, nothing goes on)
            return self._failed(http, server, error)

    def _failed(
        self, http: web.BaseRequest, server: str, error: Exception, known: RequestId = None
    ) -> Reply:
        """Return what to tell of the error that a request ended in; nothing runs on one.

        `known` is the request's id, where it could be read.
        """
        match error:
            case Rejected():
                error.id = known if error.id is None else error.id
                return self._refused(http, error)
            case UpstreamFailed():
                self._reporter.failed(server, error)
                return self._refused(http, Rejected(502, Code.SERVER_FAILED, str(error), id=known))
            case ConnectionError():
                return web.Response(status=_GONE)
            case _:
                _LOG.error("a request failed", exc_info=error, extra={"server": server})
                text = "Placet failed; look into its log"
                return self._refused(http, Rejected(500, Code.INTERNAL_ERROR, text, id=known))

    def _refused(self, http: web.BaseRequest, rejected: Rejected) -> Reply:
        self._reporter.refused(http, rejected)
        return self._in_time(rejected.response())

    def _in_time(self, reply: Reply) -> Reply:
        """Return an answer; a process that is to end has its callers connect elsewhere."""
        if not self._under_way.stopping or isinstance(reply, Sent):
            return reply
        response = for_aiohttp(reply)
        if not response.prepared:
            response.force_close()
        return response

    async def _told(
        self, http: web.BaseRequest, caller: Caller, request: UpstreamRequest, message: Message
    ) -> Reply:
        """Answer a message that is no call."""
        method = ""
        if isinstance(message, Request):
            method = message.method
        elif self._asides.taken(caller, message, request.era):
            return web.Response(status=202)
        if method == LISTEN:
            self._check_running()
        if isinstance(message, Request) and method in ABOUT_TASKS:
            with self._under_way:
                answer = await self._tasks.answer(caller, request, message)
            if isinstance(answer, bytes):
                return in_json(answer)
            request = answer
        with self._identity.while_good(caller.agent):
            return await self._passage.through(http, caller, request, method)

    async def _passed(self, http: web.BaseRequest, name: str) -> Reply:
        """Hand on a request without a body; sessions are all that it can be about."""
        agent, server = await self._admitted(http, name)
        with self._crowd.enter(agent.name, server.name), self._identity.while_good(agent):
            check_duplicates(http)
            if http.method == "GET":
                self._check_running()
            caller, headers = self._caller(http, agent, server, Era.LEGACY)
            if caller.session is None:
                check_stream(http)
            request = UpstreamRequest(http.method, headers, b"", None, Era.LEGACY, agent.name)
            return await self._passage.through(http, caller, request)

    async def _turned_down(self, http: web.BaseRequest, rejected: Rejected) -> Reply:
        """Refuse a request that is about no server; strangers hear first that they are some."""
        self._premises.admit(http)
        raise rejected

    def _check_running(self) -> None:
        """Refuse to open a stream in a process that is about to end."""
        if self._under_way.stopping:
            raise Rejected(503, Code.UNDECIDED, _STOPPING, headers=SOON)

    async def _admitted(self, http: web.BaseRequest, name: str) -> tuple[Agent, Served]:
        once(http, "premises", self._premises.admit)
        try:
            agent = self._identity.authenticate(http, name)
        except Unchecked:
            agent = await self._identity.caller(http, name)
        server = self._servers.get(name)
        if server is None:
            text = "there is no server of this name; ask which the configuration names"
            if name in self._external:
                text = "this server is external and speaks no MCP; ask at `POST /v1/decisions`"
            raise Rejected(404, Code.NO_SUCH_SERVER, text)
        return agent, server

    def _caller(
        self, http: web.BaseRequest, agent: Agent, server: Served, era: Era
    ) -> tuple[Caller, CIMultiDict[str]]:
        """Return who calls, with the headers for the server; the session must be the caller's."""
        wrapped = http.headers.get(SESSION) if era is Era.LEGACY else None
        session = None
        if wrapped is not None:
            session = self._sessions.unwrap(wrapped, agent=agent.principal, server=server.name)
        return Caller(agent, server, wrapped), upward(http, session)

    def _call(
        self, http: web.BaseRequest, caller: Caller, request: UpstreamRequest, message: Request
    ) -> Call:
        """Return a call that is to be decided; a process that is about to end takes none."""
        asked = asked_for(self._ids.new(), caller, message, request)
        call = Call(http, caller, request, message, asked)
        if self._under_way.stopping:
            raise undecided(Stopping(_STOPPING), call)
        self._reach("request-read")
        if request.era is Era.LEGACY:
            self._open_calls.add(call)
        return call
