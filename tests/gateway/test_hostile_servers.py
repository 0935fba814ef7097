"""A server that never stops talking, through the whole gateway: it costs its own requests only."""

import asyncio
import contextlib
import json
from functools import partial

import aiohttp
import psutil
import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, RawServer, modern_headers, staged, until

MIB = 1024 * 1024
ROOM = 64 * MIB
"""Memory that the test's own server, its caller and the gateway may take besides."""

FLOODS = {
    "JSON": ("application/json", b'{"jsonrpc":"2.0","id":1,"result":{"a":"', b"x" * 65536),
    "small JSON": ("application/json", b'{"jsonrpc":"2.0","id":1,"result":{"a":[0', b",[]" * 20000),
    "a long event": ("text/event-stream", b"data: ", b"x" * 65536),
    "a long event of lines": ("text/event-stream", b"", b"data: x\n" * 8000),
    "events": ("text/event-stream", b"", b'data: {"jsonrpc":"2.0","method":"a"}\n\n' * 1000),
    "events that cannot be read": ("text/event-stream", b"", b"data: {\n\n" * 5000),
    "comments": ("text/event-stream", b"", b": still here\n\n" * 4000),
    "results of others": (
        "text/event-stream",
        b"",
        b'data: {"jsonrpc":"2.0","id":99,"result":{}}\n\n' * 1000,
    ),
}
floods = pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())


class FloodingServer(RawServer):
    """Answers one method with a flood, and counts what it got rid of."""

    def __init__(self, flood, method="tools/call"):
        super().__init__()
        self.flood, self.method = flood, method
        self.flooding = False
        self.sent = 0

    async def _result(self, message, request):
        name = message["params"].get("name", "read_file")
        if not self.flooding or (message["method"], name) != (self.method, "read_file"):
            return await super()._result(message, request)
        kind, first, more = self.flood
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        try:
            await response.write(first)
            while True:
                await response.write(more)
                self.sent += len(more)
        finally:
            self.gone.set()


@contextlib.asynccontextmanager
async def flooded(url, flood, method="tools/call"):
    server = FloodingServer(flood, method)
    server.tools.append({"name": "read_more", "inputSchema": {"type": "object"}})
    await server.start()
    async with staged(url, server=server) as stage:
        server.flooding = True
        yield stage
    await server.close()


def memory():
    return psutil.Process().memory_info().rss


def request(method, name=None, **params):
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    if name is not None:
        message["params"]["name"] = name
    standard = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {CI_BOT}",
    }
    return json.dumps(message).encode(), standard | modern_headers(method, name)


@floods
async def test_a_flood_passes_to_whoever_takes_it_and_ends_with_them(sqlite_url, flood):
    async with flooded(sqlite_url, flood) as stage:
        before, got = memory(), 0
        body, headers = request("tools/call", "read_file")

        async with stage.http.post(f"{stage.url}/mcp/files", data=body, headers=headers) as answer:
            async for chunk in answer.content.iter_any():
                got += len(chunk)
                if got > 12 * MIB:
                    break
            other = await stage.call("read_more")
            answer.close()

        await stage.server.gone.wait()
        assert other.text == "done: read_more"
        assert memory() - before < ROOM
        (call, _) = await stage.ended(2)
        assert call.outcome in {"ok", "failed"}


@floods
async def test_a_flood_that_nobody_takes_waits(sqlite_url, flood):
    async with flooded(sqlite_url, flood) as stage:
        before = memory()
        body, headers = request("tools/call", "read_file")

        async with stage.http.post(f"{stage.url}/mcp/files", data=body, headers=headers) as answer:
            sent = await until(partial(stands_still, stage.server))
            other = await stage.call("read_more")
            answer.close()

        assert sent < 40 * MIB
        assert other.text == "done: read_more"
        assert memory() - before < ROOM


async def stands_still(server):
    before = server.sent
    await asyncio.sleep(0.5)
    return before if before == server.sent else 0


@pytest.mark.parametrize("name", ["JSON", "comments", "events that cannot be read"])
async def test_a_flood_that_its_caller_left_ends_soon(sqlite_url, name):
    """Before 2026-07-28 a caller that hangs up cancels nothing: the outcome is awaited."""
    async with flooded(sqlite_url, FLOODS[name]) as stage:
        before = memory()

        await left(stage)
        await asyncio.wait_for(stage.server.gone.wait(), 60)
        (call,) = await stage.ended()

        assert stage.server.sent < 80 * MIB
        assert memory() - before < ROOM
        assert call.outcome == "ok" or "within 32 MiB" in call.error


async def left(stage):
    """Make a call in the manner of before 2026-07-28, and hang up once its answer has begun."""
    params = {"name": "read_file", "arguments": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "Accept": "application/json, text/event-stream",
        "Authorization": f"Bearer {CI_BOT}",
    }
    async with stage.http.post(f"{stage.url}/mcp/files", json=message, headers=headers) as answer:
        await answer.content.readany()
        answer.close()


async def test_floods_that_their_callers_left_are_read_slowly_all_together(sqlite_url):
    async with flooded(sqlite_url, FLOODS["JSON"]) as stage:
        for _ in range(8):
            await left(stage)
        await until(partial(goes_slowly, stage.server))

        other = await stage.call("read_more")

        assert other.text == "done: read_more"
        assert not stage.server.gone.is_set()


async def goes_slowly(server):
    before = server.sent
    await asyncio.sleep(1)
    return 0 < server.sent - before < 12 * MIB


@pytest.mark.parametrize("name", ["JSON", "a long event", "events", "comments"])
@pytest.mark.parametrize("method", ["tools/list", "server/discover"])
async def test_a_flood_instead_of_what_is_read_here_ends(sqlite_url, name, method):
    async with flooded(sqlite_url, FLOODS[name], method) as stage:
        before, got = memory(), 0
        body, headers = request(method)

        with contextlib.suppress(aiohttp.ClientError):
            async with stage.http.post(
                f"{stage.url}/mcp/files", data=body, headers=headers
            ) as answer:
                async for chunk in answer.content.iter_any():
                    got += len(chunk)
                    if got > 8 * MIB:
                        break
                answer.close()
        other = await stage.call("read_more")

        await stage.server.gone.wait()
        assert other.text == "done: read_more"
        assert memory() - before < 2 * ROOM


@floods
async def test_a_flood_of_tools_is_not_learned(sqlite_url, flood):
    server = FloodingServer(flood, "tools/list")
    server.flooding = True
    await server.start()
    before = memory()

    async with staged(sqlite_url, server=server, known=False) as stage:
        await until(lambda: said(stage, "larger than 8 MiB", "strict JSON"), 40)
        answer = await stage.call("read_file")

        assert (answer.status, answer.error["code"]) == (503, -31007)
        assert "nothing was executed" in answer.error["message"]
        assert memory() - before < 2 * ROOM
    await server.close()


async def said(stage, *texts):
    troubles = stage.gateway.troubles()
    return any(text in trouble for trouble in troubles for text in texts)
