"""Answers HTTP callers of both eras from one MCP server that speaks over its standard pipes."""

import json
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Final, TypeAlias

from multidict import CIMultiDict

from gateway.servers.synthesis import (
    Introduction,
    acknowledged,
    discovered,
    initialized,
    subscription_ended,
)
from gateway.started.bridge_answers import NO_ID, accepted, answer, no_method, refused, streamed
from gateway.started.bridge_calls import Caller, Calls
from gateway.started.bridge_listeners import LISTS, UPDATED, Listeners, Session
from gateway.started.stdio_channel import Channel
from gateway.started.stdio_server import NotReading, ServerCommand
from gateway.started.stdio_supervisor import Supervisor
from gateway.upstreams import MODERN_VERSIONS, Era, Traffic, UpstreamAnswer, UpstreamRequest
from gateway.wire.errors import Code
from gateway.wire.json_text import text_member
from policies.values.calls import JsonValue
from policies.values.inert import inert_line
from policies.values.strict_json import canonical

_Message: TypeAlias = Mapping[str, JsonValue]

_VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
_SESSION: Final = "Mcp-Session-Id"
_ECHO = 60
_MOST_URIS = 1000
_BOTH = frozenset(
    {
        "tools/list",
        "tools/call",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "completion/complete",
    }
)
_SUBSCRIBING = frozenset({"resources/subscribe", "resources/unsubscribe"})
_TASKS = frozenset({"tasks/get", "tasks/result", "tasks/cancel", "tasks/list"})
_PASSED = {Era.LEGACY: _BOTH | _SUBSCRIBING | _TASKS | {"ping"}, Era.MODERN: _BOTH}


class Bridge:
    """An upstream server run as one process for all its callers.

    We offer the server nothing (no sampling, elicitation or roots), so that it
    cannot ask one caller for what another one started. What it logs through
    the protocol belongs to no single call and is not passed on, nor may one
    caller set for all how much that is. Its tasks, whose ids every caller could
    use, are kept apart before a request about one comes here.
    """

    def __init__(
        self,
        command: ServerCommand,
        *,
        silence: float = 3600.0,
        first_delay: float = 0.25,
        start: float = 30.0,
    ) -> None:
        """Know what to run; nothing is started before `start`.

        `silence` is for how many seconds the server may say nothing of a
        request. `first_delay` is the number of seconds before a restart;
        further ones in a row take twice as long each, up to 30 s. `start` is
        how long a request waits for the first start.
        """
        self._calls = Calls(command.name, silence)
        self._listeners = Listeners()
        self._server = Supervisor(
            command,
            told=self._heard,
            restarted=self._restarted,
            first_delay=first_delay,
            start=start,
        )

    async def start(self) -> None:
        """Start the server in the background; a server that fails is started again."""
        self._server.start()

    async def close(self) -> None:
        """End every stream, and the server with all it started."""
        self._listeners.close(subscription_ended)
        await self._server.close()

    def trouble(self) -> str | None:
        """Say why the server cannot be used now; None where it can."""
        return self._server.trouble()

    @property
    def traffic(self) -> Traffic:
        """What went to the server so far, and how often it was started."""
        return Traffic(self._calls.sent, self._server.starts, self._calls.under_way)

    @property
    def garbage(self) -> int:
        """Count the lines of the server that were no messages."""
        return self._server.garbage

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Answer one HTTP request of a caller. Raises UpstreamFailed."""
        message = request.message
        if request.method == "POST" and message is not None:
            if "method" not in message or "id" not in message:
                return self._noted(request, message)
            if request.era is Era.MODERN:
                return await self._modern(request, message)
            return await self._legacy(request, message)
        name = request.headers.get(_SESSION, "")
        if request.era is Era.MODERN or request.method not in {"GET", "DELETE"}:
            return refused(405, Code.WRONG_METHOD, "the server takes POST requests here")
        session = self._listeners.session(name) if name else None
        if session is None:
            return _no_session(NO_ID, name)
        if request.method == "GET":
            return streamed(self._listeners.stream(session))
        self._unsubscribe(self._listeners.end_session(name))
        return UpstreamAnswer(200, CIMultiDict(), body=b"")

    async def _legacy(self, request: UpstreamRequest, message: _Message) -> UpstreamAnswer:
        """Answer a request of an era with sessions."""
        number, method = canonical(message["id"]), str(message["method"])
        if method == "initialize":
            introduction, _ = await self._server.ready()
            version = _params(message).get("protocolVersion")
            opened = answer(number, initialized(introduction, version))
            opened.headers[_SESSION] = secrets.token_hex(16)
            return opened
        name = request.headers.get(_SESSION, "")
        session = self._listeners.session(name) if name else None
        if session is None:
            return _no_session(number, name)
        if method not in _PASSED[Era.LEGACY]:
            return no_method(number, method, Era.LEGACY)
        if method == "resources/unsubscribe":
            done = self._still_wanted(session, message, number)
            if done is not None:
                return done
        if method == "resources/subscribe":
            return await self._subscribing(request, (name, number), session, message)
        server = await self._server.ready()
        if method in _TASKS and not server[0].runs_tasks:
            return no_method(number, method, Era.LEGACY)
        return await self._calls.carry(request, (name, number), method, server)

    async def _subscribing(
        self, request: UpstreamRequest, caller: Caller, session: Session, message: _Message
    ) -> UpstreamAnswer:
        """Subscribe a session; it hears of updates that come before the answer does, too."""
        server = await self._server.ready()
        uri = _params(message).get("uri")
        if len(session.uris) >= _MOST_URIS and not (isinstance(uri, str) and uri in session.uris):
            text = f"this session has subscribed to {_MOST_URIS} resources; unsubscribe from some"
            return refused(200, Code.INVALID_REQUEST, text, caller[1])
        added = _remember(session, uri)
        taken = False
        try:
            passed = await self._calls.carry(request, caller, "resources/subscribe", server)
            taken = passed.body is None or b'"result":' in passed.body
        finally:
            session.uris -= added
            if taken:  # also where another request for the same, which noted it, was refused
                _remember(session, uri)
        return passed

    async def _modern(self, request: UpstreamRequest, message: _Message) -> UpstreamAnswer:
        """Answer a request of the era without sessions."""
        number, method = canonical(message["id"]), str(message["method"])
        meta = _params(message).get("_meta")
        version = meta.get(_VERSION_KEY) if isinstance(meta, dict) else None
        if version not in MODERN_VERSIONS:
            return _unknown_version(number, version)
        if method == "server/discover":
            introduction, _ = await self._server.ready()
            return answer(number, discovered(introduction))
        if method == "subscriptions/listen":
            return await self._subscribed(number, message)
        if method not in _PASSED[Era.MODERN]:
            return no_method(number, method, Era.MODERN)
        server = await self._server.ready()
        return await self._calls.carry(request, ("", number), method, server)

    def _noted(self, request: UpstreamRequest, message: _Message) -> UpstreamAnswer:
        """Accept what wants no answer; a shared server is told of cancellations only."""
        if message.get("method") == "notifications/cancelled" and request.era is Era.LEGACY:
            number = canonical(_params(message).get("requestId"))
            self._calls.cancel((request.headers.get(_SESSION, ""), number))
        return accepted()

    async def _subscribed(self, number: str, message: _Message) -> UpstreamAnswer:
        """Open a `subscriptions/listen` stream (specification 2026-07-28, basic, patterns)."""
        asked = _params(message).get("notifications")
        uris = _uris(asked)
        if not isinstance(asked, dict) or uris is None:
            text = "`notifications` does not say what to be told of; see `subscriptions/listen`"
            return refused(400, Code.INVALID_PARAMS, text, number)
        introduction, channel = await self._server.ready()
        methods = {m for m in introduction.announces() if asked.get(LISTS[m]) is True}
        wanted = uris if introduction.takes_subscriptions() else set()
        for uri in sorted(wanted - self._listeners.uris()):
            _tell_server(channel, "resources/subscribe", uri)
        kept: dict[str, object] = {LISTS[method]: True for method in sorted(methods)}
        if wanted:
            kept["resourceSubscriptions"] = sorted(wanted)
        first = acknowledged(number, kept)
        return streamed(
            self._listeners.subscribe(number, methods, wanted, first, self._unsubscribe)
        )

    def _still_wanted(
        self, session: Session, message: _Message, number: str
    ) -> UpstreamAnswer | None:
        """End a session's subscription; others to the same resource stay at the server."""
        uri = _params(message).get("uri")
        session.uris -= {uri} if isinstance(uri, str) else set()
        return answer(number, "{}") if uri in self._listeners.uris() else None

    def _unsubscribe(self, uris: set[str]) -> None:
        channel = self._server.channel
        if channel is not None:
            for uri in sorted(uris):
                _tell_server(channel, "resources/unsubscribe", uri)

    def _heard(self, method: str, params: str | None) -> None:
        """Pass on what the server tells all callers, or those subscribed to a resource."""
        if method in LISTS:
            self._listeners.tell(method, params, None)
        elif method == UPDATED and params is not None:
            uri = text_member(params, "uri")
            if uri is not None:
                self._listeners.tell(method, params, uri)

    def _restarted(self, introduction: Introduction, channel: Channel) -> None:
        """Subscribe again after a restart, and have callers read the lists again."""
        for uri in sorted(self._listeners.uris()):
            _tell_server(channel, "resources/subscribe", uri)
        for method in sorted(introduction.announces()):
            self._listeners.tell(method, None, None)


