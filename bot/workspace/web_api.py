"""Slack's Web API over HTTP: tokens, scopes, faults, rate limits, then the method.

https://docs.slack.dev/apis/web-api/
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.workspace.arguments import Arguments, arguments_of, token_of
from bot.workspace.errors import SlackError
from bot.workspace.faults import (
    AnswerError,
    AnswerStatus,
    CutConnection,
    Delay,
    Fault,
    Faults,
    Hang,
    LoseAnswer,
    RateLimit,
)
from bot.workspace.methods.table import METHODS
from bot.workspace.rates import Rates
from bot.workspace.request_log import RequestLog
from bot.workspace.responses import respond
from bot.workspace.socket_mode import SocketMode
from bot.workspace.state import Workspace

OPEN_CONNECTION = "apps.connections.open"
RESPONSE_URL = "response_url"
Perform = Callable[[Arguments], web.Response]


@dataclass
class WebApi:
    """Answers the methods; `away` lets every request fail with 503; `socket_url` is the link's."""

    workspace: Workspace
    sockets: SocketMode
    rates: Rates | None
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    away: bool = False
    socket_url: str = ""
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of `/api/{method}`."""
        method = request.match_info["method"]

        def perform(arguments: Arguments) -> web.Response:
            answer = {"ok": True} | self._perform(request, method, arguments)
            headers = {"X-OAuth-Scopes": ",".join(sorted(self.workspace.spec.scopes))}
            return web.json_response(answer, headers=headers)

        return await self._logged(method, request, perform)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer one use of a response URL, `/response/{name}`."""

        def perform(arguments: Arguments) -> web.Response:
            respond(self.workspace, request.match_info["name"], arguments)
            return web.Response(text="ok")

        return await self._logged(RESPONSE_URL, request, perform)

    async def _logged(
        self, method: str, request: web.Request, perform: Perform
    ) -> web.StreamResponse:
        at = self.workspace.now()
        try:
            arguments = await arguments_of(request)
        except SlackError as refused:
            self.log.add(method, at, {}, refused.error)
            return _refused(refused)
        fault = AnswerStatus(503) if self.away else self.faults.take(method)
        outcome, response = await self._despite(fault, request, lambda: perform(arguments))
        self.log.add(method, at, arguments.given, outcome)
        return response

    async def _despite(
        self, fault: Fault | None, request: web.Request, perform: Callable[[], web.Response]
    ) -> tuple[str, web.StreamResponse]:
        match fault:
            case AnswerError(error):
                return error, web.json_response({"ok": False, "error": error})
            case AnswerStatus(status):
                return f"status {status}", web.Response(status=status, text="upstream error")
            case RateLimit(seconds):
                return "ratelimited", _rate_limited(seconds)
            case Hang(seconds):
                await self._wait(seconds)
                return "hung", _cut(request)
            case CutConnection():
                return "cut", _cut(request)
            case LoseAnswer():
                outcome, _ = _performed(perform)
                return f"{outcome}, answer lost", _cut(request)
            case Delay(seconds):
                await self._wait(seconds)
        return _performed(perform)

    def _perform(self, request: web.Request, name: str, arguments: Arguments) -> dict[str, Any]:
        self._authenticate(name, token_of(request, arguments))
        self._count(name, arguments)
        if name == OPEN_CONNECTION:
            app = self.workspace.spec.app_id
            return {"url": f"{self.socket_url}?ticket={self.sockets.ticket()}&app_id={app}"}
        return METHODS[name].answer(self.workspace, arguments)

    def _authenticate(self, name: str, token: str | None) -> None:
        spec = self.workspace.spec
        if token is None:
            raise SlackError("not_authed")
        is_bot, is_app = _same(token, spec.bot_token), _same(token, spec.app_token)
        if not (is_bot or is_app):
            raise SlackError("invalid_auth")
        if name != OPEN_CONNECTION and name not in METHODS:
            raise SlackError("unknown_method", {"req_method": name})
        if (name == OPEN_CONNECTION) != is_app:
            raise SlackError("not_allowed_token_type")
        if name != OPEN_CONNECTION:
            self._check_scope(METHODS[name].scopes)

    def _check_scope(self, needed: frozenset[str]) -> None:
        provided = self.workspace.spec.scopes
        if needed and not needed & provided:
            raise SlackError(
                "missing_scope",
                {"needed": ",".join(sorted(needed)), "provided": ",".join(sorted(provided))},
            )

    def _count(self, name: str, arguments: Arguments) -> None:
        if self.rates is None:
            return
        seconds = self.rates.wait_for(name, arguments.maybe("channel") or "")
        if seconds:
            raise SlackError("ratelimited", {"retry_after": seconds})

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return


def _performed(perform: Callable[[], web.Response]) -> tuple[str, web.Response]:
    try:
        return "ok", perform()
    except SlackError as refused:
        return refused.error, _refused(refused)


def _refused(refused: SlackError) -> web.Response:
    if refused.error == "ratelimited":
        return _rate_limited(refused.extra["retry_after"])
    return web.json_response(refused.answer(), status=refused.status)


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _rate_limited(seconds: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)}
    )


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
