"""Serves connections that are fast lanes, and such that are aiohttp's alone, on loopback."""

import asyncio
import contextlib

from aiohttp import web

from gateway.callers.fast_lane import FastLane
from gateway.callers.unnamed import UnnamedRunner
from gateway.callers.whole_answers import AnswerWriter
from gateway.wire.known_heads import KnownHeads

PLAIN = (
    b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"X-Said: \xc3\xa4 \r\nContent-Length: 5\r\n\r\nhello"
)


@contextlib.asynccontextmanager
async def serving(answer, *, lane=True):
    """Serve on loopback; give the port, and the open lanes."""

    async def routed(http):
        return await answer(http, http.match_info["server"])

    application = web.Application()
    application.router.add_route("*", "/mcp/{server}", routed)
    runner = UnnamedRunner(application, handler_cancellation=True, access_log=None)
    await runner.setup()
    loop = asyncio.get_running_loop()
    lanes, heads = [], KnownHeads()
    options = {"loop": loop, "access_log": None}

    def connection():
        lanes.append(FastLane(runner.server, answer, AnswerWriter(), heads, options))
        return lanes[-1]

    server = await loop.create_server(connection if lane else runner.server, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], lanes
    finally:
        server.close()
        await runner.cleanup()