def _remember(session: Session, uri: JsonValue) -> set[str]:
    """Note what a session is to hear of, and return what was not noted before."""
    new = {uri} - session.uris if isinstance(uri, str) else set()
    session.uris |= new
    return new


def _uris(asked: JsonValue) -> set[str] | None:
    """Return the resources a `subscriptions/listen` names; None where it is not well formed."""
    listed = asked.get("resourceSubscriptions", []) if isinstance(asked, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_URIS:
        return None
    uris = {uri for uri in listed if isinstance(uri, str)}
    return uris if len(uris) == len(listed) else None


def _tell_server(channel: Channel, method: str, uri: str) -> None:
    """Send a request whose answer nobody waits for."""
    try:
        channel.request(method, partial(_uri, uri))
    except NotReading:
        return


def _uri(uri: str, _: int) -> str:
    return json.dumps({"uri": uri})


def _params(message: _Message) -> Mapping[str, JsonValue]:
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def _no_session(number: str, name: str) -> UpstreamAnswer:
    """Return 400 for a missing session id and 404 for one that has ended (transports)."""
    if not name:
        text = "the header `Mcp-Session-Id` is missing; initialize a session"
        return refused(400, Code.INVALID_REQUEST, text, number)
    return refused(404, Code.NO_SUCH_SESSION, "the session has ended; initialize a new one", number)


def _unknown_version(number: str, version: JsonValue) -> UpstreamAnswer:
    shown = inert_line(version, _ECHO) if isinstance(version, str) else None
    details = {"supported": sorted(MODERN_VERSIONS), "requested": shown}
    text = "the server does not speak this version of the protocol; use one of those in `data`"
    return refused(400, Code.UNSUPPORTED_VERSION, text, number, details)
