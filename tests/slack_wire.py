"""A wire between the bot and a Web API of Slack's that notes what passes, and changes nothing."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

Json = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request of the bot: method, arguments, and what it was answered."""

    method: str
    form: Json
    answer: Json


@dataclass
class Wire:
    """Stands between the bot and the Web API at `target`, and passes every request on as it is.

    The next answer of each method in `lost` never arrives. What the bot sends to a response URL
    ends here, since not every server has these.
    """

    target: str
    asked: list[Asked] = field(default_factory=list)
    responded: list[Json] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    api_url: str = ""
    response_url: str = ""

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Wire"]:
        """Listen on loopback for the length of a block."""
        application = web.Application()
        application.router.add_post("/api/{method}", self._pass_on)
        application.router.add_post("/respond", self._respond)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.api_url = f"http://127.0.0.1:{port}/api/"
        self.response_url = f"http://127.0.0.1:{port}/respond"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        body, method = await request.read(), request.match_info["method"]
        names = ("Authorization", "Content-Type")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.target + method, data=body, headers=headers) as answer,
        ):
            said = await answer.json()
        self.asked.append(Asked(method, await _form(request, body), said))
        if method in self.lost:
            self.lost.discard(method)
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(said, status=answer.status)

    async def _respond(self, request: web.Request) -> web.Response:
        self.responded.append(await request.json())
        return web.Response(text="ok")


async def _form(request: web.Request, body: bytes) -> Json:
    if request.content_type == "application/json":
        return dict(json.loads(body or b"{}"))
    return dict(await request.post())
