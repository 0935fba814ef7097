"""Hands on the messages that are not gated, and learns from what comes back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from aiohttp import web

from gateway.declaring import with_list_changes, with_tasks
from gateway.editing import edited
from gateway.errors import Code, Rejected
from gateway.headers import SESSION
from gateway.hearing import LISTEN, farewell, heard, notice
from gateway.instructions import with_hint
from gateway.open_streams import Listening, OpenStreams
from gateway.relaying import relay
from gateway.resuming import Resumable
from gateway.sessions import Sessions
from gateway.tool_lists import ToolLists
from gateway.toolbox import Toolbox
from gateway.upstreams import Era, Upstream, UpstreamAnswer, UpstreamFailed, UpstreamRequest
from gateway.waiting import Ticket
from policies.calls import Number, Tool
from policies.people import Agent

_INTRODUCTIONS = frozenset({"initialize", "server/discover"})
_OK = 200
_SUCCESSES = range(200, 300)
_BAD_GATEWAY = 502


@dataclass(frozen=True)
class Served:
    """A server behind the gateway, and what is known of its tools."""

    name: str
    upstream: Upstream
    toolbox: Toolbox


@dataclass(frozen=True)
class Caller:
    """Who sent a request, to which server, in which session (as the caller names it)."""

    agent: Agent
    server: Served
    session: str | None

    def ticket(self, request_id: str) -> Ticket:
        """Return how this caller can name one of its held calls."""
        session = self.session or ""
        agent, person = self.agent.name, self.agent.on_behalf_of
        return Ticket(agent, self.server.name, session, request_id, person)


Hides: TypeAlias = Callable[[Agent, str], Callable[[Tool], bool]]
"""Returns what tells of a server's tools which ones an agent need not see."""


class Passage:
    """Forwards what needs no decision; the answer's bytes pass as they are.

    Little changes on the way: the session id becomes the caller's own, the
    `instructions` of an introduction gain a line, and what a server can do
    gains what Placet does for it: tasks, and telling that lists of tools changed.
    """

    def __init__(
        self, sessions: Sessions, resumable: Resumable, streams: OpenStreams, hides: Hides
    ) -> None:
        """Take what wraps session ids, what waits for answers elsewhere, and what ends streams.

        `hides` tells which tools an agent need not see.
        """
        self._hides = hides
        self._streams = streams
        self._sessions = sessions
        self._resumable = resumable

    async def through(
        self, http: web.BaseRequest, caller: Caller, request: UpstreamRequest, method: str = ""
    ) -> web.StreamResponse:
        """Return the server's answer to a message of `method`. Raises UpstreamFailed."""
        answer = self.as_callers(await caller.server.upstream.forward(request), caller)
        if method in _INTRODUCTIONS and answer.status == _OK:
            answer = _introduced(answer, method)
        if method == "tools/list" and answer.status in _SUCCESSES:
            return await self._listed(http, caller, request, answer)
        if method == LISTEN or request.method == "GET":
            answer = self._open(caller, request, await heard(request, answer))
        session = (caller.server.name, request.headers.get(SESSION, ""))
        if request.method == "DELETE":
            self._resumable.end_session(session)
        if request.method == "GET":
            answer = edited(answer, self._lists(caller, request).again)
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
        )
        return replace(answer, stream=self._streams.ending(answer.stream, listening))

    async def _listed(
        self,
        http: web.BaseRequest,
        caller: Caller,
        request: UpstreamRequest,
        answer: UpstreamAnswer,
    ) -> web.StreamResponse:
        """Return a list without the tools that its caller could not call anyway."""
        lists, shorter = self._lists(caller, request), None
        try:
            shorter = await lists.answer(answer)
        except UpstreamFailed as failed:
            status = _OK if request.era is Era.LEGACY else _BAD_GATEWAY
            raise Rejected(status, Code.SERVER_FAILED, str(failed), id=lists.asked) from failed
        finally:
            if answer.stream is not None and shorter is None:
                await answer.stream.aclose()
        return await _relayed(http, shorter)

    def _lists(self, caller: Caller, request: UpstreamRequest) -> ToolLists:
        """Return what edits lists for a caller, by the policy of the moment."""
        known = request.message["id"] if request.message else None

        def hides(tool: Tool) -> bool:
            return self._hides(caller.agent, caller.server.name)(tool)

        return ToolLists(
            caller.server.name,
            hides,
            caller.server.toolbox.notice,
            known if isinstance(known, str | Number) else None,
            private=request.era is Era.MODERN,
        )

    def as_callers(self, answer: UpstreamAnswer, caller: Caller) -> UpstreamAnswer:
        """Return the answer with the session id, if it has one, as this caller has to name it."""
        if SESSION not in answer.headers:
            return answer
        headers = answer.headers.copy()
        headers[SESSION] = self._sessions.wrap(
            headers[SESSION], agent=caller.agent.principal, server=caller.server.name
        )
        return replace(answer, headers=headers)


def _introduced(answer: UpstreamAnswer, method: str) -> UpstreamAnswer:
    """Return an introduction with a line on approvals, and with what Placet can do besides."""

    def edit(body: bytes) -> bytes:
        told = with_list_changes(with_hint(body))
        return with_tasks(told) if method == "server/discover" else told

    return edited(answer, edit)


async def _relayed(
    http: web.BaseRequest,
    answer: UpstreamAnswer,
    listen: Callable[[bytes], None] = lambda _: None,
) -> web.StreamResponse:
    """Relay an answer and give its stream up, whatever happens."""
    try:
        return await relay(http, answer, listen)
    finally:
        if answer.stream is not None:
            await answer.stream.aclose()
